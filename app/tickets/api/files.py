"""Files of tickets, over HTTP."""

from typing import Annotated

from fastapi import Path, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import database_now
from app.core.web.kit.operations import CallDep, Document, ResourceRouter
from app.core.web.kit.visits import FOLLOWERS
from app.files.schemas import STORED_EXAMPLE, File, FileId
from app.files.usecases import document, of_ticket
from app.notices.outbox.mailings import mail_secret
from app.tickets.api.kit import TicketPath

router = ResourceRouter("tickets", prefix="/v1/tickets/{ticket_id}/files", tags=["Tickets"])
FilePath = Annotated[FileId, Path(description="The file's id")]


@router.show("/{file_id}", File, summary="Get a ticket's file", example=STORED_EXAMPLE, visitors=FOLLOWERS)
async def get_ticket_file(call: CallDep, ticket_id: TicketPath, file_id: FilePath) -> Response:
    """Learn where whoever has the link fetches its bytes, for five minutes: browsers save them, and show nothing.

    Whoever may read the message that it came with may have it. There is no `download` while the file is scanned, and
    none after the scanner has found something.
    """

    async def get(session: AsyncSession) -> Document:
        row = await of_ticket(session, call.principal, ticket_id, file_id)
        now, secret = await database_now(session), await mail_secret(session)
        return document(row, call.state.files, now, secret, got=True)

    return await call.read(get)
