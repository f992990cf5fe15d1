"""Notes are written about a ticket, listed, and acknowledged by the engineer to whom they are addressed."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.coaching.models import CoachingNoteRow
from app.coaching.schemas import CoachingNote, NewCoachingNote
from app.core.auth import Principal
from app.core.db.statements.rows import row_by_id
from app.core.ids import new_id
from app.core.problems import Fault, Forbidden, Invalid
from app.core.text.messages import _
from app.core.web.kit.paging import Filter, Page, Slice, filtered, in_order
from app.events.log import record_last
from app.events.types import CoachingAcknowledged, CoachingNoted
from app.roster.models import EngineerRow
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.load import lock_ticket
from app.tickets.read.queries import account_of_ticket
from app.tickets.save import staff_and_save


def note_document(note: CoachingNoteRow) -> dict[str, Any]:
    """The note as the API shows it."""
    return CoachingNote.model_validate(note).model_dump()


async def write_note(
    session: AsyncSession, principal: Principal, ticket_id: str, command: NewCoachingNote
) -> CoachingNoteRow:
    """A note about the ticket, told on its timeline to support; 422 without an engineer who could get it."""
    record_last(session)
    edit = await lock_ticket(session, principal, ticket_id)
    engineer_id = command.engineer_id or edit.ticket.assignee_id
    await _check_engineer(session, edit, engineer_id)
    note = CoachingNoteRow(
        account_id=edit.ticket.account_id,
        id=new_id("cnt"),
        ticket_id=ticket_id,
        engineer_id=engineer_id,
        author=principal.actor.document(),
        body=command.body,
        created_at=edit.now,
    )
    session.add(note)
    await session.flush()
    edit.tell(CoachingNoted(note_id=note.id, engineer_id=note.engineer_id, body=note.body), principal.actor)
    await staff_and_save(session, [edit])
    return note


async def _check_engineer(session: AsyncSession, edit: TicketEdit, engineer_id: str | None) -> None:
    own = edit.ticket.account_id if edit.ticket.sandbox else None
    roster = EngineerRow.account_id.is_(None) if own is None else EngineerRow.account_id == own
    known = select(EngineerRow.id).where(EngineerRow.id == engineer_id, roster)
    if engineer_id is None or not await session.scalar(known):
        detail = _("There is no such engineer") if engineer_id else _("The ticket has no engineer: name one")
        raise Invalid(errors=[Fault(pointer="/engineer_id", detail=detail)])


async def acknowledge(session: AsyncSession, principal: Principal, note_id: str) -> CoachingNoteRow:
    """Note that its engineer has read it; 403 for anybody else. Once is enough: again changes nothing.

    The ticket is locked before the note.
    """
    note = await row_by_id(session, CoachingNoteRow, note_id, only=principal.only)
    if principal.engineer_id != note.engineer_id:
        raise Forbidden(_("Only the engineer to whom a note is addressed acknowledges it"))
    record_last(session)
    edit = await lock_ticket(session, principal, note.ticket_id)
    await session.refresh(note, with_for_update=True)
    if note.acknowledged_at is None:
        note.acknowledged_at = edit.now
        await session.flush()
        edit.tell(CoachingAcknowledged(note_id=note.id, engineer_id=note.engineer_id), principal.actor)
        await staff_and_save(session, [edit])
    return note


async def notes_of_ticket(
    session: AsyncSession, principal: Principal, ticket_id: str, page: Page
) -> Sequence[CoachingNoteRow]:
    """A page of a ticket's notes, the oldest first, and one more. 404 when the caller has no such ticket."""
    account_id = await account_of_ticket(session, principal, ticket_id)
    return await in_order(session, CoachingNoteRow, page, account_id=account_id, ticket_id=ticket_id)


async def notes_page(
    session: AsyncSession, principal: Principal, page: Page, engineer_id: str | None, *, acknowledged: bool | None
) -> Slice[CoachingNoteRow]:
    """A page of notes, the newest first: all, or those to one engineer."""
    scope = [CoachingNoteRow.__table__.c.engineer_id == engineer_id] if engineer_id else []
    filters: list[Filter] = []
    if principal.only is not None:
        filters.append(lambda columns: columns.account_id == principal.only)
    if acknowledged is not None:
        filters.append(lambda columns: columns.acknowledged_at.is_not(None) == acknowledged)
    return await filtered(session, CoachingNoteRow, scope, filters, page, "created_at", "id")
