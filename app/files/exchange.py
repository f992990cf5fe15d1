"""``/f/{token}``: the bytes of files that are in a folder of ours come and go here, by signed links that expire.

No key is shown, so a page of any origin may send and get them: what allows it is the link. Nothing here is ever shown
as a page: browsers save it.
"""

import re
from typing import Annotated, BinaryIO, Final

from fastapi import Path, Request, Response
from fastapi.responses import FileResponse
from starlette.types import Receive, Scope, Send

from app.core.clock import database_now
from app.core.files import StoreFailed
from app.core.problems import BadRequest, Conflict, NotFound, Unavailable, UnsupportedMediaType
from app.core.state import State, StateDep
from app.core.text.messages import _
from app.core.web.http import Router
from app.files import rules
from app.files.models import FileRow
from app.files.rules import Purpose
from app.files.stores.folder import PATH, Folder, OutOfPlace
from app.files.usecases import sent, stored
from app.notices.outbox.mailings import mail_secret

router = Router(tags=["Tickets"], include_in_schema=False)
_TokenPath = Annotated[str, Path(max_length=100)]
_RANGE: Final = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})")
_ANY_PAGE: Final = {"Access-Control-Allow-Origin": "*"}
_PREFLIGHT: Final = _ANY_PAGE | {
    "Access-Control-Allow-Methods": "PUT, GET",
    "Access-Control-Allow-Headers": "Content-Type, Content-Range, Range",
    "Access-Control-Max-Age": "7200",
}
_SAVED: Final = _ANY_PAGE | {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
}


@router.options(f"{PATH}{{token}}", scope=None)
async def allow_pages(token: _TokenPath) -> Response:
    """Let pages of any origin send and get a file by its link."""
    del token
    return Response(status_code=204, headers=_PREFLIGHT)


@router.declare("PUT", f"{PATH}{{token}}", scope=None)
async def put_bytes(request: Request, state: StateDep, token: _TokenPath) -> Response:
    """Take a part of a file, or all of it."""
    row, folder = await _found(state, "upload", token)
    if row.state != "waiting":
        raise Conflict(_("The whole file has already been received"))
    _require_type(request.headers.get("content-type", ""), row.type)
    body = await request.body()
    start = _start(request.headers.get("content-range"), len(body), row.size)
    try:
        held = await folder.put(stored(row), start, body)
    except OutOfPlace as error:
        raise Conflict(_("The next part begins at byte {held}", held=error.held), held=error.held) from error
    except StoreFailed as error:
        raise _fails() from error
    return Response(status_code=204, headers=_ANY_PAGE | {"Upload-Offset": str(held)})


def _require_type(stated: str, declared: str) -> None:
    """415 for bytes that are sent as something else than was declared, as an S3-compatible store refuses them too."""
    if stated.partition(";")[0].strip().lower() != declared:
        raise UnsupportedMediaType(
            _("Send this file with the Content-Type that was declared: {declared}", declared=declared)
        )


def _start(stated: str | None, length: int, size: int) -> int:
    """Where a part begins. 400 for one that is not what it says, or does not fit into the file."""
    if stated is None:
        if length != size:
            raise BadRequest(_("The file has {size} bytes, and these are {length}", size=size, length=length))
        return 0
    found = _RANGE.fullmatch(stated)
    if found is None:
        raise BadRequest(_("A Content-Range is written like bytes 0-1023/18204"))
    first, last, whole = map(int, found.groups())
    if whole != size or last - first + 1 != length or last >= size:
        raise BadRequest(_("The Content-Range does not match the file of {size} bytes", size=size))
    return first


@router.get(f"{PATH}{{token}}", scope=None)
async def get_bytes(state: StateDep, token: _TokenPath) -> Response:
    """Give out a file, or the ranges of it that are asked for, to be saved."""
    row, folder = await _found(state, "download", token)
    if row.state != "ready":
        raise NotFound
    headers = _SAVED | {"Content-Disposition": rules.disposition(row.name)}
    try:
        stream = await folder.opened(stored(row))
    except StoreFailed as error:
        raise _fails() from error
    return _Opened(stream, headers, row.type)


class _Opened(FileResponse):
    """A file that is open: by its name something else could be found by now."""

    def __init__(self, stream: BinaryIO, headers: dict[str, str], kind: str) -> None:
        super().__init__(f"/dev/fd/{stream.fileno()}", headers=headers, media_type=kind)
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, and close it."""
        with self._stream:
            await super().__call__(scope, receive, send)


async def _found(state: State, purpose: Purpose, token: str) -> tuple[FileRow, Folder]:
    """The file of a link. 404 for a link that is not valid, or is over."""
    if not isinstance(state.files, Folder):
        raise NotFound
    async with state.sessions() as session:
        file_id = rules.file_of(await mail_secret(session), purpose, token, await database_now(session))
        row = await sent(session, file_id) if file_id else None
    if row is None:
        raise NotFound(_("This link is not valid, or has expired"))
    state.limits.count_link(row.account_id)
    return row, state.files


def _fails() -> Unavailable:
    return Unavailable(_("The store for files does not answer"), headers={"Retry-After": "5"})
