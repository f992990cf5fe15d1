"""Dropping what nobody needs any more: old receipts, and alerts of which nothing has been heard for long."""

from datetime import timedelta
from typing import Final

from app.core.clock import monotonic
from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.db.statements.housekeeping import forget
from app.core.db.tables import Base
from app.inbound.maintenance.models import SilencedAlertRow
from app.inbound.models import HookPayloadsRow, IncidentAlertRow, IncidentRow
from app.inbound.payloads import Room, drop, drop_oldest

RETENTION: Final = timedelta(days=30)
SILENCE: Final = timedelta(days=90)
"""Senders repeat what still fires; of an alert that nobody repeats so long, nothing is remembered."""
MOST_ALERTS: Final = 10_000
"""Alerts of one hook that are remembered; beyond it those that are over are forgotten first, then those heard first."""
_LONG: Final = 8.0
"""Seconds after which what is left is left to the next pass: one that lasts for half a minute counts as stuck."""
_CROWDED: Final = """
SELECT account_id, hook_id FROM incident_alerts WHERE (account_id, hook_id) IN (
    SELECT account_id, hook_id FROM incident_alerts WHERE heard_at > now() - interval '1 hour'
) GROUP BY account_id, hook_id HAVING count(*) > $1
"""
_SURPLUS: Final = """
(t.account_id, t.hook_id, t.key) IN (
    SELECT account_id, hook_id, key FROM incident_alerts WHERE account_id = $1 AND hook_id = $2
    ORDER BY status = 'firing' DESC, heard_at DESC, key OFFSET $3
)
"""
_OVER: Final = "t.received_at < now() - $1::interval AND t.state <> 'pending'"
_OF_HOOK: Final = f"t.hook_id = $2 AND {_OVER}"
_OF_NO_HOOK: Final = """
NOT EXISTS (SELECT FROM hooks AS h WHERE h.account_id = t.account_id AND h.id = t.hook_id)
"""
_EACH: Final = """
WITH RECURSIVE each AS (
    SELECT min(hook_id) AS id FROM receipts
    UNION ALL
    SELECT (SELECT min(hook_id) FROM receipts WHERE hook_id > each.id) FROM each WHERE each.id IS NOT NULL
)
SELECT id FROM each WHERE id IS NOT NULL AND
"""
_GONE: Final = f"{_EACH} NOT EXISTS (SELECT FROM hooks AS h WHERE h.id = each.id) ORDER BY id"
# Hook by hook, as the index has them: there is none over all receipts by their age.
_KEPT_LONG: Final = f"{_EACH} EXISTS (SELECT FROM receipts AS t WHERE t.hook_id = each.id AND {_OVER})"
_SILENT: Final = "t.heard_at < now() - $1::interval"
_ENDED: Final = """
t.changed_at < now() - $1::interval AND NOT EXISTS (
    SELECT FROM incident_alerts AS a
    WHERE a.account_id = t.account_id AND a.hook_id = t.hook_id AND a.incident_key = t.key AND a.status = 'firing'
)
"""


async def forget_receipts(sessions: Sessions, seconds: float = _LONG) -> bool:
    """Drop receipts past their retention, and what is remembered of silent alerts; their tickets stay.

    It takes about so many ``seconds``: receipts half of them, and each kind of what is remembered a share of the rest.
    However little that is, some of each goes. Returns whether something may be left for another pass.
    """
    async with sessions() as session:
        old = await (await driver(session)).fetch(_KEPT_LONG, RETENTION)
    half, until = monotonic() + seconds / 2, monotonic() + seconds
    for hook in old:
        if monotonic() < half:
            await drop(sessions, _OF_HOOK, RETENTION, hook["id"], until=half)
    more = monotonic() >= half
    conditions: list[tuple[type[Base], str, timedelta | None]] = [
        *((table, _OF_NO_HOOK, None) for table in (HookPayloadsRow, IncidentRow, IncidentAlertRow, SilencedAlertRow)),
        (IncidentAlertRow, _SILENT, SILENCE),
        (IncidentRow, _ENDED, SILENCE),
    ]
    for before, (table, which, age) in enumerate(conditions):
        now = monotonic()
        ends = now + (until - now) / (len(conditions) - before)
        await forget(sessions, table, which, *([age] if age else []), until=ends)
        more |= monotonic() >= ends
    return more


async def make_room(sessions: Sessions, room: Room) -> None:
    """Drop the oldest of what hooks keep where that is too much, and receipts of hooks that were removed.

    Of very many the next pass drops the rest. What was removed counts no more, as soon as nobody holds its count.
    """
    await drop_oldest(sessions, room, until=monotonic() + _LONG)
    await forget(sessions, HookPayloadsRow, _OF_NO_HOOK)
    await forget_surplus(sessions)
    async with transaction(sessions) as session:
        gone = await (await driver(session)).fetch(_GONE)
    until = monotonic() + _LONG
    for hook in gone:
        await drop(sessions, "t.hook_id = $1", hook["id"], until=until)
        if monotonic() >= until:
            return


async def forget_surplus(sessions: Sessions, most: int = MOST_ALERTS) -> None:
    """Forget what is too much of the alerts of hooks that have been heard from in the last hour.

    An alert that was forgotten counts as new when it is heard again: its incident and its ticket are still known.
    """
    async with sessions() as session:
        crowded = await (await driver(session)).fetch(_CROWDED, most)
    for hook in crowded:
        await forget(sessions, IncidentAlertRow, _SURPLUS, hook["account_id"], hook["hook_id"], most)
