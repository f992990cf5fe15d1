"""Counting all tickets anew: after a restore, or where ``heliodesk check`` has found differences."""

from collections.abc import AsyncIterator
from typing import Final

from app.consumers import marks
from app.core.db.engine import Sessions
from app.core.db.session import LONG, allow, driver, transaction
from app.reports.facts.leaving import forget, leave_out
from app.reports.facts.storing import MARK, Faults, Key, recount
from app.reports.facts.summing import sum_anew

BATCH: Final = 200
"""Tickets of one transaction."""
_KEYS: Final = "SELECT account_id, id FROM tickets WHERE (account_id, id) > ($1, $2) ORDER BY account_id, id LIMIT $3"
_DROPS: Final = tuple(
    f"""DELETE FROM {table}
    WHERE (account_id, ticket_id) IN (SELECT * FROM unnest($1::text[], $2::text[])) AND id <> ALL ($3::text[])"""  # noqa: S608
    for table in ("report_facts", "report_moments")
)
_RECORDED: Final = """
SELECT max(recorded_at) FROM events WHERE account_id = $1 AND ticket_id = $2
"""
_STRAYS: Final = tuple(
    f"""DELETE FROM {table} AS f
    WHERE NOT EXISTS (SELECT FROM tickets AS t WHERE t.account_id = f.account_id AND t.id = f.ticket_id)"""  # noqa: S608
    for table in ("report_facts", "report_moments")
)


async def rebuild(sessions: Sessions, upto: int) -> AsyncIterator[int]:
    """Count every ticket anew, some in each transaction; how many each has counted. The service may run meanwhile.

    ``upto``: the position in the feed up to which all is decided.
    """
    async with transaction(sessions) as session:
        await marks.begin(await driver(session), MARK, 0)
    last: Key = ("", "")
    while keys := await _batch(sessions, last):
        yield len(keys)
        last = keys[-1]
    await _finish(sessions, upto)


async def _batch(sessions: Sessions, last: Key) -> list[Key]:
    async with transaction(sessions) as session:
        connection = await driver(session)
        await marks.wait(connection, MARK)
        keys = [(row["account_id"], row["id"]) for row in await connection.fetch(_KEYS, *last, BATCH)]
        if keys:
            faults = Faults()
            counted = await recount(session, keys, faults)
            await leave_out(session, faults, {key: await connection.fetchval(_RECORDED, *key) for key in faults})
            good = [key for key in keys if key not in faults]
            await forget(connection, good)
            for drop, rows in zip(_DROPS, (counted.facts, counted.moments), strict=True):
                if good:
                    await connection.execute(drop, *zip(*good, strict=True), [row["id"] for row in rows])
    return keys


async def _finish(sessions: Sessions, upto: int) -> None:
    """Drop what is of no ticket, sum all up anew, and note how far the events are counted."""
    async with transaction(sessions) as session:
        connection = await driver(session)
        await allow(session, 10 * LONG)
        await marks.wait(connection, MARK)
        for stray in _STRAYS:
            await connection.execute(stray)
        await sum_anew(session)
        await marks.advance(connection, MARK, upto)
