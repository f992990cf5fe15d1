"""The background pass that begins and ends maintenance windows, and opens what still fires.

A window is seen to when it is due, however late. That it began or ended is told in the transaction that notes it, and
what it held back is forgotten in the one that opens it: each happens once, whoever dies in between. Accounts take
turns, so that the windows of one keep no other waiting.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from asyncpg import LockNotAvailableError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import SERVICE
from app.core.clock import database_now
from app.core.db.engine import Sessions
from app.core.db.errors import is_outage
from app.core.db.session import driver, glance, run, transaction
from app.core.db.tables import Row
from app.core.jobs.apart import apart
from app.core.limits.callers import TicketQuota
from app.core.metrics import Metrics
from app.core.outgoing.via import read_via
from app.core.problems import Unavailable
from app.core.schemas.mailboxes import STORED
from app.core.text.language import choose_language
from app.core.text.messages import both
from app.events.log import came_via
from app.inbound.background.processing import SLICE
from app.inbound.decisions import Step, decide
from app.inbound.formats.signal import Batch
from app.inbound.incidents import recall
from app.inbound.maintenance import texts
from app.inbound.maintenance.kept import COVERS, drop
from app.inbound.maintenance.models import MaintenanceWindowRow
from app.inbound.maintenance.silence import signal_from
from app.inbound.read.windows import present_of
from app.inbound.schemas import HookFields
from app.inbound.setting import setting_of
from app.inbound.texts import failure_of
from app.inbound.usecases.apply_decision import Acted, Hooked, apply_decision
from app.inbound.usecases.windows import note_end, start

_AT_ONCE: Final = 50
"""Windows of one pass."""
_IN_A_ROW: Final = 5
"""Transactions of one pass for one hook."""
_PATIENCE: Final = 1.0
"""Seconds that a hook waits for the roster of experts."""
_GRACE: Final = timedelta(minutes=1)
"""Real time after a window's end in which a receipt may still be processed that found it open."""
_DUE: Final = f"""
SELECT account_id, id FROM (
    SELECT account_id, id, row_number() OVER (PARTITION BY account_id ORDER BY due_at, id) AS turn FROM (
        SELECT account_id, id, due_at FROM maintenance_windows WHERE NOT sandbox AND due_at <= clock_timestamp()
        UNION ALL
        SELECT w.account_id, w.id, w.due_at
        FROM maintenance_windows AS w JOIN accounts AS a ON a.account_id = w.account_id
        WHERE w.sandbox AND w.due_at <= a.sandbox_now
    ) AS due
) AS placed ORDER BY turn, random() LIMIT {_AT_ONCE}
"""  # noqa: S608  our own text
_NEXT: Final = "SELECT min(due_at) FROM maintenance_windows WHERE NOT sandbox AND due_at > clock_timestamp()"
_OPEN: Final = f"""
EXISTS (SELECT FROM maintenance_windows AS w WHERE {COVERS} AND w.ended_at IS NULL
        AND w.starts_at <= coalesce(a.sandbox_now, clock_timestamp())
        AND w.ends_at > coalesce(a.sandbox_now, clock_timestamp()))
"""
_STILL: Final = f"""
SELECT count(*) FROM silenced_alerts AS s
JOIN hooks AS h ON h.account_id = s.account_id AND h.id = s.hook_id
JOIN accounts AS a ON a.account_id = s.account_id
WHERE s.account_id = $1 AND s.status = 'firing' AND NOT {_OPEN}
  AND ($2::text IS NULL OR h.id = $2) AND ($3::text IS NULL OR h.fields->>'product' = $3)
"""  # noqa: S608  our own text
_HOOKS: Final = """
SELECT DISTINCT s.hook_id FROM silenced_alerts AS s JOIN hooks AS h ON h.account_id = s.account_id AND h.id = s.hook_id
WHERE s.account_id = $1
"""
_HOLD: Final = f"""
SELECT h.fields, a.locale, coalesce(a.sandbox_now, clock_timestamp()) AS now, {_OPEN} AS silenced
FROM hooks AS h JOIN accounts AS a ON a.account_id = h.account_id
WHERE h.account_id = $1 AND h.id = $2 FOR UPDATE OF h SKIP LOCKED
"""  # noqa: S608  our own text
# What has come through other installations is marked so, and opened apart from the rest.
_FIRING: Final = """
SELECT s.key, s.signal, s.since, s.heard_at, s.receipt_id, s.via FROM silenced_alerts AS s
WHERE s.account_id = $1 AND s.hook_id = $2 AND s.status = 'firing' AND s.via IS NOT DISTINCT FROM (
    SELECT f.via FROM silenced_alerts AS f WHERE f.account_id = $1 AND f.hook_id = $2 AND f.status = 'firing'
    ORDER BY f.since, f.key LIMIT 1)
ORDER BY s.since, s.key LIMIT $3
"""
_FORGET: Final = "DELETE FROM silenced_alerts WHERE account_id = $1 AND hook_id = $2 AND status <> 'firing'"
_TOLD: Final = """
UPDATE receipts AS r SET tickets = r.tickets || jsonb_build_array(
    jsonb_build_object('ticket_id', t.ticket_id, 'action', t.action))
FROM unnest($2::text[], $3::text[], $4::text[]) AS t (receipt_id, ticket_id, action)
WHERE r.account_id = $1 AND r.id = t.receipt_id
"""
_FAIL: Final = """
UPDATE receipts SET state = 'failed', error = $3,
    messages = coalesce(messages, '{}') || jsonb_build_object('error', $4::jsonb)
WHERE account_id = $1 AND id = $2
"""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Opened:
    """What one transaction did for a hook. ``more``: there may be more to open; ``waits``: not now."""

    tickets: int = 0
    more: bool = False
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Ends:
    """Sees to windows that are due; any number of replicas may."""

    sessions: Sessions
    quota: TicketQuota
    metrics: Metrics | None = None

    async def run_pass(self) -> int:
        """See to some windows of each account that has any; their number. What one fails at is its own."""
        async with self.sessions() as session:
            due = await (await driver(session)).fetch(_DUE)
        for row in due:
            with apart("maintenance", self.metrics, window_id=row["id"]):
                await self._see_to(row["account_id"], row["id"])
        return 0  # what is not done yet is looked at with the next pass

    async def next_instant(self) -> datetime | None:
        """When the next window begins or ends."""
        async with glance(self.sessions) as session:
            due: datetime | None = await (await driver(session)).fetchval(_NEXT)
        return due

    async def _see_to(self, account_id: str, window_id: str) -> None:
        async with transaction(self.sessions) as session:
            window = await _turn(session, account_id, window_id)
        if window is None or window.ended_at is None:
            return
        async with self.sessions() as session:
            hooks = [row["hook_id"] for row in await (await driver(session)).fetch(_HOOKS, account_id)]
        done = [await self._open_all(account_id, hook_id) for hook_id in hooks]
        async with transaction(self.sessions) as session:
            if all(done) and await database_now(session) > window.ended_at + _GRACE:
                await (await driver(session)).execute(
                    "UPDATE maintenance_windows SET due_at = NULL WHERE account_id = $1 AND id = $2 AND ended_at = $3",
                    account_id,
                    window_id,
                    window.ended_at,
                )

    async def _open_all(self, account_id: str, hook_id: str) -> bool:
        """Open what still fires of a hook, as far as the account may open tickets; whether that was all."""
        for _ in range(_IN_A_ROW):
            if not self.quota.left(account_id):
                return False
            opened = await open_next(self.sessions, account_id, hook_id)
            self.quota.take(account_id, opened.tickets)
            if not opened.more:
                return not opened.waits
        return False


async def _turn(session: AsyncSession, account_id: str, window_id: str) -> MaintenanceWindowRow | None:
    """Note what the window's turn is: that it began, that it ended. None while somebody else holds it."""
    query = select(MaintenanceWindowRow).where(
        MaintenanceWindowRow.account_id == account_id,
        MaintenanceWindowRow.id == window_id,
        MaintenanceWindowRow.due_at.is_not(None),
    )
    window = (await session.scalars(query.with_for_update(skip_locked=True))).one_or_none()
    if window is None:
        return None
    now = await database_now(session)
    present = await present_of(session, account_id, now)
    if window.started_at is None and window.starts_at <= present:
        await start(session, window, SERVICE, now=now)
    if window.started_at and window.ended_at is None and window.ends_at <= present:
        place = (account_id, window.hook_id, window.product)
        await note_end(session, window, await (await driver(session)).fetchval(_STILL, *place), now=now)
    return window


async def open_next(sessions: Sessions, account_id: str, hook_id: str) -> _Opened:
    """Open some of what still fires of a hook that no window silences. What cannot be opened alone is told so."""
    for number in (SLICE, 1):
        try:
            return await _open(sessions, account_id, hook_id, number)
        except (LockNotAvailableError, Unavailable):
            return _Opened(waits=True)
        except Exception as error:
            if is_outage(error):
                raise
            if number == 1:
                await _fail(sessions, account_id, hook_id, error)
    return _Opened(more=True)


async def _open(sessions: Sessions, account_id: str, hook_id: str, number: int) -> _Opened:
    async def work(session: AsyncSession) -> _Opened:
        connection = await driver(session)
        hook = await connection.fetchrow(_HOLD, account_id, hook_id)
        if hook is None or hook["silenced"]:
            return _Opened(waits=hook is None)
        rows = await connection.fetch(_FIRING, account_id, hook_id, number)
        if not rows:
            await connection.execute(_FORGET, account_id, hook_id)
            return _Opened()
        return await _act(session, account_id, hook_id, hook, rows)

    return await run(sessions, work, patience=_PATIENCE)


async def _act(session: AsyncSession, account_id: str, hook_id: str, hook: Row, rows: Sequence[Row]) -> _Opened:
    """Do with these alerts what would be done had they come now."""
    fields = HookFields.model_validate(hook["fields"], context=STORED)
    signals = [signal_from(row["signal"]) for row in rows]
    heard_at = max(row["heard_at"] for row in rows)
    came_via(session, read_via(rows[0]["via"]))
    remembered = await recall(session, account_id, hook_id, signals, by_group=fields.ticket_per == "group")
    decision = decide(signals, remembered.known, setting_of(fields, hook["now"], heard_at, Batch(tuple(signals))))
    language = choose_language(hook["locale"])
    notes = {step.incident_key: texts.held_back(_since(step, rows), language) for step in decision.steps}
    hooked = Hooked(account_id, hook_id, fields, language, notes)
    acted = await apply_decision(session, hooked, decision, remembered.incidents, now=heard_at)
    await drop(session, account_id, hook_id, [row["key"] for row in rows])
    keys = [key for _, key in decision.outcomes]
    await _tell_receipts(session, account_id, rows, keys, acted)
    return _Opened(sum(one.opened for one in acted), more=True)


def _since(step: Step, rows: Sequence[Row]) -> list[tuple[str, datetime]]:
    """The alerts of a step, by title, with the instant since when each fires; those that began first come first."""
    held = {row["key"]: row["since"] for row in rows}
    found = [(signal.title, texts.since_of(signal.starts_at, held[signal.key])) for signal in step.firing]
    return sorted(found, key=lambda one: one[1])


async def _tell_receipts(
    session: AsyncSession, account_id: str, rows: Sequence[Row], keys: Sequence[str], acted: Sequence[Acted]
) -> None:
    """Let the receipts that were held back say what was done to which ticket."""
    touched = {one.key: one.touched for one in acted}
    told = dict.fromkeys(
        (row["receipt_id"], *done) for row, key in zip(rows, keys, strict=True) for done in touched.get(key, ())
    )
    if told:
        await (await driver(session)).execute(_TOLD, account_id, *zip(*told, strict=True))


async def _fail(sessions: Sessions, account_id: str, hook_id: str, error: Exception) -> None:
    """Let the receipt of the alert whose turn it is say why nothing came of it, so that the next one has its turn."""
    reason = both(failure_of(error))
    _log.error("an alert that was held back could not be opened", hook_id=hook_id, exc_info=error)
    async with transaction(sessions) as session:
        connection = await driver(session)
        for row in await connection.fetch(_FIRING, account_id, hook_id, 1):
            await connection.execute(_FAIL, account_id, row["receipt_id"], *reason)
            await drop(session, account_id, hook_id, [row["key"]])
