"""Files come, and are attached to tickets and messages.

The bytes come before the ticket or the message does: ``create``, ``take``. What brings its bytes along, as a mail does,
has them kept beside its other rows by ``keep``, and the store gets them later. Either way the ids are given to the new
ticket or message, which ``claim`` and ``bind`` make the files part of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Principal
from app.core.clock import database_now
from app.core.db.session import bounds_of_files, driver, ring_after_commit
from app.core.files import FileStore, StoredFile
from app.core.ids import unguessable_id
from app.core.limits.places import take_place
from app.core.pieces import Pieces
from app.core.problems import Conflict, Fault, Invalid, NotFound, QuotaExceeded
from app.core.settings import Settings
from app.core.text.messages import Message, _
from app.files import rules
from app.files.models import FileChunkRow, FileRow
from app.files.quotas import FILE_BYTES
from app.files.schemas import NewFile
from app.notices.outbox.mailings import mail_secret

_CLAIM: Final = """
SELECT id, name, type, size, state, reason, ticket_id FROM files
WHERE account_id = $1 AND id = ANY ($2::text[]) AND ($3::text IS NULL OR owner = $3) ORDER BY id FOR UPDATE
"""
_BIND: Final = """
UPDATE files SET ticket_id = $3, message_id = $4, visibility = $5 WHERE account_id = $1 AND id = ANY ($2::text[])
"""
# Two may complete a file at once, and the store has the bytes of the second: so these are looked at, whatever was found
# in the first ones.
_TAKEN: Final = """
UPDATE files SET state = $3::text, due_at = CASE $3::text WHEN 'scanning' THEN clock_timestamp() END
WHERE account_id = $1 AND id = $2 AND state IN ('waiting', 'scanning', 'ready')
"""
_ATTACHABLE: Final = ("held", "scanning", "ready", "left_out")


def no_store() -> Conflict:
    """The 409 of an installation that keeps no files."""
    return Conflict(_("This installation has no store for files"))


async def create(
    session: AsyncSession, settings: Settings, store: FileStore, principal: Principal, account_id: str, command: NewFile
) -> dict[str, Any]:
    """A file whose bytes are to come. 422 for one that is not taken, 409 where the account has no room for it."""
    kind = rules.media_type(command.type)
    if faults := _faults(settings, kind, command.size):
        raise Invalid(errors=faults)
    await take_place(session, FILE_BYTES, settings, account_id, more=command.size)
    row = _row(principal.namespace, account_id, command.name, kind, now=await database_now(session))
    row.size, row.state = command.size, "waiting"
    session.add(row)
    await session.flush()
    return document(row, store, row.created_at, await mail_secret(session))


def _faults(settings: Settings, kind: str, size: int) -> list[Fault]:
    found = []
    if size > settings.file_bytes:
        found.append(Fault(pointer="/size", detail=_("A file has at most {most} bytes", most=settings.file_bytes)))
    if not rules.is_taken(kind, settings.file_types):
        found.append(Fault(pointer="/type", detail=_("Files of the type {type} are not accepted", type=kind)))
    return found


def _row(owner: str, account_id: str, name: str, kind: str, *, now: datetime) -> FileRow:
    return FileRow(
        account_id=account_id,
        id=unguessable_id("fil"),
        owner=owner,
        name=rules.clean_name(name),
        type=kind,
        created_at=now,
    )


async def own(session: AsyncSession, principal: Principal, file_id: str) -> FileRow:
    """A file that the caller has made, and may attach. 404 for any other."""
    row = await _by_id(session, file_id)
    if row is None or principal.attaches not in (None, row.owner) or not principal.sees(row.account_id):
        raise NotFound
    return row


async def _by_id(session: AsyncSession, file_id: str) -> FileRow | None:
    values = await (await driver(session)).fetchrow("SELECT * FROM files WHERE id = $1", file_id)
    return FileRow(**dict(values)) if values else None


async def sent(session: AsyncSession, file_id: str) -> FileRow | None:
    """A file by what was signed for it; None where there is none any more."""
    return await _by_id(session, file_id)


async def taken(session: AsyncSession, row: FileRow, *, scans: bool) -> FileRow:
    """Note that the store has all of the file; ``scans``: somebody looks at it first."""
    row.state = "scanning" if scans else "ready"
    await (await driver(session)).execute(_TAKEN, row.account_id, row.id, row.state)
    ring_after_commit(session, "files")
    return row


def not_sent(row: FileRow) -> Conflict:
    """The 409 where the bytes are not there."""
    return Conflict(_("The store does not have the {size} bytes of this file", size=row.size))


def document(row: FileRow, store: FileStore | None, now: datetime, secret: str, *, got: bool = False) -> dict[str, Any]:
    """A file as the API shows it; ``got``: with where its bytes are."""
    file = stored(row, secret)
    upload = store.upload(file, now) if store and row.state == "waiting" else None
    link = store.link(file, now) if store and got and row.state == "ready" else None
    return {
        "id": row.id,
        "account_id": row.account_id,
        "name": row.name,
        "type": row.type,
        "size": row.size,
        "state": "stored" if row.state == "held" else row.state,
        "ticket_id": row.ticket_id,
        "message_id": row.message_id,
        "upload": upload
        and {
            "method": "PUT",
            "url": upload.url,
            "headers": dict(upload.headers),
            "part_size": upload.part_size,
            "expires_at": upload.expires_at,
        },
        "download": link and {"url": link.url, "expires_at": link.expires_at},
    }


def stored(row: FileRow, secret: str = "") -> StoredFile:
    """The file as its store knows it."""
    return StoredFile(row.account_id, row.id, row.name, row.type, row.size, secret)


class Kept(NamedTuple):
    """What became of a file: its id, and why it was left out, if it was."""

    id: str
    reason: rules.Reason | None


async def keep(
    session: AsyncSession, owner: str, account_id: str, name: str, content_type: str, content: Pieces
) -> Kept:
    """Keep a file that is there already, beside whatever else this transaction writes.

    ``owner`` is the ``namespace`` of the caller in whose ticket or message the id is named next. What is not taken is
    left out, and the attachment says why: nothing is refused.
    """
    settings, kind = bounds_of_files(session), rules.media_type(content_type)
    row = _row(owner, account_id, name, kind, now=await database_now(session))
    row.size = len(content)
    row.reason = reason = await _unfit(session, settings, account_id, kind, row.size)
    row.state = "left_out" if row.reason else "held"
    row.due_at = None if row.reason else row.created_at
    session.add(row)
    await session.flush()
    if not row.reason:
        for number, part in enumerate(content):  # each by itself: others are served in between
            session.add(FileChunkRow(account_id=account_id, file_id=row.id, number=number, bytes=part))
            await session.flush()
        ring_after_commit(session, "files")
    return Kept(row.id, reason)


async def room_for(session: AsyncSession, settings: Settings, account_id: str) -> int:
    """Bytes of further files that the account has room for, as ``keep`` finds it unless others are quicker."""
    used: int = await (await driver(session)).fetchval(f"SELECT {FILE_BYTES.owned}", account_id)
    return FILE_BYTES.value(settings) - used


async def _unfit(
    session: AsyncSession, settings: Settings | None, account_id: str, kind: str, size: int
) -> rules.Reason | None:
    reason = rules.refusal(settings, kind, size)
    if reason or settings is None:
        return reason
    try:
        await take_place(session, FILE_BYTES, settings, account_id, more=size)
    except QuotaExceeded:
        return "quota"
    return None


async def claim(
    session: AsyncSession, owner: str | None, account_id: str, ids: Sequence[str]
) -> list[Mapping[str, Any]]:
    """Hold these files of the caller's for a ticket or a message that is about to be written.

    ``owner``: as ``Principal.attaches`` says it.
    422 for one that there is not, that is attached already, or whose bytes are not there.
    """
    if not ids:
        return []
    found = {row["id"]: row for row in await (await driver(session)).fetch(_CLAIM, account_id, list(ids), owner)}
    said = [(place, _unattachable(found.get(each))) for place, each in enumerate(ids)]
    said += [(place, _TWICE) for place, each in enumerate(ids) if each in ids[:place]]
    if faults := [Fault(pointer=f"/attachments/{place}", detail=detail) for place, detail in said if detail]:
        raise Invalid(errors=faults)
    return [found[each] for each in ids]


_TWICE: Final = _("The file is named twice")


def _unattachable(row: Any) -> Message | None:
    if row is None:
        return _("You have no such file")
    if row["ticket_id"]:
        return _("The file is already attached")
    if row["state"] == "quarantined":
        return _("The scanner has found something in {name}: remove this file", name=row["name"])
    return None if row["state"] in _ATTACHABLE else _("The bytes of this file have not been sent")


@dataclass(frozen=True, slots=True)
class Place:
    """What files are part of: a ticket, or a message of it, and who may read that."""

    account_id: str
    ticket_id: str
    message_id: str | None = None
    visibility: str = "public"


async def bind(session: AsyncSession, files: Sequence[Mapping[str, Any]], place: Place) -> None:
    """Make files that were claimed part of what is written by now."""
    if files:
        ids = [each["id"] for each in files]
        values = (place.ticket_id, place.message_id, place.visibility)
        await (await driver(session)).execute(_BIND, place.account_id, ids, *values)


async def of_ticket(session: AsyncSession, principal: Principal, ticket_id: str, file_id: str) -> FileRow:
    """A file of this ticket, for whoever sees the ticket and the file's message. 404 for any other."""
    row = await _by_id(session, file_id)
    if row is None or row.ticket_id != ticket_id or not principal.sees(row.account_id):
        raise NotFound
    if row.visibility not in principal.audiences:
        raise NotFound
    return row
