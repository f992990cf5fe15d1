"""Somebody changes what a ticket says, or keeps it in a region."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.problems import Conflict
from app.core.text.messages import _
from app.core.web.kit.merge_patch import Patch, actor_in, merge_patch, patched
from app.events import types
from app.roster.usecases.regions import check_region
from app.tickets.editing.edit import TicketEdit
from app.tickets.schemas import (
    RegionLock,
    TicketFields,
    TicketPatch,
)
from app.tickets.staffing.roster import scope_of
from app.tickets.usecases.caller import Caller, finish, start


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
