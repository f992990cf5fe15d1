"""Applying a plan version to open tickets (C14), in short transactions one after the other, or as a dry run.

What is cut off midway has changed some tickets whole and the others not at all: applying again goes on with those.
"""

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from asyncpg import Record
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import AccountRow
from app.core.auth import Actor
from app.core.db.engine import Sessions
from app.core.db.session import LONG, allow, driver, memory_of, snapshot
from app.core.db.session import run as run_transaction
from app.core.db.tables import Row
from app.core.problems import Conflict, Fault, Invalid
from app.core.schemas.shared import pointer
from app.core.text.messages import Message, _
from app.events.types.calls import CallEnded, CallRequested
from app.events.types.deadlines import PlanApplied, PlanPins
from app.plans import queries, store
from app.plans.document.model import PlanDocument
from app.plans.models import PlanVersionRow
from app.rollout.schemas import PlanApplication
from app.sla.clock.changes import Apply, ClockEvent
from app.sla.clock.clock import advance
from app.sla.clock.deadline import OPEN_STATES, Deadline
from app.sla.compiled import promise_of
from app.sla.pins import Pins
from app.sla.reasons import differences
from app.tickets.editing import calls
from app.tickets.editing.clock import take_step
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.load import SELECT, caught_up, each_apart, pins_of
from app.tickets.save import staff_and_save

BATCH: Final = 100
"""Tickets of one transaction: a fraction of a second for a message that waits for one of them."""

_OPEN: Final = "t.plan_key = $1 AND t.status NOT IN ('resolved', 'closed')"
_SCOPE: Final = f"""
SELECT t.id FROM tickets AS t
WHERE {_OPEN} AND ($2::text[] IS NULL OR t.account_id = ANY ($2)) ORDER BY t.id
"""  # noqa: S608  our own condition
_SEEN: Final = f"{SELECT} WHERE t.id = ANY ($2::text[]) AND {_OPEN} ORDER BY t.id"
_LOCKED: Final = f"{_SEEN} FOR UPDATE"
# The priorities that the clocks of these tickets know (``Clock.priorities``), in one statement.
_PRIORITIES: Final = """
SELECT t.priority FROM tickets AS t WHERE t.id = ANY ($1::text[])
UNION
SELECT span ->> 1 FROM tickets AS t
JOIN deadlines AS d ON d.account_id = t.account_id AND d.ticket_id = t.id AND d.live AND d.state <> 'missed'
CROSS JOIN LATERAL jsonb_array_elements(d.detail -> 'spans') AS span
WHERE t.id = ANY ($1::text[]) AND d.detail ->> 'fixed_us' IS NULL
"""
_ACCOUNTS: Final = "SELECT account_id, addons, time_zone, holiday_set FROM accounts WHERE account_id = ANY ($1::text[])"


class PriorityVanished(Exception):
    """A ticket has come to a priority that the version lacks and the mapping does not name."""


@dataclass(frozen=True, slots=True)
class Order:
    """A checked order: the version, what becomes of priorities that it lacks, and the tickets in scope."""

    key: str
    version: int
    from_key: str
    mapping: Mapping[str, str]
    dry_run: bool
    tickets: Sequence[str]


@dataclass(slots=True)
class Report:
    """What has been done of an order."""

    done: int = 0
    """tickets that have had their turn"""
    changed: int = 0
    calls_requested: int = 0
    calls_ended: int = 0
    moves: list[Row] = field(default_factory=list)
    failed: list[Row] = field(default_factory=list)

    def add(self, other: "Report") -> None:
        """Take over what a batch did."""
        self.done += other.done
        self.changed += other.changed
        self.calls_requested += other.calls_requested
        self.calls_ended += other.calls_ended
        self.moves += other.moves
        self.failed += other.failed

    def document(self, order: Order) -> dict[str, Any]:
        """The report as the API shows it (``schemas.AppliedPlan``)."""
        return {
            "dry_run": order.dry_run,
            "plan": {"key": order.key, "version": order.version},
            "from_key": order.from_key,
            "tickets": len(order.tickets),
            "changed": self.changed,
            "calls_requested": self.calls_requested,
            "calls_ended": self.calls_ended,
            "moves": self.moves,
            "failed": self.failed,
        }


async def check(sessions: Sessions, key: str, version: int, command: PlanApplication) -> Order:
    """The order to apply a version, with the tickets that are in scope now.

    Raises 404 for an unknown version, 409 for an archived one, 422 for unknown accounts, an unknown ``from_key``, and
    priorities that vanish without a mapping: before anything is changed.
    """
    from_key = command.from_key or key
    async with snapshot(sessions) as session:
        await allow(session, LONG)
        if (await queries.stored_version(session, key, version)).archived_at:
            raise Conflict(
                _("Version {version} of the plan {key} is archived: restore it first", version=version, key=key)
            )
        document = await store.document(session, memory_of(session), key, version)
        faults = [
            *_mapping_faults(document, command.priorities),
            *await _account_faults(session, command.account_ids or ()),
            *await _plan_faults(session, from_key),
        ]
        if faults:
            raise Invalid(errors=faults)
        connection = await driver(session)
        tickets = [row["id"] for row in await connection.fetch(_SCOPE, from_key, command.account_ids)]
        known = {row["priority"] for row in await connection.fetch(_PRIORITIES, tickets)}
    lost = sorted(known - {*document.priority_keys, *command.priorities})
    if lost:
        raise Invalid(errors=[Fault(pointer="/priorities", detail=_lost(key, version, name)) for name in lost])
    return Order(key, version, from_key, command.priorities, command.dry_run, tickets)


def _lost(key: str, version: int, name: str) -> Message:
    return _(
        "Version {version} of the plan {key} has no priority {name}, which open tickets have: say what it becomes",
        version=version,
        key=key,
        name=name,
    )


def _mapping_faults(document: PlanDocument, mapping: Mapping[str, str]) -> Iterator[Fault]:
    """Only what vanishes is mapped: so nothing is mapped twice when a version is applied again."""
    known = ", ".join(document.priority_keys)
    for old, new in mapping.items():
        if old in document.priority_keys:
            yield Fault(
                pointer=pointer(["priorities", old]), detail=_("The version has the priority {old} itself", old=old)
            )
        if new not in document.priority_keys:
            detail = _("There is no priority {new}: the version has {known}", new=new, known=known)
            yield Fault(pointer=pointer(["priorities", old]), detail=detail)


async def _account_faults(session: AsyncSession, wanted: Sequence[str]) -> list[Fault]:
    found = set(await session.scalars(select(AccountRow.account_id).where(AccountRow.account_id.in_(wanted))))
    unknown = ((index, account) for index, account in enumerate(wanted) if account not in found)
    return [
        Fault(pointer=f"/account_ids/{index}", detail=_("There is no account {name}", name=name))
        for index, name in unknown
    ]


async def _plan_faults(session: AsyncSession, key: str) -> list[Fault]:
    if await session.scalar(select(PlanVersionRow.version).where(PlanVersionRow.key == key).limit(1)):
        return []
    return [Fault(pointer="/from_key", detail=_("There is no plan with the key {key}", key=key))]


async def run(sessions: Sessions, order: Order, actor: Actor, *, batch: int = BATCH) -> AsyncGenerator[Report, None]:
    """Carry out an order by ``actor``; a report of each batch, once it is committed.

    Tickets are locked in the order of their ids and caught up first (C09). One that cannot be computed is reported as
    failed and left as it was. A dry run locks and writes nothing.
    """
    for first in range(0, len(order.tickets), batch):
        ids = order.tickets[first : first + batch]
        one_batch = partial(_batch, order=order, actor=actor, ids=ids)
        if order.dry_run:
            async with snapshot(sessions) as session:
                report = await one_batch(session)
        else:
            report = await run_transaction(sessions, one_batch)
        yield report


async def _batch(session: AsyncSession, *, order: Order, actor: Actor, ids: Sequence[str]) -> Report:
    connection = await driver(session)
    rows = await connection.fetch(_SEEN if order.dry_run else _LOCKED, order.from_key, ids)
    edits, faulty = await caught_up(session, rows)
    named = {edit.ticket.account_id for edit in edits}
    accounts = {account["account_id"]: account for account in await connection.fetch(_ACCOUNTS, named)}
    parts = ((edit.ticket.id, _apply(session, edit, order, accounts, actor)) for edit in edits)
    changes, failed = await each_apart(parts)
    told = [type(event.data) for edit, changed, _ in changes if changed for event in edit.events]
    if not order.dry_run:
        await staff_and_save(session, [edit for edit, _, _ in changes if edit.events])
    return Report(
        done=len(ids),
        changed=sum(changed for _, changed, _ in changes),
        calls_requested=told.count(CallRequested),
        calls_ended=told.count(CallEnded),
        moves=[move for _, _, moves in changes for move in moves],
        failed=[{"ticket_id": one, "error": f"{type(e).__name__}: {e}"} for one, e in (faulty | failed).items()],
    )


async def _apply(
    session: AsyncSession, edit: TicketEdit, order: Order, accounts: Mapping[str, "Record[Any]"], actor: Actor
) -> tuple[TicketEdit, bool, list[Row]]:
    """Apply the version to one caught-up ticket, with what its account has now: whether it changed, and what moved."""
    ticket, account = edit.ticket, accounts[edit.ticket.account_id]
    before = pins_of(ticket)
    zone = ticket.requester.get("time_zone") or account["time_zone"]
    after = Pins(order.key, order.version, tuple(account["addons"]), zone, account["holiday_set"])
    promise = await promise_of(session, after)
    if lost := edit.clock.priorities - {*promise.terms.priorities, *order.mapping}:
        raise PriorityVanished(_lost(order.key, order.version, ", ".join(sorted(lost))))
    step = advance(edit.clock, Apply(edit.now, promise.terms, order.mapping))
    if before == after and not step.events:
        return edit, False, []
    before_terms, priority = edit.clock.terms, step.clock.priority
    moves = [
        _move(edit, event, differences(_of(event).metric, priority, before_terms, promise.terms, order.mapping))
        for event in step.events
    ]
    gave_call = calls.gives_call(edit.document, edit.ticket.priority)
    pins = {name: PlanPins.model_validate(each.document()) for name, each in (("before", before), ("after", after))}
    edit.tell(PlanApplied(**pins, priorities=dict(order.mapping)), actor)
    edit.document = promise.document
    take_step(edit, step, actor)
    _repin(edit, after, order.mapping)
    expected = _expected(edit)
    await calls.follow_plan(session, edit, actor, given=gave_call)
    return edit, True, [*moves, *_call_moves(edit, expected)]


def _expected(edit: TicketEdit) -> dict[str, Deadline]:
    """By call, the deadline by which the customer is expected in it."""
    joining = (deadline for deadline in edit.clock.deadlines if deadline.metric == "call_join")
    return {deadline.subject: deadline for deadline in joining if deadline.state in OPEN_STATES}


def _call_moves(edit: TicketEdit, before: Mapping[str, Deadline]) -> Iterator[Row]:
    """Whom the calls that have come and ended make expected, and no longer: of each ticket one call at most."""
    after = _expected(edit)
    ended = [before[call] for call in before.keys() - after.keys()]
    begun = [replace(after[call], id="") for call in after.keys() - before.keys()]
    cancelled = (ClockEvent("deadline.cancelled", edit.now, deadline, reason="call_ended") for deadline in ended)
    started = (ClockEvent("deadline.started", edit.now, deadline) for deadline in begun)
    yield from (_move(edit, event, ["calls"]) for event in (*cancelled, *started))


def _repin(edit: TicketEdit, pins: Pins, mapping: Mapping[str, str]) -> None:
    ticket = edit.ticket
    ticket.plan_key, ticket.plan_version, ticket.plan_addons = pins.plan_key, pins.plan_version, list(pins.addons)
    ticket.time_zone, ticket.holiday_set = pins.time_zone, pins.holiday_set
    for name in ("matrix_priority", "assessed_priority"):
        priority = getattr(ticket, name)
        setattr(ticket, name, mapping.get(priority, priority))
    ticket.version += 1


def _of(event: ClockEvent) -> Deadline:
    """The deadline of an event: those of a plan are all of deadlines."""
    if event.deadline is None:
        raise ValueError(event)
    return event.deadline


def _move(edit: TicketEdit, event: ClockEvent, differences: list[str]) -> Row:
    """One line of the list; a cycle that it starts has no id yet."""
    deadline = _of(event)
    kind = event.kind.removeprefix("deadline.")
    instants = {"started": (None, deadline.due_at), "cancelled": (deadline.due_at, None)}
    before, after = instants.get(kind, (event.before, event.after))
    return {
        "ticket_id": edit.ticket.id,
        "number": edit.ticket.number,
        "deadline_id": deadline.id or None,
        "metric": deadline.metric,
        "cycle": deadline.cycle,
        "kind": kind,
        "from": before,
        "to": after,
        "reason": event.reason or "plan",
        "differences": differences,
    }
