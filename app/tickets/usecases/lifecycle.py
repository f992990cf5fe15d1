"""What people and integrations do with a ticket after it was opened.

Each use case locks the ticket, caught up (``load.lock_ticket``), checks who may do it, changes it, and saves it.
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
from app.roster.models import EngineerRow, ExpertHoldRow
from app.roster.usecases.regions import check_region
from app.sla.clock.changes import Priority, Status, Tier
from app.tickets.editing import calls, review
from app.tickets.editing.clock import change_clock
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.load import lock_ticket
from app.tickets.editing.messages import add_message, automation_of, message_author
from app.tickets.rules import allowed, customer_may_set, is_alarm, missing_texts, priority_faults
from app.tickets.save import staff_and_save
from app.tickets.schemas import (
    Assignment,
    NewMessage,
    PriorityChange,
    PriorityReview,
    RegionLock,
    StatusChange,
    TicketFields,
    TicketPatch,
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
) -> tuple[TicketEdit, Actor]:
    """Lock the ticket, caught up, for somebody who may write to it: 404, 403 for viewers, 412 for a stale version."""
    edit = await lock_ticket(session, caller.principal, ticket_id)
    who = await editor(session, caller.principal, actor)
    caller.check_version(edit.ticket.version)
    return edit, who.actor


async def finish(session: AsyncSession, edit: TicketEdit) -> TicketEdit:
    """Save a ticket that a person or an integration has changed: its version grows."""
    edit.ticket.version += 1
    await staff_and_save(session, [edit])
    return edit


async def post_message(
    session: AsyncSession, caller: Caller, ticket_id: str, command: NewMessage
) -> tuple[TicketEdit, dict[str, Any]]:
    """Post a message; a customer's public one wakes a waiting ticket and reopens a resolved one.

    One that is stated to be automatic does neither, and nobody owes it an answer (C07).
    """
    edit, actor = await start(session, caller, ticket_id, command.actor)
    if command.visibility == "internal" and not caller.principal.is_support:
        raise Forbidden(_("Only support can write internal messages"))
    author = message_author(caller.principal, actor, command.author)
    if actor.kind == "customer" and author["kind"] == "automation" and command.actor is None:
        actor = automation_of(caller.principal)
    message = add_message(edit, actor, author, command)
    return await finish(session, edit), message


async def set_status(session: AsyncSession, caller: Caller, ticket_id: str, command: StatusChange) -> TicketEdit:
    """Set the status by the table of ``rules``, with a public message before it where one is given or needed."""
    edit, actor = await start(session, caller, ticket_id, command.actor)
    if command.message is not None:
        add_message(edit, actor, actor.document(), NewMessage(body=command.message))
    if command.status != edit.ticket.status:
        _check_transition(edit, actor, command)
        change_clock(edit, Status(edit.now, command.status, actor.kind), actor)
        await calls.end_with_ticket(session, edit)
    return await finish(session, edit)


def _check_transition(edit: TicketEdit, actor: Actor, command: StatusChange) -> None:
    status = command.status
    if status not in allowed(edit.ticket.status, "support"):
        raise Conflict(
            _("A ticket that is {status} cannot become {wanted}", status=edit.ticket.status, wanted=status),
            status_table="/v1/statuses",
        )
    if status not in allowed(edit.ticket.status, actor.kind):
        raise Forbidden(
            _("A customer cannot change a ticket from {status} to {wanted}", status=edit.ticket.status, wanted=status)
        )
    if status == "waiting_on_customer" and edit.clock.answered_at is None:
        detail = _("A ticket can wait for its customer only with, or after, a public message from an engineer")
        raise Invalid(errors=[Fault(pointer="/message", detail=detail)])
    if status == "resolved" and actor.kind == "engineer" and command.message is None:
        raise Invalid(
            errors=[Fault(pointer="/message", detail=_("An engineer resolves a ticket with a public message"))]
        )


async def set_priority(session: AsyncSession, caller: Caller, ticket_id: str, command: PriorityChange) -> TicketEdit:
    """Override the priority, as far as the plan lets a customer (Z2); a raise may need texts (G1) and gets a call."""
    edit, actor = await start(session, caller, ticket_id, command.actor)
    ticket, document = edit.ticket, edit.document
    if ticket.status in ("resolved", "closed"):
        raise Conflict(_("The priority of a ticket that is {status} cannot change", status=ticket.status))
    if faults := priority_faults(document, command.priority):
        raise Invalid(errors=faults)
    if command.priority == ticket.priority:
        return await finish(session, edit)
    if actor.kind == "customer" and not customer_may_set(document, ticket.priority, command.priority):
        raise Forbidden(
            _("The plan {key} does not let a customer set this priority: escalate instead", key=document.key)
        )
    if actor.kind == "customer" and edit.clock.turns >= MAX_TURNS:
        raise Conflict(
            _("The ticket's priority has been changed as often as its customer may: ask support to change it")
        )
    ticket.business_impact = command.business_impact or ticket.business_impact
    await give_priority(session, edit, actor, command.priority, command.reason, source="override")
    return await finish(session, edit)


async def give_priority(
    session: AsyncSession, edit: TicketEdit, actor: Actor, priority: str, reason: str, *, source: str
) -> None:
    """Set another priority, with a call where the plan wants one.

    422 without the texts that it asks for (G1), which an alert need not bring.
    """
    ticket = edit.ticket
    if faults := priority_faults(edit.document, priority):
        raise Invalid(errors=faults)
    if priority == ticket.priority:
        return
    texts = {"business_impact": ticket.business_impact, "priority_reason": reason}
    alarm = is_alarm(ticket.channel, actor.kind)
    if faults := [] if alarm else missing_texts(edit.document, priority, texts):
        raise Invalid(errors=faults)
    ticket.priority_reason, ticket.priority_source, edit.reason = reason, source, reason
    change_clock(edit, Priority(edit.now, priority, actor.kind), actor)
    if calls.wanted(edit) and await calls.active(session, edit) is None:
        await calls.ask_with_account(session, edit, actor)
    review.request_if_due(edit)


async def assign(session: AsyncSession, caller: Caller, ticket_id: str, command: Assignment) -> TicketEdit:
    """Give the ticket to an engineer or to nobody, move it to another tier, or both."""
    edit, actor = await start(session, caller, ticket_id)
    require_support(caller.principal)
    if edit.ticket.status in ("resolved", "closed"):
        raise Conflict(_("A ticket that is {status} cannot be assigned", status=edit.ticket.status))
    if "engineer_id" in command.model_fields_set:
        await set_assignee(session, edit, actor, command.engineer_id)
    if command.tier is not None and command.tier != edit.ticket.tier:
        if command.tier > edit.clock.terms.tiers:
            detail = ngettext("The plan has {n} tier", "The plan has {n} tiers", edit.clock.terms.tiers)
            raise Invalid(errors=[Fault(pointer="/tier", detail=detail)])
        change_clock(edit, Tier(edit.now, command.tier, actor.kind), actor)
    return await finish(session, edit)


async def set_assignee(
    session: AsyncSession, edit: TicketEdit, actor: Actor, engineer_id: str | None, pointer: str = "/engineer_id"
) -> None:
    """Give the ticket to an engineer, or to nobody.

    422 for one who is not there, not active, or of another roster; 409 for one who is held for another ticket (G2).
    """
    if engineer_id:
        await _check_engineer(session, edit, engineer_id, pointer)
    before, edit.ticket.assignee_id = edit.ticket.assignee_id, engineer_id
    if before != engineer_id:
        edit.tell(types.TicketAssigned(before=before, after=engineer_id), actor)
    if engineer_id and edit.ticket.status == "new":
        change_clock(edit, Status(edit.now, "open", actor.kind), actor)


async def _check_engineer(session: AsyncSession, edit: TicketEdit, engineer_id: str, pointer: str) -> None:
    """422 unless the engineer is active, and of the sandbox exactly where the ticket is: tests hold no real expert.

    409 for one who is held for another ticket (G2).
    """
    query = select(EngineerRow.account_id).where(EngineerRow.id == engineer_id, EngineerRow.active)
    found = (await session.execute(query)).one_or_none()
    if found is None:
        raise Invalid(errors=[Fault(pointer=pointer, detail=_("There is no such active engineer"))])
    own = edit.ticket.account_id if edit.ticket.sandbox else None
    if found.account_id != own:
        detail = _("A sandbox's tickets go to its own engineers, and no other tickets do")
        hint = (
            _("POST /v1/engineers with {own} as account_id makes one", own=own)
            if own
            else _("This engineer is a sandbox's")
        )
        raise Invalid(errors=[Fault(pointer=pointer, detail=detail, hint=hint)])
    await lock_roster(session, scope_of(edit))
    held_for = await session.scalar(select(ExpertHoldRow.ticket_id).where(ExpertHoldRow.engineer_id == engineer_id))
    if held_for not in (None, edit.ticket.id):
        raise Conflict(_("The engineer is working exclusively on another ticket"), held_for=held_for)


async def lock_to_region(session: AsyncSession, caller: Caller, ticket_id: str, command: RegionLock) -> TicketEdit:
    """Keep the ticket in one region, or let it follow the sun again (G7). 422 if there is no such region."""
    edit, actor = await start(session, caller, ticket_id, command.actor)
    if edit.ticket.status == "closed":
        raise Conflict(_("A closed ticket cannot change"))
    before, after = edit.ticket.region_lock, command.region
    if after is not None:
        await check_region(session, after, scope_of(edit) or None, "/region")
    if before != after:
        edit.ticket.region_lock = after
        edit.ticket.route_at = edit.now if edit.ticket.routing else None
        edit.tell(types.TicketUpdated(fields={"region_lock": after}), actor)
    return await finish(session, edit)


async def update_ticket(session: AsyncSession, caller: Caller, ticket_id: str, patch: Patch) -> TicketEdit:
    """Apply a merge patch. What the matrix says follows impact and urgency; the priority itself does not."""
    edit, actor = await start(session, caller, ticket_id, actor_in(patch))
    if edit.ticket.status == "closed":
        raise Conflict(_("A closed ticket cannot change"))
    before = {name: getattr(edit.ticket, name) for name in TicketFields.model_fields}
    after = patched(TicketPatch, merge_patch(before, patch))
    changed = {name: value for name in before if (value := getattr(after, name)) != before[name]}
    for name, value in changed.items():
        setattr(edit.ticket, name, value)
    edit.retitled = "title" in changed
    if {"impact", "urgency"} & changed.keys():
        edit.ticket.assessed_priority = edit.document.matrix_priority(after.impact, after.urgency)
    if changed:
        edit.tell(types.TicketUpdated(fields=changed), actor)
    return await finish(session, edit)


async def review_priority(session: AsyncSession, caller: Caller, ticket_id: str, command: PriorityReview) -> TicketEdit:
    """Support decides about a ticket whose priority was put up for review: it stays, or is lowered (G9)."""
    edit, actor = await start(session, caller, ticket_id)
    require_support(caller.principal)
    review.confirm(edit, actor)
    if command.message is not None:
        add_message(edit, actor, actor.document(), NewMessage(body=command.message))
    if command.priority is not None:
        await give_priority(session, edit, actor, command.priority, command.message or "review", source="override")
    return await finish(session, edit)
