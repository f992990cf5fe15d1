"""The notices about a ticket, for support: who was told of what, and what came of it."""

from collections.abc import Sequence

from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.tables import Row
from app.core.web.kit.operations import ResourceRouter, SupportCall
from app.core.web.kit.paging import PageDep
from app.notices.read.queries import notice_place, notice_view, notices_of
from app.notices.schemas import Notice
from app.tickets.api.kit import TicketPath
from app.tickets.read.queries import account_of_ticket

router = ResourceRouter("tickets", tags=["Tickets"])


@router.list("/v1/tickets/{ticket_id}/notices", Notice, summary="List a ticket's notices")
async def list_ticket_notices(call: SupportCall, ticket_id: TicketPath, page: PageDep) -> Response:
    """Messages to people about the ticket, oldest first: those to come, and those of the last 30 days."""

    async def find(session: AsyncSession) -> Sequence[Row]:
        account_id = await account_of_ticket(session, call.principal, ticket_id)
        return await notices_of(session, account_id, ticket_id, page)

    return await call.page(page, find, place=notice_place, document=notice_view)
