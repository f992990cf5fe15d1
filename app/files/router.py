"""Files over HTTP: what they are is said first, then their bytes are sent, then they can be attached."""

from functools import partial
from typing import Annotated, Final

from fastapi import Body, Path, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import Acting, as_editor
from app.core.clock import database_now
from app.core.db.session import run
from app.core.files import StoreFailed
from app.core.problems import Conflict, QuotaExceeded, Unavailable
from app.core.text.messages import _
from app.core.web.kit.operations import CallDep, Document, OnceCall, ResourceRouter, account_of
from app.core.web.kit.visits import CUSTOMERS, EVERYBODY
from app.core.web.replies import reply
from app.files import usecases
from app.files.models import FileRow
from app.files.rules import MOST
from app.files.schemas import STORED_EXAMPLE, File, FileCompletion, FileId, FileLimits, NewFile
from app.notices.outbox.mailings import mail_secret

router = ResourceRouter("tickets", prefix="/v1/files", tags=["Tickets"])
FilePath = Annotated[FileId, Path(description="The file's id")]
_TAKEN: Final = STORED_EXAMPLE | {"ticket_id": None, "download": None}


@router.show("/limits", FileLimits, summary="Get the limits of files", visitors=EVERYBODY)
async def get_file_limits(call: CallDep) -> Response:
    """Whether there is a store for files, and which ones it takes."""
    settings = call.state.settings
    limits = {"max_size": settings.file_bytes, "max_files": MOST, "types": settings.file_types}
    return reply({"kept": call.state.files is not None} | limits)


@router.create("", File, summary="Create a file", problems=[Conflict, QuotaExceeded], visitors=CUSTOMERS)
async def create_file(call: OnceCall, command: NewFile) -> Response:
    """Say what a file is, and learn how its bytes are sent: directly to the store, if it is an S3-compatible one.

    Then `POST /v1/files/{file_id}/complete`, and name the file in `attachments` of a new ticket or message. What is not
    attached within 24 hours is dropped.
    """
    store = call.state.files
    if store is None:
        raise usecases.no_store()
    account_id = account_of(call.principal, command.account_id)

    async def work(session: AsyncSession, _: Acting) -> Document:
        return await usecases.create(session, call.state.settings, store, call.principal, account_id, command)

    return await call.once_as(as_editor(call.principal, command.actor), work)


@router.action("/{file_id}/complete", File, problems=[Conflict], example=_TAKEN, visitors=CUSTOMERS)
async def complete_file(
    call: CallDep, file_id: FilePath, command: Annotated[FileCompletion, Body(default_factory=FileCompletion)]
) -> Response:
    """Complete a file.

    Say that all of its bytes are sent, so that it can be attached. 409 where the store does not have all of them.
    """
    store, scans = call.state.files, bool(call.state.settings.scanner_url)

    async def find(session: AsyncSession) -> tuple[FileRow, str]:
        await as_editor(call.principal, command.actor)(session)
        return await usecases.own(session, call.principal, file_id), await mail_secret(session)

    row, secret = await call.ask(find)
    if row.state == "waiting":
        if store is None:
            raise usecases.no_store()
        try:
            if not await store.take(usecases.stored(row, secret)):
                raise usecases.not_sent(row)
        except StoreFailed as error:
            raise Unavailable(_("The store for files does not answer"), headers={"Retry-After": "5"}) from error
        row = await run(call.state.sessions, partial(usecases.taken, row=row, scans=scans))

    async def show(session: AsyncSession) -> Document:
        return usecases.document(row, store, await database_now(session), secret)

    return await call.read(show)
