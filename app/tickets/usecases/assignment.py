"""A ticket is given to an engineer or a tier."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Actor
from app.core.problems import Conflict, Fault, Invalid
from app.core.text.messages import _, ngettext
from app.core.web.kit.deps import require_support
from app.events import types
from app.roster.models import EngineerRow, ExpertHoldRow
from app.sla.clock.changes import Status, Tier
from app.tickets.editing.clock import change_clock
from app.tickets.editing.edit import TicketEdit
from app.tickets.rules import status_name
from app.tickets.schemas import (
    Assignment,
)
from app.tickets.staffing.roster import lock_roster, scope_of
from app.tickets.usecases.caller import Caller, finish, start


async def assign(session: AsyncSession, caller: Caller, ticket_id: str, command: Assignment) -> TicketEdit:
    """Give the ticket to an engineer or to nobody, move it to another tier, or both."""
    edit, actor = await start(session, caller, ticket_id)
    require_support(caller.principal)
    if edit.ticket.status in ("resolved", "closed"):
        raise Conflict(_("A ticket that is {status} cannot be assigned", status=status_name(edit.ticket.status)))
    if "engineer_id" in command.model_fields_set:
        await set_assignee(session, edit, actor, command.engineer_id)
    if command.tier is not None and command.tier != edit.ticket.tier:
        if command.tier > edit.clock.terms.tiers:
            detail = ngettext("The plan has {n} tier", "The plan has {n} tiers", edit.clock.terms.tiers)
            raise Invalid(errors=[Fault(pointer="/tier", detail=detail)])
        change_clock(edit, Tier(edit.now, command.tier, actor.kind), actor)
        if "engineer_id" in command.model_fields_set:
            edit.climbed = edit.descended = False
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
        edit.relieved = before
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
            _("POST /v1/engineers with {own} as account_id creates one", own=own)
            if own
            else _("This engineer belongs to a sandbox")
        )
        raise Invalid(errors=[Fault(pointer=pointer, detail=detail, hint=hint)])
    await lock_roster(session, scope_of(edit))
    held_for = await session.scalar(select(ExpertHoldRow.ticket_id).where(ExpertHoldRow.engineer_id == engineer_id))
    if held_for not in (None, edit.ticket.id):
        raise Conflict(_("The engineer is working exclusively on another ticket"), held_for=held_for)
