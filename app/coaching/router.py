"""Coaching notes on tickets, over HTTP: for support only."""

from functools import partial
from typing import Annotated

from fastapi import Path, Query, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.schemas import EngineerId
from app.coaching import usecases
from app.coaching.schemas import CoachingNote, NewCoachingNote, NoteId
from app.coaching.usecases import note_document
from app.core.web.kit.operations import Document, ResourceRouter, SupportCall
from app.core.web.kit.paging import PageDep, made
from app.tickets.api.kit import TicketPath

router = ResourceRouter("tickets", tags=["Coaching"])


@router.create("/v1/tickets/{ticket_id}/coaching", CoachingNote)
async def create_coaching_note(call: SupportCall, ticket_id: TicketPath, body: NewCoachingNote) -> Response:
    """Create a coaching note.

    About a ticket, to its engineer or another one. Customers never see it.
    """

    async def create(session: AsyncSession) -> Document:
        return note_document(await usecases.write_note(session, call.principal, ticket_id, body))

    return await call.once(create)


@router.list("/v1/tickets/{ticket_id}/coaching", CoachingNote)
async def list_ticket_coaching_notes(call: SupportCall, ticket_id: TicketPath, page: PageDep) -> Response:
    """List a ticket's coaching notes.

    The oldest first.
    """
    query = partial(usecases.notes_of_ticket, principal=call.principal, ticket_id=ticket_id, page=page)
    return await call.page(page, query, place=made, document=note_document)


@router.list("/v1/coaching", CoachingNote)
async def list_coaching_notes(
    call: SupportCall,
    page: PageDep,
    engineer_id: Annotated[EngineerId | None, Query(description="To whom they are addressed")] = None,
    acknowledged: Annotated[bool | None, Query(description="Whether they have been read")] = None,
) -> Response:
    """List coaching notes.

    The newest first.
    """
    query = partial(
        usecases.notes_page,
        principal=call.principal,
        page=page,
        engineer_id=engineer_id,
        acknowledged=acknowledged,
    )
    return await call.page(page, query, place=made, document=note_document)


@router.action("/v1/coaching/{note_id}/acknowledge", CoachingNote, repeatable=True)
async def acknowledge_coaching_note(
    call: SupportCall, note_id: Annotated[NoteId, Path(description="The note's id")]
) -> Response:
    """Acknowledge a coaching note.

    The engineer to whom it is addressed has read it. Doing so again changes nothing.
    """

    async def read(session: AsyncSession) -> Document:
        return note_document(await usecases.acknowledge(session, call.principal, note_id))

    return await call.once(read)
