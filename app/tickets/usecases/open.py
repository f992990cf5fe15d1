"""What happens when a ticket is opened: ``open_ticket`` is the whole story, top to bottom."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import Acting
from app.accounts.terms import plan_in_force
from app.core.auth import SERVICE, Visitor
from app.core.db.session import driver, stand_in_of
from app.core.db.statements.bulk import Write
from app.core.ids import new_id
from app.core.problems import Fault, Forbidden, Invalid, NotFound
from app.core.text.messages import _
from app.core.zones import IN_FORCE, time_zones
from app.events import types
from app.events.types.deadlines import PlanPins
from app.events.types.tickets import TicketFacts
from app.files.rules import attachment, facts
from app.files.usecases import Place, bind, claim
from app.plans.document.model import PlanDocument
from app.roster.usecases.regions import Lock, locked_to
from app.sla.clock.clock import open_clock
from app.sla.compiled import Promise, promise_of
from app.sla.pins import Pins
from app.tickets.editing import calls, review
from app.tickets.editing.clock import take_step
from app.tickets.editing.edit import STAND_IN, TicketEdit
from app.tickets.editing.translate import of_a_p1
from app.tickets.editing.watching import begin_watching
from app.tickets.record import TicketRecord, begun, columns
from app.tickets.rules import (
    SUPPORTS_CHANNELS,
    Assessment,
    assess,
    channel_faults,
    is_automatic,
    missing_texts,
    priority_faults,
)
from app.tickets.save import staff_and_save
from app.tickets.schemas import NewTicket, Requester
from app.tickets.usecases.people.watchers import require_adder

_DIGITS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

_PINNED: Final = (
    "account_id",
    "plan",
    "product_plans",
    "addons",
    "time_zone",
    "holiday_set",
    "trial_ends_at",
    "call_link",
    "call_provider",
    "region_lock",
    "manager",
    "tam",
    "locale",
    "sandbox_now",
)
# The account, and the newest version of every plan that is not archived: one round trip.
_CUSTOMER: Final = f"""
SELECT {", ".join(_PINNED)}, clock_timestamp() AS now,
       (SELECT jsonb_object_agg(p.key, p.version) FROM (
            SELECT key, max(version) AS version FROM plan_versions WHERE archived_at IS NULL GROUP BY key
        ) AS p) AS plan_versions
FROM accounts WHERE account_id = $1
"""  # noqa: S608  our own column names

_MADE: Final = ("watchers", "attachments")
"""Columns that are made of members of the same names."""
_FOLLOWED: Final = """
SELECT 1 FROM tickets
WHERE account_id = $1 AND id = $2 AND ($3::text[] IS NULL OR coalesce(visitor_marks ?| $3, false))
"""


@dataclass(frozen=True, slots=True)
class Customer:
    """The account as an opening needs it, the plan versions in force, and the instant of the opening."""

    account_id: str
    plan: str
    product_plans: dict[str, str]
    addons: list[str]
    time_zone: str
    holiday_set: str | None
    trial_ends_at: datetime | None
    call_link: str | None
    call_provider: str | None
    region_lock: str | None
    manager: dict[str, Any] | None
    tam: dict[str, Any] | None
    locale: str
    sandbox_now: datetime | None
    now: datetime
    plan_versions: dict[str, int] | None
    stand_in: Mapping[str, str] | None = None
    """whom the operator has told in the place of a manager"""


@dataclass(frozen=True, slots=True)
class Held:
    """A plan's newest version, as the account's tickets are bound to it."""

    promise: Promise
    pins: Pins

    @property
    def trial(self) -> str | None:
        """The plan of an account on trial."""
        return self.promise.document.trial


async def open_ticket(
    session: AsyncSession,
    command: NewTicket,
    *,
    account_id: str,
    acting: Acting,
    now: datetime | None = None,
    beside: Callable[[TicketEdit], Sequence[Write]] = lambda _: (),
) -> TicketEdit:
    """Open a ticket for an account and start everything that follows from it, in this one transaction.

    ``begin`` decides in memory: the clocks start and, where the plan gives one, the live call is asked for.
    ``staff_and_save`` chooses an expert for a ticket that is to have one, as a P1 is, holds and alerts the expert
    (``staffing/dispatcher.py``: ``Dispatcher.restaff``), and writes all of it in one statement (``editing/write.py``:
    ``write_edits``): the ticket, its deadlines, its call, the alert, the events, and what is to be sent of them:
    deliveries of webhooks, pages, notices. Nothing is sent here: the jobs in ``scheduler.py`` send it.

    ``now`` is the database's clock unless it is given. ``beside``: what is written in the same statement, asked for
    when the ticket is complete. Raises 404 for an unknown account, 422 for what the plan refuses, and ``Again`` when
    the drawn number is taken.
    """
    customer = await _customer(session, account_id, now)
    requester, visitor = requester_of(command), acting.visitor
    held = await _promise(session, customer, command.product, requester.time_zone or customer.time_zone)
    document = held.promise.document
    command, assessment = _by_web(document, command, visitor), _assess(document, command, visitor)
    asks_nobody = is_automatic(command.channel, acting.actor.kind) or _is_by_mail(command, acting)
    _check(document, command, assessment, automatic=asks_nobody)
    _check_channel(command.channel, acting)
    if command.watchers:
        require_adder(visitor)
    await _check_follow_up(session, account_id, command.follow_up_of, visitor)
    lock = await _lock(session, customer, command.region_lock)
    files = await claim(session, acting.attaches, account_id, command.attachments)
    edit = begin(customer, command, held, assessment, acting, files)
    edit.ticket.region_lock, edit.ticket.region_lock_time_zone = lock.region, lock.time_zone
    await staff_and_save(session, [edit], new=True, standing=now is not None, following=lambda: beside(edit))
    await bind(session, files, Place(account_id, edit.ticket.id))
    return edit


async def _lock(session: AsyncSession, customer: Customer, wanted: str | None) -> Lock:
    """Where the ticket stays: as it asks, else as its account wishes (G7), which is no reason to refuse it."""
    wish = wanted or customer.region_lock
    if wish is None or (not wanted and wish not in time_zones()):
        return Lock(wish)
    scope = customer.account_id if customer.sandbox_now else None
    return await locked_to(session, wish, scope, customer.now, "/region_lock" if wanted else None)


def begin(
    customer: Customer,
    command: NewTicket,
    held: Held,
    assessment: Assessment,
    acting: Acting,
    files: Sequence[Mapping[str, Any]] = (),
) -> TicketEdit:
    """The new ticket with its clocks started, its call asked for, and its events: decided, not yet written."""
    actor, visitor, promise, pins = acting.actor, acting.visitor, held.promise, held.pins
    ticket = _ticket(customer, command, pins, assessment, actor.kind)
    if visitor:
        ticket.visitor_marks, ticket.address_unconfirmed = list(visitor.marks) or None, not visitor.is_verified
        if visitor.kind == "guest":
            ticket.unconfirmed, ticket.requested_priority = True, _wanted(promise.document, command)
    step = open_clock(promise.terms, customer.now, assessment.priority)
    contacts = {"manager": customer.manager, "tam": customer.tam, STAND_IN: customer.stand_in}
    edit = TicketEdit(ticket, step.clock, promise.document, contacts, customer.now, customer.locale)
    begin_watching(ticket, command.watchers)
    ticket.attachments = [attachment(each, ticket.id) for each in files] or None
    edit.tell(_opened(edit, pins), actor)
    take_step(edit, step, SERVICE)
    if calls.wanted(edit):
        calls.ask_for(edit, customer.call_link, customer.call_provider, actor)
    review.request_if_due(edit)
    return edit


def _by_web(document: PlanDocument, command: NewTicket, visitor: Visitor | None) -> NewTicket:
    """A help widget is a page: where the plan does not offer the widget by its name, it is one of the web's."""
    offered = visitor is None or command.channel == "email" or command.channel in document.channels
    return command if offered else command.model_copy(update={"channel": "web"})


def _assess(document: PlanDocument, command: NewTicket, visitor: Visitor | None) -> Assessment:
    """The priority; a guest gets the plan's default one, whatever they ask for."""
    if visitor and visitor.kind == "guest":
        return assess(document, None, None, None)
    return assess(document, command.priority, command.impact, command.urgency)


def _wanted(document: PlanDocument, command: NewTicket) -> str | None:
    """What a guest asks for: a priority, or what the matrix makes of impact and urgency."""
    return command.priority or document.matrix_priority(command.impact, command.urgency)


async def _customer(session: AsyncSession, account_id: str, now: datetime | None) -> Customer:
    row = await (await driver(session)).fetchrow(_CUSTOMER, account_id)
    if row is None:
        raise NotFound
    customer = Customer(**dict(row), stand_in=stand_in_of(session))
    return replace(customer, now=now or customer.sandbox_now or customer.now)


async def _promise(session: AsyncSession, customer: Customer, product: str | None, zone: str) -> Held:
    """The plan that holds for this product at this instant, in its newest version (Z3, Z4), in this zone (Z5)."""

    async def newest(key: str) -> Held | None:
        version = (customer.plan_versions or {}).get(key)
        if version is None:
            return None
        pins = Pins(key, version, tuple(customer.addons), zone, customer.holiday_set)
        return Held(await promise_of(session, pins), pins)

    return await plan_in_force(customer, product, customer.now, newest)


def _check(document: PlanDocument, command: NewTicket, assessment: Assessment, *, automatic: bool) -> None:
    """Refuse what the plan does not take: unknown priority, missing texts (G1), a channel not offered (Z6)."""
    faults = [*priority_faults(document, command.priority), *channel_faults(document, command.channel)]
    texts = {"business_impact": command.business_impact, "priority_reason": command.priority_reason}
    faults += [] if automatic else missing_texts(document, assessment.priority, texts)
    if faults:
        raise Invalid(errors=faults)


def _is_by_mail(command: NewTicket, acting: Acting) -> bool:
    """Whether it passes on an e-mail, whose writer no form has asked for what a priority needs."""
    writes = acting.visitor.writes_mail if acting.visitor else acting.actor.kind == "automation"
    return command.channel == "email" and writes


def _check_channel(channel: str, acting: Acting) -> None:
    """403 for a customer on the channel of those tickets that the account manager opens for it (Z6)."""
    if (acting.role is not None or acting.visitor) and channel in SUPPORTS_CHANNELS:
        raise Forbidden(_("Only support opens tickets on the channel {channel}", channel=channel))


async def _check_follow_up(
    session: AsyncSession, account_id: str, ticket_id: str | None, visitor: Visitor | None
) -> None:
    """422 unless the account, and a visitor who is not of its people, has such a ticket."""
    if ticket_id is None:
        return
    marks = list(visitor.marks) if visitor and not visitor.person_id else None
    if not await (await driver(session)).fetchval(_FOLLOWED, account_id, ticket_id, marks):
        raise Invalid(errors=[Fault(pointer="/follow_up_of", detail=_("The account has no such ticket"))])


def new_number() -> str:
    """A ticket number for the phone, such as ``K7M-3QP``: 30 random bits, so that no counter is a bottleneck."""
    bits = secrets.randbits(30)
    digits = [_DIGITS[(bits >> shift) & 31] for shift in range(0, 30, 5)]
    return f"{''.join(digits[:3])}-{''.join(digits[3:])}"


def _ticket(customer: Customer, command: NewTicket, pins: Pins, assessment: Assessment, by: str) -> TicketRecord:
    """The new row: what the command says by the names of columns, and what follows from the account and its plan.

    ``by`` is the kind of the actor: what an engineer says of impact and urgency is support's assessment (N8).
    """
    return begun(
        {name: getattr(command, name) for name in _commanded()}
        | {
            "account_id": customer.account_id,
            "id": new_id("tkt"),
            "number": new_number(),
            "requester": requester_of(command).model_dump(exclude_none=True),
            "priority": assessment.priority,
            "priority_source": assessment.source,
            "matrix_priority": assessment.matrix,
            "assessed_priority": assessment.matrix if by == "engineer" else None,
            "plan_key": pins.plan_key,
            "plan_version": pins.plan_version,
            "plan_addons": list(pins.addons),
            "time_zone": pins.time_zone,
            "holiday_set": pins.holiday_set,
            "tz_database": IN_FORCE.version,
            "sandbox": customer.sandbox_now is not None,
            "clock": {},
            "opened_at": customer.now,
            "updated_at": customer.now,
        }
    )


@cache
def _commanded() -> tuple[str, ...]:
    return tuple(name for name in NewTicket.model_fields if name in columns() and name not in _MADE)


def requester_of(command: NewTicket) -> Requester:
    """Who needs help. 422 where nobody is named."""
    if command.requester is None:
        raise Invalid(errors=[Fault(pointer="/requester", detail=_("A ticket needs its requester"))])
    return command.requester


def _opened(edit: TicketEdit, pins: Pins) -> types.TicketOpened:
    ticket = edit.ticket
    return types.TicketOpened(
        **{name: getattr(ticket, name) for name in TicketFacts.model_fields},
        requester=ticket.requester,
        attachments=facts(ticket.attachments),
        plan=PlanPins(**pins.document()),
        **of_a_p1(edit, ticket.priority),
    )
