"""A transaction that commits late is never passed over, and nothing is told twice."""

import asyncio
from collections import defaultdict
from random import Random
from typing import Final

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.db.tables import Row
from app.core.state import State
from app.feed.poller import FeedPoller
from app.feed.reading import read
from tests.feed.conftest import EVERYTHING, OURS, Tell, everything, row, told_in
from tests.support.desk import connected

WRITERS: Final = 8
TRANSACTIONS: Final = 40
DICE: Final = Random(7)  # noqa: S311  nothing secret
TICKETS: Final = [f"tkt_{number}" for number in range(5)]
_NEXT: Final = "SELECT coalesce(max(sequence), 0) FROM events WHERE account_id = $1 AND ticket_id = $2"


class Undone(Exception):
    pass


async def test_an_event_that_commits_late_is_not_passed_over(
    state: State, sessions: Sessions, tell: Tell, start: int
) -> None:
    async with transaction(sessions) as slow:
        late = await told_in(slow, row())
        early = await tell()
        assert await everything(state, start) == ([], start)
    found, end = await everything(state, start)
    assert found == [*late, *early]
    assert await everything(state, end) == ([], end)


async def test_what_was_written_before_a_slow_writer_came_is_read(
    state: State, sessions: Sessions, tell: Tell, start: int
) -> None:
    early = await tell()
    await state.feed.decided()
    async with transaction(sessions) as slow:
        late = await told_in(slow, row())
        assert (await everything(state, start))[0] == early
    assert (await everything(state, start))[0] == [*early, *late]


async def test_events_that_were_never_committed_hold_nothing_up(
    state: State, sessions: Sessions, tell: Tell, start: int
) -> None:
    try:
        async with transaction(sessions) as session:
            await told_in(session, row(), row())
            raise Undone  # noqa: TRY301  what undoes it
    except Undone:
        assert await everything(state, start) == ([], start)  # nobody is told of a place that may be given out again
    later = await tell()
    assert await everything(state, start) == (later, start + 3)


async def test_a_long_transaction_that_writes_no_events_holds_nothing_up(
    state: State, sessions: Sessions, tell: Tell, start: int
) -> None:
    async with transaction(sessions) as stranger:
        await (await driver(stranger)).execute("INSERT INTO feed_marks VALUES (now(), 0)")
        told = await tell()
        assert (await everything(state, start))[0] == told


async def test_a_process_that_begins_beside_a_writer_waits_for_it(
    state: State, sessions: Sessions, tell: Tell, start: int
) -> None:
    async with transaction(sessions) as slow:
        late = await told_in(slow, row())
        early = await tell()
        new = FeedPoller(state.engine, state.wake_ups.events)
        await new.poll()
        await new.poll()
        assert new.position is None
    assert await new.decided() == start + 2
    page = await read(state.engine, EVERYTHING, after=start, upto=start + 2, limit=10)
    assert [each["id"] for each in page.rows] == [*late, *early]


async def _write(session: AsyncSession, ticket_id: str) -> list[Row]:
    """Some events of a ticket, as a use case does it: the ticket is locked, its sequence goes on."""
    connection = await driver(session)
    await connection.execute("SELECT pg_advisory_xact_lock(hashtext($1))", ticket_id)
    sequence = await connection.fetchval(_NEXT, OURS, ticket_id)
    rows = [row(OURS, ticket_id, sequence + number) for number in range(1, DICE.randint(2, 4))]
    await told_in(session, *rows)
    return rows


async def _writer(sessions: Sessions, written: list[str]) -> None:
    """Transactions on one or two tickets, some slow, some undone; what was committed goes to ``written``."""
    for _ in range(TRANSACTIONS):
        try:
            async with transaction(sessions) as session:
                rows: list[Row] = []
                for ticket_id in sorted(DICE.sample(TICKETS, DICE.choice([1, 1, 2]))):
                    rows += await _write(session, ticket_id)
                    await asyncio.sleep(DICE.choice([0, 0, 0.001, 0.01]))
                if DICE.random() < 0.1:
                    raise Undone  # noqa: TRY301  what undoes it
        except Undone:
            continue
        written += [each["id"] for each in rows]


async def test_a_reader_that_pages_while_eight_write_sees_all_once_and_in_order(
    state: State, database: str, start: int
) -> None:
    written: list[str] = []
    read_ids: list[str] = []
    sequences: dict[str, list[int]] = defaultdict(list)
    async with connected(database, WRITERS) as sessions:
        writers = [asyncio.create_task(_writer(sessions, written)) for _ in range(WRITERS)]
        after, done = start, False
        while not done:
            done = all(writer.done() for writer in writers)
            upto = await state.feed.decided()
            page = await read(state.engine, EVERYTHING, after=after, upto=upto, limit=7)
            after, done = page.after, done and not page.more
            for each in page.rows:
                read_ids.append(each["id"])
                event = orjson.loads(each["body"])
                sequences[event["ticket_id"]].append(event["sequence"])
        await asyncio.gather(*writers)
    assert len(written) > WRITERS * TRANSACTIONS
    assert len(read_ids) == len(set(read_ids))
    assert set(read_ids) == set(written)
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in sequences.values())
