"""How much room the payloads of an account's hooks take, and how it is kept within bounds.

The sum by hook is kept with every receipt that comes or goes. Hooks that take whatever comes (the scheme ``none``) have
a smaller part of the account's room than those that know their senders, so that a stranger cannot fill it. What was
processed longest ago is dropped where room becomes scarce: a sender is refused only when it fills the room faster.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Final

from asyncpg import Connection
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import monotonic
from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.problems import TooManyRequests
from app.core.text.messages import _
from app.inbound.models import HookPayloadsRow, HookRow

SIZE: Final = "size + octet_length(headers::text) + 1000"
"""What a receipt counts for: its payload, its headers, and something for what is written about it."""
UNCHECKED: Final = "fields->'signature'->>'scheme' = 'none'"
_BATCH: Final = 2000
_SCARCE: Final = 0.75
"""The part of the room beyond which old payloads are dropped before their time."""
# Locked in one order, as two of these may run at once.
_GIVE_BACK: Final = """
UPDATE hook_payloads AS p SET bytes = greatest(0, p.bytes - g.bytes) FROM (
    SELECT p.account_id, p.hook_id, g.bytes
    FROM (SELECT account_id, hook_id, sum(bytes) AS bytes FROM gone GROUP BY account_id, hook_id) AS g
    JOIN hook_payloads AS p ON p.account_id = g.account_id AND p.hook_id = g.hook_id
    ORDER BY p.account_id, p.hook_id FOR UPDATE OF p
) AS g
WHERE p.account_id = g.account_id AND p.hook_id = g.hook_id
"""
_DROP: Final = f"""
WITH gone AS (
    DELETE FROM receipts WHERE ctid = ANY (ARRAY(
        SELECT t.ctid FROM receipts AS t WHERE {{}} LIMIT {{}} FOR UPDATE SKIP LOCKED
    )) RETURNING account_id, hook_id, {SIZE} AS bytes
), given AS ({_GIVE_BACK})
SELECT count(*) FROM gone
"""  # noqa: S608  our own text
_FULL: Final = f"""
SELECT p.account_id, sum(p.bytes)::bigint AS bytes
FROM hook_payloads AS p JOIN hooks AS h ON h.account_id = p.account_id AND h.id = p.hook_id
WHERE NOT $1 OR h.{UNCHECKED} GROUP BY p.account_id HAVING sum(p.bytes) > $2
"""  # noqa: S608  our own text
_OLDEST: Final = f"""
(t.account_id, t.id) IN (
    SELECT account_id, id FROM (
        SELECT r.account_id, r.id,
               sum({SIZE}) OVER (ORDER BY r.received_at, r.id ROWS UNBOUNDED PRECEDING) - ({SIZE}) AS before
        FROM hooks AS h JOIN receipts AS r ON r.account_id = h.account_id AND r.hook_id = h.id
        WHERE h.account_id = $1 AND (NOT $2 OR h.{UNCHECKED}) AND r.state IN ('processed', 'ignored', 'silenced')
    ) AS o WHERE before < $3
)
"""  # noqa: S608  our own text
_REFUSED: Final = """
UPDATE hook_payloads SET refused_at = clock_timestamp()
WHERE account_id = $1 AND hook_id = $2 AND (refused_at IS NULL OR refused_at < clock_timestamp() - interval '1 minute')
"""


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes of payloads that an account's hooks may keep: all of them, and those that take whatever comes."""

    all: int
    unchecked: int


def require_room(room: Room, hook: Mapping[str, Any], size: int) -> None:
    """429 unless there is room for a payload of this size; ``hook`` has ``kept`` and ``kept_unchecked``, in bytes."""
    for name, most, kept in (
        ("unchecked_hook_bytes", room.unchecked, hook["kept_unchecked"]),
        ("hook_bytes", room.all, hook["kept"]),
    ):
        if kept is not None and kept + size > most:
            raise TooManyRequests(
                _("The payloads that the account's hooks keep leave no room for this one: old ones are being dropped"),
                headers={"Retry-After": "60"},
                quota=name,
                value=most,
                used=kept,
            )


async def note_refusal(connection: "Connection[Any]", account_id: str, hook_id: str) -> None:
    """Let the hook's owner see that a payload was refused for want of room."""
    await connection.execute(_REFUSED, account_id, hook_id)


async def payloads_of(session: AsyncSession, hooks: Sequence[HookRow]) -> Mapping[str, HookPayloadsRow]:
    """What these hooks keep, by hook; those that have received nothing are left out."""
    query = select(HookPayloadsRow).where(HookPayloadsRow.hook_id.in_([hook.id for hook in hooks]))
    return {row.hook_id: row for row in await session.scalars(query)}


async def drop(sessions: Sessions, which: str, *parameters: Any, until: float = inf) -> None:
    """Drop the receipts ``t`` of which a condition is true, in short transactions, and count them out.

    Those that others hold come next time, and so does what is left at ``until``, by ``monotonic()``.
    """
    while await _drop_some(sessions, which, *parameters) and monotonic() < until:
        pass


async def drop_oldest(sessions: Sessions, room: Room, *, until: float = inf) -> None:
    """Drop what was processed longest ago of accounts whose payloads take most of their room; ``until`` as in ``drop``.

    How much is too much is asked again before each transaction: another one may have dropped it.
    """
    for unchecked, most in ((True, room.unchecked), (False, room.all)):
        enough, more = int(most * _SCARCE), True
        while more:
            more = False
            async with sessions() as session:
                full = await (await driver(session)).fetch(_FULL, unchecked, enough)
            for row in full:
                more |= await _drop_some(sessions, _OLDEST, row["account_id"], unchecked, row["bytes"] - enough)
                if monotonic() >= until:
                    return


async def _drop_some(sessions: Sessions, which: str, *parameters: Any) -> bool:
    """One short transaction; whether there may be more to drop."""
    async with transaction(sessions) as session:
        dropped: int = await (await driver(session)).fetchval(_DROP.format(which, _BATCH), *parameters)
    return dropped == _BATCH
