"""The e-mails that a ticket has got, whole, for support."""

from collections.abc import Sequence

from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.web.kit.operations import ResourceRouter, SupportCall
from app.core.web.kit.paging import PageDep, in_order
from app.inbound.mail.models import ReceivedMailRow
from app.inbound.mail.schemas import ReceivedMail
from app.tickets.api.kit import TicketPath
from app.tickets.read.queries import account_of_ticket

router = ResourceRouter("tickets", tags=["Tickets"])


@router.list("/v1/tickets/{ticket_id}/mails", ReceivedMail, summary="List a ticket's e-mails")
async def list_ticket_mails(call: SupportCall, ticket_id: TicketPath, page: PageDep) -> Response:
    """E-mails about the ticket, oldest first, each with what its message on the ticket leaves out."""

    async def find(session: AsyncSession) -> Sequence[ReceivedMailRow]:
        account_id = await account_of_ticket(session, call.principal, ticket_id)
        own = {"account_id": account_id, "ticket_id": ticket_id}
        return await in_order(session, ReceivedMailRow, page, by="received_at", **own)

    return await call.page(page, find, place=lambda row: (row.received_at, row.id), document=_shown)


def _shown(row: ReceivedMailRow) -> dict[str, object]:
    named = {name: getattr(row, name) for name in ReceivedMail.model_fields if name != "message_id"}
    return named | {"message_id": row.posted_id}
