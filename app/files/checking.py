"""Whether the store has what the database says of files: after a restore, the two may not fit."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from app.core.db.engine import Sessions
from app.core.db.session import driver
from app.core.files import FileStore, StoreFailed
from app.core.text.amounts import amount
from app.files.models import FileRow
from app.files.usecases import stored

_BATCH: Final = 500
_READ: Final = """
SELECT * FROM files
WHERE (account_id, id) > ($1, $2) AND ticket_id IS NOT NULL AND state IN ('scanning', 'ready', 'quarantined')
    AND ($3::text IS NULL OR account_id = $3) AND ($4::text IS NULL OR ticket_id = $4)
ORDER BY account_id, id LIMIT $5
"""


@dataclass(frozen=True, slots=True)
class Missing:
    """A file of a ticket that the store does not have as it should."""

    file: FileRow
    what: str

    def __str__(self) -> str:
        return f"{self.file.ticket_id}: file {self.file.id} ({amount(self.file.size, 'byte')}): {self.what}"


async def missing_files(
    sessions: Sessions, store: FileStore | None, account_id: str | None, ticket_id: str | None
) -> AsyncIterator[Missing]:
    """The files of all tickets, or of those of an account, that are not there."""
    place = ("", "")
    while True:
        async with sessions() as session:
            rows = await (await driver(session)).fetch(_READ, *place, account_id, ticket_id, _BATCH)
        for row in rows:
            file = FileRow(**dict(row))
            if what := await _wrong(store, file):
                yield Missing(file, what)
            place = (file.account_id, file.id)
        if len(rows) < _BATCH:
            return


async def _wrong(store: FileStore | None, file: FileRow) -> str | None:
    if store is None:
        return "no store for files is configured"
    try:
        size = await store.size(stored(file))
    except StoreFailed as error:
        return f"the store failed: {error}"
    if size is None:
        return "the store does not have it"
    return None if size == file.size else f"the store has {amount(size, 'byte')}"
