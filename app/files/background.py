"""What becomes of files by itself: bytes go to the store, a scanner looks at them, and what is nobody's is dropped."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.engine import Sessions
from app.core.db.session import driver, glance, transaction
from app.core.files import FileStore, StoredFile, StoreFailed
from app.core.jobs.apart import apart
from app.core.metrics import Metrics
from app.core.text.amounts import amount
from app.files.models import FileRow
from app.files.scanner import Scanner
from app.files.usecases import stored

UNATTACHED: Final = timedelta(hours=24)
"""How long a file may wait to be attached."""
_LEASE: Final = timedelta(minutes=10)
_BATCH: Final = 5
_DROPPED: Final = 100
_LONGEST: Final = timedelta(minutes=15)
_LATE: Final = timedelta(minutes=10)
_CLAIM: Final = """
UPDATE files SET due_at = clock_timestamp() + $1::interval WHERE (account_id, id) IN (
    SELECT account_id, id FROM files WHERE due_at <= clock_timestamp() ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
) RETURNING *
"""
_CHUNKS: Final = "SELECT bytes FROM file_chunks WHERE account_id = $1 AND file_id = $2 AND number = $3"
_EMPTY: Final = "DELETE FROM file_chunks WHERE account_id = $1 AND file_id = $2"
# Only who has claimed it last: what was sent anew meanwhile, or claimed by another replica, is not done with.
_MOVED: Final = """
UPDATE files SET state = $3, failures = 0, due_at = $4
WHERE account_id = $1 AND id = $2 AND state = $5 AND due_at = $6 RETURNING true
"""
_FAILED: Final = """
UPDATE files SET failures = failures + 1,
    due_at = clock_timestamp() + least($3::interval, interval '1 second' * 2 ^ least(failures, 12))
WHERE account_id = $1 AND id = $2
"""
_NOBODYS: Final = """
UPDATE files SET state = 'dropped', due_at = NULL WHERE (account_id, id) IN (
    SELECT account_id, id FROM files WHERE ticket_id IS NULL AND created_at < clock_timestamp() - $1::interval
    ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED
) RETURNING *
"""
_DROP: Final = "DELETE FROM files WHERE account_id = $1 AND id = $2"
_WAITING: Final = (
    "SELECT count(*) FROM files WHERE due_at IS NOT NULL AND failures > 0 AND created_at < now() - $1::interval"
)
_log = structlog.get_logger(__name__)

Quarantine = Callable[[AsyncSession, FileRow, str], Awaitable[bool]]
"""Records what was found in a file; False where it was attached meanwhile, and it is to be tried again."""


@dataclass(slots=True)
class Keeper:
    """Brings files where they are to be; ``quarantine`` records what the scanner finds."""

    sessions: Sessions
    store: FileStore
    scanner: Scanner | None
    quarantine: Quarantine
    metrics: Metrics | None = None

    async def run_pass(self) -> int:
        """Store or scan some files that are due; how many."""
        async with transaction(self.sessions) as session:
            rows = await (await driver(session)).fetch(_CLAIM, _LEASE, _BATCH)
        for row in rows:
            with apart("files", self.metrics, file_id=row["id"]):  # it comes again when its lease is over
                await self._go_on(FileRow(**dict(row)))
        return len(rows)

    async def next_instant(self) -> datetime | None:
        """When the next file is due."""
        async with glance(self.sessions) as session:
            due: datetime | None = await (await driver(session)).fetchval(
                "SELECT due_at FROM files WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1"
            )
        return due

    async def _go_on(self, row: FileRow) -> None:
        try:
            if row.state == "held":
                await self.store.write(stored(row), self._chunks(row))
                await self._moved(row, "scanning" if self.scanner else "ready")
            elif row.state == "scanning":
                await self._scan(row)
        except StoreFailed as error:
            _log.warning("a file has to wait", file_id=row.id, error=str(error))
            async with transaction(self.sessions) as session:
                await (await driver(session)).execute(_FAILED, row.account_id, row.id, _LONGEST)

    async def _chunks(self, row: FileRow) -> AsyncIterator[bytes]:
        number = 0
        while True:
            async with self.sessions() as session:
                chunk = await (await driver(session)).fetchval(_CHUNKS, row.account_id, row.id, number)
            if chunk is None:
                return
            yield chunk
            number += 1

    async def _moved(self, row: FileRow, state: str) -> None:
        async with transaction(self.sessions) as session:
            connection = await driver(session)
            due = await connection.fetchval("SELECT clock_timestamp()") if state == "scanning" else None
            place = (row.account_id, row.id)
            if await connection.fetchval(_MOVED, *place, state, due, row.state, row.due_at):
                await connection.execute(_EMPTY, *place)

    async def _scan(self, row: FileRow) -> None:
        finding = await self.scanner.finding(self.store.read(stored(row))) if self.scanner else None
        if finding is None:
            await self._moved(row, "ready")
            return
        async with transaction(self.sessions) as session:
            done = await self.quarantine(session, row, finding)
        if not done:
            raise StoreFailed("it was attached meanwhile")


async def drop_nobodys(sessions: Sessions, store: FileStore) -> int:
    """Drop files that were never attached, and those whose tickets are gone; how many."""
    async with transaction(sessions) as session:
        rows = await (await driver(session)).fetch(_NOBODYS, UNATTACHED, _DROPPED)
    for row in rows:
        await _drop(sessions, store, stored(FileRow(**dict(row))))
    return len(rows)


async def _drop(sessions: Sessions, store: FileStore, file: StoredFile) -> None:
    try:
        await store.delete(file)
    except StoreFailed as error:
        _log.warning("a file could not be dropped", file_id=file.id, error=str(error))
        return
    async with transaction(sessions) as session:
        await (await driver(session)).execute(_DROP, file.account_id, file.id)


async def trouble(session: AsyncSession) -> str | None:
    """How many files wait because the store or the scanner fails, in words; None: none."""
    waiting = await (await driver(session)).fetchval(_WAITING, _LATE)
    if not waiting:
        return None
    return f"{amount(waiting, 'file waits for its', 'files wait for their')} store or scanner, which fails"
