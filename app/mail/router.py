"""Mails about a ticket, over HTTP: somebody wants none, or some again."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Body, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import Acting, as_editor
from app.core.web.kit.operations import Call, CallDep, Document, ResourceRouter
from app.core.web.kit.visits import CUSTOMERS
from app.mail.muting import Reader, mute, reader_named, unmute
from app.mail.schemas import MailReader, TicketMails
from app.tickets.api.kit import TicketPath

router = ResourceRouter("tickets", prefix="/v1/tickets/{ticket_id}", tags=["Tickets"])
_Body = Annotated[MailReader, Body(default_factory=MailReader)]


@router.action("/mute", TicketMails, summary="Mute a ticket", visitors=CUSTOMERS)
async def mute_ticket(call: CallDep, ticket_id: TicketPath, command: _Body) -> Response:
    """Somebody gets no more e-mails about the ticket, as by the link in each of them. Again: nothing changes."""
    return await _set(call, ticket_id, command, mute)


@router.action("/unmute", TicketMails, summary="Unmute a ticket", visitors=CUSTOMERS)
async def unmute_ticket(call: CallDep, ticket_id: TicketPath, command: _Body) -> Response:
    """Somebody gets e-mails about the ticket again. The address of a guest stays without until they confirm it."""
    return await _set(call, ticket_id, command, unmute)


async def _set(
    call: Call, ticket_id: str, command: MailReader, change: Callable[[AsyncSession, Reader], Awaitable[Reader]]
) -> Response:
    async def work(session: AsyncSession, _: Acting) -> Document:
        reader = await reader_named(session, call.principal, ticket_id, command)
        return (await change(session, reader)).document()

    return await call.once_as(as_editor(call.principal, command.actor), work)
