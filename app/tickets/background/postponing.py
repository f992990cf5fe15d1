"""Tickets whose own processing fails: put aside, so that no claim meets them, and tried again ever more rarely.

A ticket that is put aside has no ``wake_at``: no claim reads past it, however many there are. ``postponements`` says
when it is tried again. Whoever saves it, a request too, makes it like any other again (``write.write_edits``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import monotonic
from app.core.db.causes import Cause, cause_of
from app.core.db.engine import Sessions
from app.core.db.session import driver, ring_after_commit, transaction
from app.core.db.statements.bulk import updated, upserted, write
from app.core.db.tables import Row
from app.core.jobs.backoff import POSTPONED_AFTER, is_told, wait_after
from app.events.event import Event
from app.events.log import event_row, recorded
from app.events.stub import STUB
from app.events.types import TicketPostponed
from app.notices.outbox.filling import noticed
from app.tickets.models import PostponementRow, TicketRow
from app.webhooks.outbox.fanout import fanned_out

_YARDSTICK: Final = 0.5
"""Seconds. Where putting a slow ticket aside takes as long, the database is what is slow."""
_SHOWN: Final = 1_000
_LOCK: Final = f"""
SELECT t.account_id, t.id, t.sequence, t.sandbox, {", ".join(f"t.{name}" for name in STUB)}, clock_timestamp() AS now,
       coalesce(p.failures, 0) AS failures, coalesce(p.since, clock_timestamp()) AS since
FROM tickets AS t LEFT JOIN postponements AS p ON p.account_id = t.account_id AND p.ticket_id = t.id
WHERE t.id = $1 FOR UPDATE OF t SKIP LOCKED
"""  # noqa: S608  our own column names
_DUE: Final = """
SELECT ticket_id, failures FROM postponements WHERE retry_at <= statement_timestamp() ORDER BY retry_at LIMIT $1
"""
_OUTLOOK: Final = f"""
SELECT min(retry_at) AS retry_at, count(*) FILTER (WHERE failures >= {POSTPONED_AFTER}) AS postponed FROM postponements
"""  # noqa: S608  a number of ours
_COUNT: Final = f"""
SELECT count(*) FROM (SELECT FROM postponements WHERE failures >= {POSTPONED_AFTER} LIMIT {_SHOWN + 1}) AS p
"""  # noqa: S608  numbers of ours

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Suspect:
    """A ticket that is tried alone, and how often in a row that has failed before."""

    ticket_id: str
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Outlook:
    """When the first ticket is tried again, and how many are postponed: those that failed twice or more."""

    retry_at: datetime | None
    postponed: int


async def due(session: AsyncSession, limit: int) -> list[Suspect]:
    """The tickets that are to be tried again, the longest due first; not locked."""
    return [Suspect(*row) for row in await (await driver(session)).fetch(_DUE, limit)]


async def outlook(session: AsyncSession) -> Outlook:
    """What there is to be tried again."""
    found = await (await driver(session)).fetchrow(_OUTLOOK)
    return Outlook(**found) if found else Outlook(None, 0)


async def trouble(session: AsyncSession) -> str | None:
    """How many tickets are postponed, in words for ``/readyz``; None when there is none."""
    count = await (await driver(session)).fetchval(_COUNT)
    if not count:
        return None
    number = f"More than {_SHOWN:,}" if count > _SHOWN else f"{count:,}"
    return f"Tickets whose timers cannot be processed, and are tried again later: {number}"


async def put_aside(sessions: Sessions, suspect: Suspect, error: Exception) -> timedelta | None:
    """Put a ticket aside that has failed alone because of ``error``; how long for.

    None: nothing is counted, because somebody else holds it or has tried it too, or the whole database is slow.
    """
    try:
        wait = await _put_aside(sessions, suspect, error, tell=is_told(suspect.failures + 1))
    except Exception as another:
        if cause_of(another) is not Cause.FAILED:
            raise
        _log.exception("operators could not be told of a ticket", ticket_id=suspect.ticket_id)
        wait = await _put_aside(sessions, suspect, error, tell=False)
    if wait is not None:
        failures = suspect.failures + 1
        _log.warning("a ticket is put aside", ticket_id=suspect.ticket_id, failures=failures, error=repr(error))
    return wait


async def _put_aside(sessions: Sessions, suspect: Suspect, error: Exception, *, tell: bool) -> timedelta | None:
    began, wait, cause = monotonic(), wait_after(suspect.failures + 1), cause_of(error)
    async with transaction(sessions) as session:
        found = await (await driver(session)).fetchrow(_LOCK, suspect.ticket_id)
        if found is None or found["failures"] < suspect.failures:
            return None
        ticket = {"account_id": found["account_id"], "id": found["id"], "wake_at": None}
        if found["failures"] > suspect.failures:  # it has a time for its next try: something else has woken it
            await write(session, updated(TicketRow, [ticket]))
            return None
        row = {
            "account_id": found["account_id"],
            "ticket_id": found["id"],
            "failures": suspect.failures + 1,
            "reason": cause.value,
            "error": type(error).__name__,
            "since": found["since"],
            "retry_at": found["now"] + wait,
        }
        events = [_event(found, row)] if tell else []
        if tell:
            ticket |= {"sequence": found["sequence"] + 1, "updated_at": found["now"]}
        await _write(session, ticket, row, events)
        if cause is Cause.SLOW and monotonic() - began > _YARDSTICK:
            await session.rollback()
            return None
    return wait


def _event(ticket: Row, row: Row) -> Row:
    facts = {name: row[name] for name in ("reason", "error", "failures", "retry_at")}
    stub = {name: ticket[name] for name in STUB}
    return event_row(
        Event(ticket["now"], TicketPostponed(**facts), ticket=stub),
        account_id=ticket["account_id"],
        ticket_id=ticket["id"],
        sequence=ticket["sequence"] + 1,
        sandbox=ticket["sandbox"],
    )


async def _write(session: AsyncSession, ticket: Row, row: Row, events: Sequence[Row]) -> None:
    delivering = await write(
        session,
        updated(TicketRow, [ticket]),
        upserted(PostponementRow, [row]),
        recorded(events),
        noticed(events),
        fanned_out(events),
    )
    if events:
        ring_after_commit(session, "events")
    if delivering:
        ring_after_commit(session, "deliveries")
