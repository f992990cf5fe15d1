"""Escalations that people ask for (G5, W5), and what becomes of any: acknowledged, accepted, declined, withdrawn."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Actor
from app.core.ids import new_id
from app.core.problems import Conflict, Fault, Forbidden, Invalid
from app.core.text.messages import _, ngettext
from app.core.web.kit.deps import require_support
from app.escalations import records
from app.escalations.models import EscalationRow
from app.escalations.records import OPEN
from app.escalations.rules import Breach, verified
from app.events import types
from app.events.types.escalations import BrokenPromise
from app.plans.document.naming import plan_name
from app.sla.clock.changes import Answer, Ask, Status, Tier
from app.sla.clock.cycles import ENDED_STATUSES
from app.sla.clock.terms import PLAN_METRICS
from app.tickets.editing.clock import change_clock
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.messages import add_message
from app.tickets.editing.priorities import give_priority
from app.tickets.escalation_schemas import EscalationAcceptance, EscalationRefusal, NewEscalation
from app.tickets.rules import missing_texts, priority_faults, status_name
from app.tickets.schemas import NewMessage
from app.tickets.usecases.assignment import set_assignee
from app.tickets.usecases.breaches import breaches_of, documents
from app.tickets.usecases.caller import Caller, finish, start


@dataclass(frozen=True, slots=True)
class Decided:
    """A ticket, who decides about one of its escalations, and that escalation as it is now."""

    edit: TicketEdit
    actor: Actor
    escalation: EscalationRow


async def escalate(session: AsyncSession, caller: Caller, ticket_id: str, command: NewEscalation) -> EscalationRow:
    """Ask for an escalation. 409 with the first when one is open for this reason already; 403 where the plan has none.

    It says whether the promise that it names was broken, and by which deadlines, since the last escalation for this
    reason was accepted, and starts the clock of its acknowledgement. A customer's wakes a waiting ticket, as an answer.
    """
    edit, actor = await start(session, caller, ticket_id, command.actor)
    kind = "customer" if actor.kind == "customer" else "engineer"
    _check(edit, kind, command)
    if first := await records.open_one(session, edit.ticket.account_id, ticket_id, kind, command.reason):
        shown = records.escalation_document(first, internal=caller.principal.is_support)
        raise Conflict(_("An escalation for this reason is already open"), escalation=shown)
    breaches = await breaches_of(session, edit, command.reason)
    escalation = EscalationRow(
        account_id=edit.ticket.account_id,
        id=new_id("esc"),
        ticket_id=ticket_id,
        kind=kind,
        reason=command.reason,
        state="requested",
        requested_by=actor.document(),
        justification=command.justification,
        requested_priority=command.requested_priority,
        business_impact=command.business_impact,
        breach_verified=_verified(edit, command.reason, breaches),
        breaches=documents(breaches),
        breach_count=len(breaches),
        requested_at=edit.now,
    )
    escalation.subject = escalation.id
    escalation.sequence = edit.tell(_requested(edit, escalation), actor)
    session.add(escalation)
    await session.flush()
    edit.ticket.escalated = True
    change_clock(edit, Ask(edit.now, "escalation_ack", escalation.subject), actor)
    if kind == "customer" and edit.ticket.status == "waiting_on_customer":
        change_clock(edit, Status(edit.now, "open", actor.kind), actor)
    await finish(session, edit)
    return escalation


def _check(edit: TicketEdit, kind: str, command: NewEscalation) -> None:
    rules, document = edit.document.escalation, edit.document
    if edit.ticket.status in ENDED_STATUSES:
        raise Conflict(_("A ticket that is {status} cannot be escalated", status=status_name(edit.ticket.status)))
    if rules is None or (kind == "customer" and not document.customer_may.escalate):
        raise Forbidden(_("The plan {key} has no escalations that this caller can request", key=plan_name(document)))
    faults = [] if command.reason in rules.reasons else [_unknown_reason(plan_name(document), rules.reasons)]
    faults += [
        {**fault, "pointer": "/requested_priority"} for fault in priority_faults(document, command.requested_priority)
    ]
    if command.requested_priority and not faults:
        texts = {
            "business_impact": command.business_impact or edit.ticket.business_impact,
            "priority_reason": command.justification,
        }
        faults += missing_texts(document, command.requested_priority, texts)
    if faults:
        raise Invalid(errors=faults)


def _unknown_reason(plan: str, reasons: list[Any]) -> Fault:
    return Fault(
        pointer="/reason", detail=_("The plan {plan} allows the reasons {reasons}", plan=plan, reasons=list(reasons))
    )


def _verified(edit: TicketEdit, reason: str, breaches: tuple[Breach, ...]) -> bool | None:
    """Whether the promise that the reason names was broken: the record keeps it."""
    clock, rules = edit.clock, edit.document.escalation
    return verified(
        reason,
        promised=[metric for metric in PLAN_METRICS if clock.terms.target(metric, clock.priority)],
        breaches=breaches,
        turns=edit.ticket.turns,
        exchanges=rules.exchanges if rules else None,
    )


def _requested(edit: TicketEdit, escalation: EscalationRow) -> types.EscalationRequested:
    return types.EscalationRequested(
        escalation_id=escalation.id,
        kind=escalation.kind,
        reason=escalation.reason,
        subject=escalation.subject,
        justification=escalation.justification or "",
        requested_priority=escalation.requested_priority,
        business_impact=escalation.business_impact,
        breach_verified=escalation.breach_verified,
        breaches=[BrokenPromise.model_validate(each) for each in escalation.breaches],
        breach_count=escalation.breach_count,
        **edit.notifying("manager", "tam"),
    )


async def acknowledge(session: AsyncSession, caller: Caller, escalation_id: str, _: object = None) -> EscalationRow:
    """Support acknowledged an escalation: its acknowledgement clock ends. 409 when it is no longer waited for."""
    decided = await _decide(session, caller, escalation_id, "requested")
    _acknowledge(decided)
    return await _decided(session, decided)


async def accept(
    session: AsyncSession, caller: Caller, escalation_id: str, command: EscalationAcceptance
) -> EscalationRow:
    """Support does something about it: raises the priority (by default as requested), moves the tier, reassigns."""
    decided = await _decide(session, caller, escalation_id, *OPEN)
    edit, actor, escalation = decided.edit, decided.actor, decided.escalation
    if escalation.state == "requested":
        _acknowledge(decided)
    if command.message:
        add_message(edit, actor, actor.document(), NewMessage(body=command.message))
    if priority := command.priority or escalation.requested_priority:
        edit.ticket.business_impact = escalation.business_impact or edit.ticket.business_impact
        reason = escalation.justification or escalation.reason
        await give_priority(session, edit, actor, priority, reason, source="escalation")
    if command.assignee_id:
        await set_assignee(session, edit, actor, command.assignee_id, "/assignee_id")
    if command.tier and command.tier != edit.ticket.tier:
        _check_tier(edit, command.tier)
        change_clock(edit, Tier(edit.now, command.tier, actor.kind), actor)
        if command.assignee_id:
            edit.climbed = edit.descended = False
    _end(decided, "accepted", command.message)
    data = types.EscalationAccepted(
        **_facts(escalation),
        priority=edit.ticket.priority,
        tier=edit.ticket.tier,
        assignee=edit.ticket.assignee_id,
        **edit.notifying("tam"),
    )
    edit.tell(data, actor)
    return await _decided(session, decided)


def _check_tier(edit: TicketEdit, tier: int) -> None:
    if tier > edit.clock.terms.tiers:
        detail = ngettext("The plan has {n} tier", "The plan has {n} tiers", edit.clock.terms.tiers)
        raise Invalid(errors=[Fault(pointer="/tier", detail=detail)])


async def decline(
    session: AsyncSession, caller: Caller, escalation_id: str, command: EscalationRefusal
) -> EscalationRow:
    """Support does nothing about it, and says why."""
    decided = await _decide(session, caller, escalation_id, *OPEN)
    if decided.escalation.state == "requested":
        _acknowledge(decided)
    _end(decided, "declined", command.reason)
    edit = decided.edit
    data = types.EscalationDeclined(**_facts(decided.escalation), detail=command.reason, **edit.notifying("tam"))
    edit.tell(data, decided.actor)
    return await _decided(session, decided)


async def withdraw(session: AsyncSession, caller: Caller, escalation_id: str, command: Any) -> EscalationRow:
    """Whoever requested it takes it back. 403 for anybody else; what the service made is not withdrawn."""
    escalation = await records.find(session, escalation_id)
    edit, actor = await start(session, caller, escalation.ticket_id, command.actor)
    await session.refresh(escalation)
    if escalation.requested_by.get("id") != actor.id or escalation.requested_by["kind"] != actor.kind:
        raise Forbidden(_("Only whoever requested an escalation can withdraw it"))
    _check_state(escalation, *OPEN)
    change_clock(edit, Answer(edit.now, "escalation_ack", escalation.subject, cancel="withdrawn"), actor)
    decided = Decided(edit, actor, escalation)
    _end(decided, "withdrawn", None)
    edit.tell(types.EscalationWithdrawn(**_facts(escalation), **edit.notifying("tam")), actor)
    return await _decided(session, decided)


async def _decide(session: AsyncSession, caller: Caller, escalation_id: str, *states: str) -> Decided:
    """Lock the ticket and read the escalation as it is then, for support. 409 unless it is in one of ``states``."""
    escalation = await records.find(session, escalation_id)
    edit, actor = await start(session, caller, escalation.ticket_id)
    require_support(caller.principal)
    await session.refresh(escalation)
    _check_state(escalation, *states)
    return Decided(edit, actor, escalation)


def _check_state(escalation: EscalationRow, *states: str) -> None:
    if escalation.state not in states:
        raise Conflict(_("The escalation is already {state}", state=escalation.state))


def _acknowledge(decided: Decided) -> None:
    edit, actor, escalation = decided.edit, decided.actor, decided.escalation
    change_clock(edit, Answer(edit.now, "escalation_ack", escalation.subject, actor.kind), actor)
    escalation.state, escalation.acknowledged_at = "acknowledged", edit.now
    edit.tell(types.EscalationAcknowledged(**_facts(escalation)), actor)


def _facts(escalation: EscalationRow) -> dict[str, str]:
    return {"escalation_id": escalation.id, "reason": escalation.reason, "subject": escalation.subject}


def _end(decided: Decided, state: str, decision: str | None) -> None:
    escalation = decided.escalation
    escalation.state, escalation.ended_at, escalation.decision = state, decided.edit.now, decision


async def _decided(session: AsyncSession, decided: Decided) -> EscalationRow:
    """Write the escalation and its ticket, which is escalated as long as any other is open."""
    await session.flush()
    ticket = decided.edit.ticket
    others = select(EscalationRow.id).where(
        EscalationRow.account_id == ticket.account_id,
        EscalationRow.ticket_id == ticket.id,
        EscalationRow.state.in_(OPEN),
    )
    ticket.escalated = await session.scalar(others.limit(1)) is not None
    await finish(session, decided.edit)
    return decided.escalation
