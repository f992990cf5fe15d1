"""One locked ticket under change: its clock, and everything that the transaction will write about it.

Every use case on a ticket is: lock it into a ``Work`` (settled up to now), change it, save it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from asyncpg import UniqueViolationError
from sqlalchemy.ext.asyncio import AsyncSession

from app.calls.models import Call
from app.core.auth import SERVICE, Actor
from app.core.cooperative import in_turns
from app.core.db.bulk import Write, deleted, inserted, updated, upserted, write
from app.core.db.session import Again, ring_after_commit
from app.core.db.tables import Row
from app.escalations import records as escalations
from app.escalations.models import Escalation
from app.events import types
from app.events.log import Event, event_row, recorded, with_via
from app.notices.outbox import noticed
from app.paging.queue import paged
from app.plans.document.model import PlanDocument
from app.roster.models import Alert
from app.sla import deadlines as stored
from app.sla.clock.changes import Change, Notice
from app.sla.clock.clock import Clock, Firing, Step, advance, next_firing, settle
from app.sla.clock.deadline import Deadline
from app.sla.clock.terms import METRIC_ORDER
from app.sla.models import DeadlineRow
from app.tickets.models import NUMBER_CONSTRAINT, Message, Postponement, Ticket, TicketTitle
from app.tickets.order import in_order
from app.tickets.record import TicketRecord
from app.tickets.wording import folded
from app.webhooks.outbox.fanout import fanned_out

_MILLISECOND: Final = timedelta(milliseconds=1)
_SOON: Final = timedelta(seconds=1)
"""Some looks of the sweep: what is due later, it finds by itself."""


@dataclass(slots=True)
class Work:
    """A ticket between its lock and its save; ``now`` was read after the lock (C09)."""

    ticket: TicketRecord
    clock: Clock
    document: PlanDocument
    contacts: dict[str, Any]
    """the account's ``manager`` and ``tam``, who are told of misses (W1, W4)"""
    now: datetime
    locale: str = "en"
    """the account's"""
    loaded: tuple[Deadline, ...] = ()
    ended: list[Deadline] = field(default_factory=list)
    """those that the clock need not look at again: a long run does not slow down with what it leaves behind"""
    events: list[Event] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    calls: list[Row] = field(default_factory=list)
    no_shows: list[Row] = field(default_factory=list)
    escalations: list[dict[str, Any]] = field(default_factory=list)
    why: str | None = None
    """the reason that a person gave for a change of priority, or for withdrawing"""
    close_escalations: bool = False
    alerts: dict[str, Row] = field(default_factory=dict)
    """by id: new ones whole, others what has changed of them"""
    reassign: bool = False
    """a miss wants another engineer for the ticket (C15): who that is, is chosen when it is saved"""
    retitled: bool = False
    touched: bool = False
    """there may be something to save although nothing was told"""
    postponed: bool = False
    """the sweep has put it aside; once it is saved, it is like any other again"""

    def followed(self) -> Row:
        """The columns that follow from the clock, and from who works on the ticket (C17)."""
        columns = stored.followed(self.clock)
        wakes = [at for at in (columns["wake_at"], self.ticket.route_at) if at]
        return {**columns, "wake_at": min(wakes, default=None)}

    def next_firing(self) -> Firing | None:
        """What happens next by itself: by the clock, or to the expert, which comes before the misses of an instant."""
        own, at = next_firing(self.clock), self.ticket.route_at
        routed = Firing(at, False, len(METRIC_ORDER) + 1) if at else None
        return min((firing for firing in (own, routed) if firing), default=None)

    @property
    def deadlines(self) -> list[Deadline]:
        """All that was loaded or has come to be, live or ended."""
        return [*self.ended, *self.clock.deadlines]

    def change(self, change: Change, actor: Actor) -> None:
        """Apply one change by ``actor``, at ``change.at``, and take over what the clock made of it."""
        self.take(advance(self.clock, change), actor)

    def settle(self, most: int | None = None) -> None:
        """Let everything happen that is due by now (C09), or only the first ``most`` firings of it."""
        self.take(settle(self.clock, self.now, most), SERVICE)

    @property
    def is_behind(self) -> bool:
        """Whether the clock has something to do that was due by now."""
        firing = next_firing(self.clock)
        return firing is not None and firing.until <= self.now

    def take(self, step: Step, actor: Actor) -> None:
        """Adopt a step of the clock: the ticket's own columns, and an event for each notice."""
        self.clock = stored.identified(step.clock, self.now)
        ticket = self.ticket
        ticket.status, ticket.priority, ticket.tier = self.clock.status, self.clock.priority, self.clock.tier
        effects: list[Notice] = []
        for notice in step.notices:
            if notice.kind == "effect":
                effects.append(notice)
                continue
            self._flush(effects)
            by = SERVICE if notice.by == "service" else actor
            self.tell(_TRANSLATIONS[notice.kind](self, notice), SERVICE if notice.deadline else by, notice.at)
        self._flush(effects)
        self._set_aside()

    def tell(self, data: types.EventData, actor: Actor, at: datetime | None = None) -> int:
        """Add an event, at the present instant unless another is given; its ``sequence`` on the ticket."""
        self.events.append(Event(at or self.now, data, actor))
        return self.ticket.sequence + len(self.events)

    def told(self, *roles: str) -> list[dict[str, Any]]:
        """Those of the account's people at the vendor who are told: a TAM only where the add-on is bought (W1)."""
        with_tam = self.document.tells_tam(self.ticket.plan_addons)
        wanted = [role for role in roles if role != "tam" or with_tam]
        return [{"role": role, **contact} for role in wanted if (contact := self.contacts.get(role))]

    def id_of(self, deadline: Deadline) -> str:
        """The stored id of the deadline that a notice shows as it was."""
        key = (deadline.metric, deadline.subject, deadline.cycle)
        return next(d.id for d in self.clock.deadlines if (d.metric, d.subject, d.cycle) == key)

    def _set_aside(self) -> None:
        self.ended += [deadline for deadline in self.clock.deadlines if not deadline.live]
        live = tuple(deadline for deadline in self.clock.deadlines if deadline.live)
        self.clock = replace(self.clock, deadlines=live)

    def _flush(self, effects: list[Notice]) -> None:
        """Tell the effects of one instant as one automatic escalation."""
        causes = {notice.reason: notice.deadline for notice in effects}
        reasons = set(causes)
        cause = causes.get("open_escalation") or next(iter(causes.values()), None)
        if cause and reasons - {"reassign"}:
            self._escalate(effects[0].at, cause, reasons)
        self.reassign = self.reassign or "reassign" in reasons
        effects.clear()

    def _escalate(self, at: datetime, cause: Deadline, reasons: set[str]) -> None:
        opened = escalations.by_service(self.ticket.account_id, self.ticket.id, cause, at)
        data = types.EscalationAutomatic(
            escalation_id=opened["id"] if "open_escalation" in reasons else None,
            reason=opened["reason"],
            metric=cause.metric,
            cycle=cause.cycle,
            priority=cause.priority,
            told=self.told(*(role for role in ("manager", "tam") if f"notify_{role}" in reasons)),
        )
        sequence = self.tell(data, SERVICE, at)
        if "open_escalation" in reasons:
            self.escalations.append(opened | {"sequence": sequence})
            self.ticket.escalated = True


def _facts(work: Work, deadline: Deadline) -> dict[str, Any]:
    return {
        "deadline_id": work.id_of(deadline),
        "metric": deadline.metric,
        "cycle": deadline.cycle,
        "priority": deadline.priority,
        "subject": deadline.subject or None,
        "due_at": deadline.due_at,
    }


def _of(notice: Notice) -> Deadline:
    if notice.deadline is None:
        raise ValueError(notice)
    return notice.deadline


def _started(work: Work, notice: Notice) -> types.EventData:
    deadline = _of(notice)
    return types.DeadlineStarted(**_facts(work, deadline), state=deadline.state, started_at=deadline.started_at)


def _shifted(model: Callable[..., types.EventData]) -> Callable[[Work, Notice], types.EventData]:
    return lambda work, notice: model(
        **_facts(work, _of(notice)), before=notice.before, after=notice.after, reason=notice.reason
    )


def _missed(work: Work, notice: Notice) -> types.EventData:
    deadline = _of(notice)
    if deadline.metric == "call_join" and deadline.due_at:
        key = {"account_id": work.ticket.account_id, "id": deadline.subject}
        work.no_shows.append({**key, "state": "no_show"})
        work.tell(types.CallNoShow(call_id=deadline.subject, join_by=deadline.due_at), SERVICE, notice.at)
    lag = None if work.ticket.sandbox else (work.now - notice.at) / _MILLISECOND
    return types.DeadlineMissed(**_facts(work, deadline), noticed_at=work.now, lag_ms=lag)


def _status(work: Work, notice: Notice) -> types.EventData:
    ticket, after = work.ticket, notice.after
    if after != "closed":  # closing keeps the instant of the resolution
        ticket.resolved_at = notice.at if after == "resolved" else None
    ticket.closed_at = notice.at if after == "closed" else None
    ticket.closed_reason = notice.reason if after == "closed" else None
    if after in ("resolved", "closed"):
        ticket.turns = 0
        work.close_escalations, ticket.escalated = ticket.escalated, False
    if notice.reason == "withdrawn":
        return types.TicketWithdrawn(reason=work.why)
    if notice.reason == "merged" and ticket.merged_into:
        return types.TicketMerged(merged=ticket.id, into=ticket.merged_into)
    model = types.TicketReopened if notice.reason == "reopened" else types.TicketStatusChanged
    return model(before=notice.before, after=after, reason=notice.reason or None)


def _priority(work: Work, notice: Notice) -> types.EventData:
    if notice.by == "service":
        work.ticket.priority_source = "automatic"
    return types.TicketPriorityChanged(
        before=notice.before,
        after=notice.after,
        reason=work.why or notice.reason,
        source=work.ticket.priority_source,
        told=work.told("tam") if notice.after == work.document.top else [],
    )


def _tier(_: Work, notice: Notice) -> types.EventData:
    return types.TicketTierChanged(before=notice.before, after=notice.after, reason=notice.reason or None)


_TRANSLATIONS: Final[dict[str, Callable[[Work, Notice], types.EventData]]] = {
    "deadline.started": _started,
    "deadline.moved": _shifted(types.DeadlineMoved),
    "deadline.paused": _shifted(types.DeadlinePaused),
    "deadline.resumed": _shifted(types.DeadlineResumed),
    "deadline.warning": lambda work, n: types.DeadlineWarning(**_facts(work, _of(n)), share=n.after),
    "deadline.missed": _missed,
    "deadline.met": lambda work, n: types.DeadlineMet(**_facts(work, _of(n)), stopped_by=n.by),
    "deadline.met_late": lambda work, n: types.DeadlineMetLate(**_facts(work, _of(n)), stopped_by=n.by),
    "deadline.cancelled": lambda work, n: types.DeadlineCancelled(**_facts(work, _of(n)), reason=n.reason),
    "status": _status,
    "priority": _priority,
    "tier": _tier,
}


async def write_works(
    session: AsyncSession, works: Sequence[Work], *, new: bool = False, beside: Sequence[Write] = ()
) -> list[Row]:
    """Write tickets with all that belongs to them: one statement, however many they are; the rows of the new events.

    Events are written in the order in which they happened. ``beside`` is written in the same statement. Raises
    ``Again`` when the number of a ``new`` ticket is taken. ``saving.save`` sees to the tickets' experts before it.
    """
    events = with_via(session, await _events(works))
    tickets = [_ticket_row(work) async for work in in_turns(works)]
    deadlines = [row async for work in in_turns(works) for row in _deadline_rows(work)]
    calls = [row for work in works for row in work.calls]
    called = {call["id"] for call in calls}
    alerts = [row for work in works for row in work.alerts.values()]
    clean = [{"account_id": work.ticket.account_id, "ticket_id": work.ticket.id} for work in works if work.postponed]
    writes = (
        *beside,
        inserted(Ticket, tickets) if new else updated(Ticket, tickets),
        upserted(TicketTitle, [_title_row(work.ticket) for work in works if new or work.retitled]),
        deleted(Postponement, clean),
        upserted(DeadlineRow, deadlines),
        inserted(Message, [row for work in works for row in work.messages]),
        inserted(Alert, [row for row in alerts if "engineer_id" in row]),
        updated(Alert, [row for row in alerts if "engineer_id" not in row]),
        upserted(Call, calls),
        updated(Call, [row for work in works for row in work.no_shows if row["id"] not in called]),
        inserted(Escalation, [row for work in works for row in _escalation_rows(work)]),
        recorded(events),
        (told := noticed(events)),
        (pages := paged(events)),
        fanned_out(events),
    )
    await _close_escalations(session, works)
    try:
        delivering = await write(session, *writes)
    except UniqueViolationError as error:
        if error.constraint_name == NUMBER_CONSTRAINT:
            raise Again from error
        raise
    if events:
        ring_after_commit(session, "events")
    _ring(session, works, delivering=bool(delivering), telling=bool(told.rows), paging=bool(pages.rows))
    return events


def _title_row(ticket: TicketRecord) -> Row:
    return {
        "account_id": ticket.account_id,
        "ticket_id": ticket.id,
        "number": ticket.number,
        "folded": folded(ticket.title),
        "opened_at": ticket.opened_at,
        "sandbox": ticket.sandbox,
    }


def _deadline_rows(work: Work) -> list[Row]:
    changed = stored.changed(work.loaded, work.deadlines)
    return [stored.deadline_row(work.ticket.account_id, work.ticket.id, deadline) for deadline in changed]


def _escalation_rows(work: Work) -> list[Row]:
    """The escalations made in this very change; a resolution in it closes them too."""
    ending = {"state": "closed", "ended_at": work.now} if work.close_escalations else {}
    return [row | ending for row in work.escalations]


async def _close_escalations(session: AsyncSession, works: Sequence[Work]) -> None:
    for work in works:
        if work.close_escalations:
            await escalations.close_all(session, work.ticket.account_id, work.ticket.id, work.now)


def _ring(session: AsyncSession, works: Sequence[Work], *, delivering: bool, telling: bool, paging: bool) -> None:
    if delivering:
        ring_after_commit(session, "deliveries")
    if telling:
        ring_after_commit(session, "notices")
    if paging:
        ring_after_commit(session, "pages")
        ring_after_commit(session, "mail_pages")
    if any(_wakes_soon(work) for work in works):
        ring_after_commit(session, "sweep")
    if any(call["next_attempt_at"] for work in works for call in work.calls):
        ring_after_commit(session, "calls")


def _wakes_soon(work: Work) -> bool:
    """Whether the ticket has something to do before the sweep's next look would have found it by itself."""
    wake = work.ticket.wake_at
    return wake is not None and not work.ticket.sandbox and wake - work.now < _SOON


async def _events(works: Sequence[Work]) -> list[Row]:
    """The rows of the new events, each numbered on from its ticket's last."""
    rows = [
        event_row(
            told.event,
            account_id=told.ticket.account_id,
            ticket_id=told.ticket.id,
            sequence=told.sequence,
            sandbox=told.ticket.sandbox,
        )
        async for told in in_turns(in_order((work.ticket, work.events) for work in works))
    ]
    for work in works:
        work.ticket.sequence += len(work.events)
    return rows


def _ticket_row(work: Work) -> Row:
    """The ticket's row, with the columns that follow from its clock."""
    ticket, clock = work.ticket, work.clock
    ticket.updated_at = work.now if work.events else ticket.updated_at
    ticket.clock = stored.clock_facts(clock)
    for name, value in work.followed().items():
        setattr(ticket, name, value)
    return ticket.row()
