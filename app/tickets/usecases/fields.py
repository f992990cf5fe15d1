"""Somebody changes what a ticket says, or keeps it in a region."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.problems import Conflict
from app.core.schemas.merging import merge_patch
from app.core.settings import Settings
from app.core.text.messages import _
from app.core.web.kit.merge_patch import Patch, actor_in, patched
from app.events import types
from app.roster.usecases.regions import Lock, locked_to
from app.tickets.editing import calls, review
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.priorities import follow_matrix
from app.tickets.record import TEXTS
from app.tickets.schemas import (
    RegionLock,
    TicketFields,
    TicketPatch,
)
from app.tickets.staffing.roster import scope_of
from app.tickets.usecases.caller import Caller, finish, start
from app.tickets.usecases.tags import take_tags


async def update_ticket(
    session: AsyncSession, caller: Caller, ticket_id: str, patch: Patch, *, settings: Settings
) -> TicketEdit:
    """Apply a merge patch. A priority that nobody asked for follows the matrix as far as the caller may set it (Z1)."""
    edit, actor = await start(session, caller, ticket_id, actor_in(patch), texts=True)
    if edit.ticket.status == "closed":
        raise Conflict(_("A closed ticket cannot change"))
    before = {name: getattr(edit.ticket, name) for name in TicketFields.model_fields}
    after = patched(TicketPatch, merge_patch(before, patch), before=before)
    changed = {name: value for name in before if (value := getattr(after, name)) != before[name]}
    await take_tags(session, settings, edit.ticket.account_id, {*changed.get("tags", ())} - {*before["tags"]})
    for name, value in changed.items():
        setattr(edit.ticket, name, value)
    edit.retitled, edit.rewritten = "title" in changed, bool(TEXTS & changed.keys())
    if changed:
        edit.tell(types.TicketUpdated(fields=changed), actor)
    if {"impact", "urgency"} & changed.keys():
        await follow_matrix(session, edit, actor)
    if {"environment", "impact", "urgency"} & changed.keys():
        review.request_if_due(edit)
    if "call_link" in changed:
        await calls.use_own_link(session, edit, actor)
    return await finish(session, edit)


async def lock_to_region(session: AsyncSession, caller: Caller, ticket_id: str, command: RegionLock) -> TicketEdit:
    """Keep the ticket in one region, or in that of a time zone, or let it follow the sun again (G7).

    422 if there is no such region, or none that works in the daytime of the zone.
    """
    edit, actor = await start(session, caller, ticket_id, command.actor)
    if edit.ticket.status == "closed":
        raise Conflict(_("A closed ticket cannot change"))
    before = Lock(edit.ticket.region_lock, edit.ticket.region_lock_time_zone)
    wanted, place = command.time_zone or command.region, "/time_zone" if command.time_zone else "/region"
    after = await locked_to(session, wanted, scope_of(edit) or None, edit.now, place) if wanted else Lock()
    if before != after:
        edit.ticket.region_lock, edit.ticket.region_lock_time_zone = after.region, after.time_zone
        edit.ticket.route_at = edit.now if edit.ticket.routing else None
        named = {"region_lock": after.region, "region_lock_time_zone": after.time_zone}
        edit.tell(types.TicketUpdated(fields=dict(named)), actor)
    return await finish(session, edit)
