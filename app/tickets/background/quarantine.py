"""A scanner has found something in a file: nobody gets it any more, and its ticket says so."""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import SERVICE
from app.core.db.session import driver
from app.events.types import FileQuarantined
from app.files.models import FileRow
from app.tickets.editing.load import lock
from app.tickets.save import staff_and_save

_WHERE: Final = "SELECT ticket_id FROM files WHERE account_id = $1 AND id = $2"
_NOTE: Final = """
UPDATE files SET state = 'quarantined', finding = $3, due_at = NULL
WHERE account_id = $1 AND id = $2 AND ticket_id IS NOT DISTINCT FROM $4 AND state = 'scanning'
RETURNING message_id, visibility
"""
_MARKED: Final = """(
    SELECT jsonb_agg(CASE WHEN a.value ->> 'id' = $3 THEN a.value || '{"state": "quarantined", "link": null}'
                     ELSE a.value END ORDER BY a.place)
    FROM jsonb_array_elements(attachments) WITH ORDINALITY AS a (value, place)
)"""
_MARK_MESSAGE: Final = f"UPDATE messages SET attachments = {_MARKED} WHERE account_id = $1 AND id = $2"  # noqa: S608
_GONE: Final = {"state": "quarantined", "link": None}


async def quarantine(session: AsyncSession, file: FileRow, finding: str) -> bool:
    """Note what was found, and tell it on the file's ticket; False where it was attached at this very instant."""
    connection = await driver(session)
    ticket_id = await connection.fetchval(_WHERE, file.account_id, file.id)
    edit = await lock(session, ticket_id, file.account_id) if ticket_id else None
    noted = await connection.fetchrow(_NOTE, file.account_id, file.id, finding, ticket_id)
    if noted is None or edit is None:
        return noted is not None
    if noted["message_id"]:
        await connection.execute(_MARK_MESSAGE, file.account_id, noted["message_id"], file.id)
    else:
        known = edit.ticket.attachments or []
        edit.ticket.attachments = [each | _GONE if each["id"] == file.id else each for each in known]
    told = FileQuarantined(
        file_id=file.id,
        name=file.name,
        message_id=noted["message_id"],
        visibility=noted["visibility"],
        finding=finding[:200],
    )
    edit.tell(told, SERVICE)
    await staff_and_save(session, [edit])
    return True
