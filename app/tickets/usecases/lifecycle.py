"""What people and integrations do with a ticket after it was opened.

Each use case locks the ticket and settles it (``settle.lock_ticket``), checks who may do it, changes it, saves it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import editor
from app.core.auth import Actor, Principal
from app.core.problems import Conflict, Fault, Forbidden, Invalid
from app.core.schemas import ActorRef
from app.core.text.messages import _, ngettext
from app.core.web.deps import require_support
from app.core.web.merge_patch import Patch, actor_in, merge_patch, patched
from app.events import types
from app.roster.models import Engineer, ExpertHold
from app.roster.usecases.regions import check_region
from app.sla.clock.changes import Priority, Status, Tier
from app.tickets.editing import calls, review
from app.tickets.editing.load import lock_ticket
from app.tickets.editing.messages import add_message, automation_of, message_author
from app.tickets.editing.work import Work
from app.tickets.rules import allowed, customer_may_set, is_alarm, missing_texts, priority_faults
from app.tickets.save import save
from app.tickets.schemas import (
    Assign,
    ChangeTicket,
    LockRegion,
    PostMessage,
    Review,
    SetPriority,
    SetStatus,
    TicketFields,
)
from app.tickets.staffing.roster import lock_roster, scope_of

MAX_TURNS: Final = 500
"""After so many moves of a deadline its customer changes the priority no more: support does, as often as it has to."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, for whom, and the check of the ticket's version that the request asks for (``If-Match``)."""

    principal: Principal
    check_version: Callable[[int], None]


async def start(
    session: AsyncSession, caller: Caller, ticket_id: str, actor: ActorRef | None = None
) -> tuple[Work, Actor]:
    """Lock and settle the ticket for somebody who may write to it: 404, 403 for viewers, 412 for a stale version."""
    work = await lock_ticket(session, caller.principal, ticket_id)
    who = await editor(session, caller.principal, actor)
    caller.check_version(work.ticket.version)
    return work, who.actor


async def finish(session: AsyncSession, work: Work) -> Work:
    """Save a ticket that a person or an integration has changed: its version grows."""
    work.ticket.version += 1
    await save(session, [work])
    return work


async def post_message(
    session: AsyncSession, caller: Caller, ticket_id: str, command: PostMessage
) -> tuple[Work, dict[str, Any]]:
    """Post a message; a customer's public one wakes a waiting ticket and reopens a resolved one.

    One that is stated to be automatic does neither, and nobody owes it an answer (C07).
    """
    work, actor = await start(session, caller, ticket_id, command.actor)
    if command.visibility == "internal" and not caller.principal.is_support:
        raise Forbidden(_("Only support can write internal messages"))
    author = message_author(caller.principal, actor, command.author)
    if actor.kind == "customer" and author["kind"] == "automation" and command.actor is None:
        actor = automation_of(caller.principal)
    message = add_message(work, actor, author, command)
    return await finish(session, work), message


async def set_status(session: AsyncSession, caller: Caller, ticket_id: str, command: SetStatus) -> Work:
    """Set the status by the table of ``rules``, with a public message before it where one is given or needed."""
    work, actor = await start(session, caller, ticket_id, command.actor)
    if command.message is not None:
        add_message(work, actor, actor.document(), PostMessage(body=command.message))
    if command.status != work.ticket.status:
        _check_transition(work, actor, command)
        work.change(Status(work.now, command.status, actor.kind), actor)
        await calls.end_with_ticket(session, work)
    return await finish(session, work)


def _check_transition(work: Work, actor: Actor, command: SetStatus) -> None:
    status = command.status
    if status not in allowed(work.ticket.status, "support"):
        raise Conflict(
            _("A ticket that is {status} cannot become {wanted}", status=work.ticket.status, wanted=status),
            status_table="/v1/statuses",
        )
    if status not in allowed(work.ticket.status, actor.kind):
        raise Forbidden(
            _("A customer cannot change a ticket from {status} to {wanted}", status=work.ticket.status, wanted=status)
        )
    if status == "waiting_on_customer" and work.clock.answered_at is None:
        detail = _("A ticket can wait for its customer only with, or after, a public message from an engineer")
        raise Invalid(errors=[Fault(pointer="/message", detail=detail)])
    if status == "resolved" and actor.kind == "engineer" and command.message is None:
        raise Invalid(
            errors=[Fault(pointer="/message", detail=_("An engineer resolves a ticket with a public message"))]
        )


async def set_priority(session: AsyncSession, caller: Caller, ticket_id: str, command: SetPriority) -> Work:
    """Override the priority, as far as the plan lets a customer (Z2); a raise may need texts (G1) and gets a call."""
    work, actor = await start(session, caller, ticket_id, command.actor)
    ticket, document = work.ticket, work.document
    if ticket.status in ("resolved", "closed"):
        raise Conflict(_("The priority of a ticket that is {status} cannot change", status=ticket.status))
    if faults := priority_faults(document, command.priority):
        raise Invalid(errors=faults)
    if command.priority == ticket.priority:
        return await finish(session, work)
    if actor.kind == "customer" and not customer_may_set(document, ticket.priority, command.priority):
        raise Forbidden(
            _("The plan {key} does not let a customer set this priority: escalate instead", key=document.key)
        )
    if actor.kind == "customer" and work.clock.turns >= MAX_TURNS:
        raise Conflict(
            _("The ticket's priority has been changed as often as its customer may: ask support to change it")
        )
    ticket.business_impact = command.business_impact or ticket.business_impact
    await give_priority(session, work, actor, command.priority, command.reason, source="override")
    return await finish(session, work)


async def give_priority(
    session: AsyncSession, work: Work, actor: Actor, priority: str, reason: str, *, source: str
) -> None:
    """Set another priority, with a call where the plan wants one.

    422 without the texts that it asks for (G1), which an alert need not bring.
    """
    ticket = work.ticket
    if faults := priority_faults(work.document, priority):
        raise Invalid(errors=faults)
    if priority == ticket.priority:
        return
    texts = {"business_impact": ticket.business_impact, "priority_reason": reason}
    alarm = is_alarm(ticket.channel, actor.kind)
    if faults := [] if alarm else missing_texts(work.document, priority, texts):
        raise Invalid(errors=faults)
    ticket.priority_reason, ticket.priority_source, work.why = reason, source, reason
    work.change(Priority(work.now, priority, actor.kind), actor)
    if calls.wanted(work) and await calls.active(session, work) is None:
        await calls.ask_with_account(session, work, actor)
    review.request_if_due(work)


async def assign(session: AsyncSession, caller: Caller, ticket_id: str, command: Assign) -> Work:
    """Give the ticket to an engineer or to nobody, move it to another tier, or both."""
    work, actor = await start(session, caller, ticket_id)
    require_support(caller.principal)
    if work.ticket.status in ("resolved", "closed"):
        raise Conflict(_("A ticket that is {status} cannot be assigned", status=work.ticket.status))
    if "engineer_id" in command.model_fields_set:
        await set_assignee(session, work, actor, command.engineer_id)
    if command.tier is not None and command.tier != work.ticket.tier:
        if command.tier > work.clock.terms.tiers:
            detail = ngettext("The plan has {n} tier", "The plan has {n} tiers", work.clock.terms.tiers)
            raise Invalid(errors=[Fault(pointer="/tier", detail=detail)])
        work.change(Tier(work.now, command.tier, actor.kind), actor)
    return await finish(session, work)


async def set_assignee(
    session: AsyncSession, work: Work, actor: Actor, engineer_id: str | None, pointer: str = "/engineer_id"
) -> None:
    """Give the ticket to an engineer, or to nobody.

    422 for one who is not there, not active, or of another roster; 409 for one who is held for another ticket (G2).
    """
    if engineer_id:
        await _check_engineer(session, work, engineer_id, pointer)
    before, work.ticket.assignee_id = work.ticket.assignee_id, engineer_id
    if before != engineer_id:
        work.tell(types.TicketAssigned(before=before, after=engineer_id), actor)
    if engineer_id and work.ticket.status == "new":
        work.change(Status(work.now, "open", actor.kind), actor)


async def _check_engineer(session: AsyncSession, work: Work, engineer_id: str, pointer: str) -> None:
    """422 unless the engineer is active, and of the sandbox exactly where the ticket is: tests hold no real expert.

    409 for one who is held for another ticket (G2).
    """
    query = select(Engineer.account_id).where(Engineer.id == engineer_id, Engineer.active)
    found = (await session.execute(query)).one_or_none()
    if found is None:
        raise Invalid(errors=[Fault(pointer=pointer, detail=_("There is no such active engineer"))])
    own = work.ticket.account_id if work.ticket.sandbox else None
    if found.account_id != own:
        detail = _("A sandbox's tickets go to its own engineers, and no other tickets do")
        hint = (
            _("POST /v1/engineers with {own} as account_id makes one", own=own)
            if own
            else _("This engineer is a sandbox's")
        )
        raise Invalid(errors=[Fault(pointer=pointer, detail=detail, hint=hint)])
    await lock_roster(session, scope_of(work))
    held_for = await session.scalar(select(ExpertHold.ticket_id).where(ExpertHold.engineer_id == engineer_id))
    if held_for not in (None, work.ticket.id):
        raise Conflict(_("The engineer is working exclusively on another ticket"), held_for=held_for)


async def lock_to_region(session: AsyncSession, caller: Caller, ticket_id: str, command: LockRegion) -> Work:
    """Keep the ticket in one region, or let it follow the sun again (G7). 422 if there is no such region."""
    work, actor = await start(session, caller, ticket_id, command.actor)
    if work.ticket.status == "closed":
        raise Conflict(_("A closed ticket cannot change"))
    before, after = work.ticket.region_lock, command.region
    if after is not None:
        await check_region(session, after, scope_of(work) or None, "/region")
    if before != after:
        work.ticket.region_lock = after
        work.ticket.route_at = work.now if work.ticket.routing else None
        work.tell(types.TicketUpdated(fields={"region_lock": after}), actor)
    return await finish(session, work)


async def change_ticket(session: AsyncSession, caller: Caller, ticket_id: str, patch: Patch) -> Work:
    """Apply a merge patch. What the matrix says follows impact and urgency; the priority itself does not."""
    work, actor = await start(session, caller, ticket_id, actor_in(patch))
    if work.ticket.status == "closed":
        raise Conflict(_("A closed ticket cannot change"))
    before = {name: getattr(work.ticket, name) for name in TicketFields.model_fields}
    after = patched(ChangeTicket, merge_patch(before, patch))
    changed = {name: value for name in before if (value := getattr(after, name)) != before[name]}
    for name, value in changed.items():
        setattr(work.ticket, name, value)
    work.retitled = "title" in changed
    if {"impact", "urgency"} & changed.keys():
        work.ticket.assessed_priority = work.document.matrix_priority(after.impact, after.urgency)
    if changed:
        work.tell(types.TicketUpdated(fields=changed), actor)
    return await finish(session, work)


async def review_priority(session: AsyncSession, caller: Caller, ticket_id: str, command: Review) -> Work:
    """Support decides about a ticket whose priority was put up for review: it stays, or is lowered (G9)."""
    work, actor = await start(session, caller, ticket_id)
    require_support(caller.principal)
    review.confirm(work, actor)
    if command.message is not None:
        add_message(work, actor, actor.document(), PostMessage(body=command.message))
    if command.priority is not None:
        await give_priority(session, work, actor, command.priority, command.message or "review", source="override")
    return await finish(session, work)
