"""Escalations that people ask for (G5, W5), and what becomes of any: acknowledged, accepted, declined, withdrawn."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Actor
from app.core.db.session import driver
from app.core.ids import new_id
from app.core.problems import Conflict, Fault, Forbidden, Invalid
from app.core.text.messages import _, ngettext
from app.core.web.deps import require_support
from app.escalations import records
from app.escalations.models import Escalation
from app.escalations.records import OPEN
from app.escalations.rules import breach
from app.events import types
from app.sla.clock.changes import Answer, Ask, Tier
from app.sla.clock.cycles import ENDED_STATUSES
from app.sla.clock.terms import PLAN_METRICS
from app.tickets.editing.messages import add_message
from app.tickets.editing.work import Work
from app.tickets.rules import missing_texts, priority_faults
from app.tickets.schemas import AcceptEscalation, DeclineEscalation, Escalate, PostMessage
from app.tickets.usecases.lifecycle import Caller, finish, give_priority, set_assignee, start

_MISSED = """
SELECT 1 FROM deadlines WHERE account_id = $1 AND ticket_id = $2 AND metric = 'resolution' AND state = 'missed' LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Decided:
    """A ticket, who decides about one of its escalations, and that escalation as it is now."""

    work: Work
    actor: Actor
    escalation: Escalation


async def escalate(session: AsyncSession, caller: Caller, ticket_id: str, command: Escalate) -> Escalation:
    """Ask for an escalation. 409 with the first when one is open for this reason already; 403 where the plan has none.

    It says whether the promise that it names is broken at this instant, and starts the clock of its acknowledgement.
    """
    work, actor = await start(session, caller, ticket_id, command.actor)
    kind = "customer" if actor.kind == "customer" else "engineer"
    _check(work, kind, command)
    if first := await records.open_one(session, work.ticket.account_id, ticket_id, kind, command.reason):
        raise Conflict(
            _("An escalation for this reason is already open"), escalation=records.escalation_document(first)
        )
    escalation = Escalation(
        account_id=work.ticket.account_id,
        id=new_id("esc"),
        ticket_id=ticket_id,
        kind=kind,
        reason=command.reason,
        state="requested",
        requested_by=actor.document(),
        justification=command.justification,
        requested_priority=command.requested_priority,
        business_impact=command.business_impact,
        breach_verified=await _breach(session, work, command.reason),
        requested_at=work.now,
    )
    escalation.subject = escalation.id
    escalation.sequence = work.tell(_requested(work, escalation), actor)
    session.add(escalation)
    await session.flush()
    work.ticket.escalated = True
    work.change(Ask(work.now, "escalation_ack", escalation.subject), actor)
    await finish(session, work)
    return escalation


def _check(work: Work, kind: str, command: Escalate) -> None:
    rules, document = work.document.escalation, work.document
    if work.ticket.status in ENDED_STATUSES:
        raise Conflict(_("A ticket that is {status} cannot be escalated", status=work.ticket.status))
    if rules is None or (kind == "customer" and not document.customer_may.escalate):
        raise Forbidden(_("The plan {key} has no escalations that this caller can request", key=document.key))
    faults = [] if command.reason in rules.reasons else [_unknown_reason(document.key, rules.reasons)]
    faults += [
        {**fault, "pointer": "/requested_priority"} for fault in priority_faults(document, command.requested_priority)
    ]
    if command.requested_priority and not faults:
        texts = {
            "business_impact": command.business_impact or work.ticket.business_impact,
            "priority_reason": command.justification,
        }
        faults += missing_texts(document, command.requested_priority, texts)
    if faults:
        raise Invalid(errors=faults)


def _unknown_reason(plan: str, reasons: list[Any]) -> Fault:
    return Fault(
        pointer="/reason", detail=_("The plan {plan} knows the reasons {reasons}", plan=plan, reasons=list(reasons))
    )


async def _breach(session: AsyncSession, work: Work, reason: str) -> bool | None:
    """Whether the promise that the reason names is broken at this instant: the record keeps it."""
    clock, rules = work.clock, work.document.escalation
    missed = {d.metric for d in clock.deadlines if d.state == "missed"}
    missed |= {d.metric for d in work.ended if d.state == "missed" and d.metric == "resolution"}
    if reason == "resolution_time":  # of a miss that raised the priority, the cycle has ended
        key = (work.ticket.account_id, work.ticket.id)
        missed |= {"resolution"} if await (await driver(session)).fetchval(_MISSED, *key) else set()
    return breach(
        reason,
        promised=[metric for metric in PLAN_METRICS if clock.terms.target(metric, clock.priority)],
        missed=missed,
        turns=work.ticket.turns,
        exchanges=rules.exchanges if rules else None,
    )


def _requested(work: Work, escalation: Escalation) -> types.EscalationRequested:
    return types.EscalationRequested(
        escalation_id=escalation.id,
        kind=escalation.kind,
        reason=escalation.reason,
        subject=escalation.subject,
        justification=escalation.justification or "",
        requested_priority=escalation.requested_priority,
        business_impact=escalation.business_impact,
        breach_verified=escalation.breach_verified,
        told=work.told("manager", "tam"),
    )


async def acknowledge(session: AsyncSession, caller: Caller, escalation_id: str, _: object = None) -> Escalation:
    """Support acknowledged an escalation: its acknowledgement clock ends. 409 when it is no longer waited for."""
    decided = await _decide(session, caller, escalation_id, "requested")
    _acknowledge(decided)
    return await _decided(session, decided)


async def accept(session: AsyncSession, caller: Caller, escalation_id: str, command: AcceptEscalation) -> Escalation:
    """Support does something about it: raises the priority (by default as requested), moves the tier, reassigns."""
    decided = await _decide(session, caller, escalation_id, *OPEN)
    work, actor, escalation = decided.work, decided.actor, decided.escalation
    if escalation.state == "requested":
        _acknowledge(decided)
    if command.message:
        add_message(work, actor, actor.document(), PostMessage(body=command.message))
    if priority := command.priority or escalation.requested_priority:
        work.ticket.business_impact = escalation.business_impact or work.ticket.business_impact
        why = escalation.justification or escalation.reason
        await give_priority(session, work, actor, priority, why, source="escalation")
    if command.assignee_id:
        await set_assignee(session, work, actor, command.assignee_id, "/assignee_id")
    if command.tier and command.tier != work.ticket.tier:
        _check_tier(work, command.tier)
        work.change(Tier(work.now, command.tier, actor.kind), actor)
    _end(decided, "accepted", command.message)
    data = types.EscalationAccepted(
        **_facts(escalation), priority=work.ticket.priority, tier=work.ticket.tier, assignee=work.ticket.assignee_id
    )
    work.tell(data, actor)
    return await _decided(session, decided)


def _check_tier(work: Work, tier: int) -> None:
    if tier > work.clock.terms.tiers:
        detail = ngettext("The plan has {n} tier", "The plan has {n} tiers", work.clock.terms.tiers)
        raise Invalid(errors=[Fault(pointer="/tier", detail=detail)])


async def decline(session: AsyncSession, caller: Caller, escalation_id: str, command: DeclineEscalation) -> Escalation:
    """Support does nothing about it, and says why."""
    decided = await _decide(session, caller, escalation_id, *OPEN)
    if decided.escalation.state == "requested":
        _acknowledge(decided)
    _end(decided, "declined", command.reason)
    decided.work.tell(types.EscalationDeclined(**_facts(decided.escalation), why=command.reason), decided.actor)
    return await _decided(session, decided)


async def withdraw(session: AsyncSession, caller: Caller, escalation_id: str, command: Any) -> Escalation:
    """Whoever requested it takes it back. 403 for anybody else; what the service made is not withdrawn."""
    escalation = await records.find(session, escalation_id)
    work, actor = await start(session, caller, escalation.ticket_id, command.actor)
    await session.refresh(escalation)
    if escalation.requested_by.get("id") != actor.id or escalation.requested_by["kind"] != actor.kind:
        raise Forbidden(_("Only whoever requested an escalation can withdraw it"))
    _check_state(escalation, *OPEN)
    work.change(Answer(work.now, "escalation_ack", escalation.subject, cancel="withdrawn"), actor)
    decided = Decided(work, actor, escalation)
    _end(decided, "withdrawn", None)
    work.tell(types.EscalationWithdrawn(**_facts(escalation)), actor)
    return await _decided(session, decided)


async def _decide(session: AsyncSession, caller: Caller, escalation_id: str, *states: str) -> Decided:
    """Lock the ticket and read the escalation as it is then, for support. 409 unless it is in one of ``states``."""
    escalation = await records.find(session, escalation_id)
    work, actor = await start(session, caller, escalation.ticket_id)
    require_support(caller.principal)
    await session.refresh(escalation)
    _check_state(escalation, *states)
    return Decided(work, actor, escalation)


def _check_state(escalation: Escalation, *states: str) -> None:
    if escalation.state not in states:
        raise Conflict(_("The escalation is already {state}", state=escalation.state))


def _acknowledge(decided: Decided) -> None:
    work, actor, escalation = decided.work, decided.actor, decided.escalation
    work.change(Answer(work.now, "escalation_ack", escalation.subject, actor.kind), actor)
    escalation.state, escalation.acknowledged_at = "acknowledged", work.now
    work.tell(types.EscalationAcknowledged(**_facts(escalation)), actor)


def _facts(escalation: Escalation) -> dict[str, str]:
    return {"escalation_id": escalation.id, "reason": escalation.reason, "subject": escalation.subject}


def _end(decided: Decided, state: str, decision: str | None) -> None:
    escalation = decided.escalation
    escalation.state, escalation.ended_at, escalation.decision = state, decided.work.now, decision


async def _decided(session: AsyncSession, decided: Decided) -> Escalation:
    """Write the escalation and its ticket, which is escalated as long as any other is open."""
    await session.flush()
    ticket = decided.work.ticket
    others = select(Escalation.id).where(
        Escalation.account_id == ticket.account_id, Escalation.ticket_id == ticket.id, Escalation.state.in_(OPEN)
    )
    ticket.escalated = await session.scalar(others.limit(1)) is not None
    await finish(session, decided.work)
    return decided.escalation
