"""What customers have read, noted behind the answer: a read of an article waits for no write."""

from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.articles.usecases.editing import voter_of
from app.core.auth import Principal
from app.core.clock import monotonic
from app.core.db.engine import Sessions
from app.core.db.errors import DATABASE_ERRORS
from app.core.db.session import driver, memory_of, transaction

_AGAIN: Final = 3600.0
"""Seconds within which reads of an article by the same reader are one."""
_log = structlog.get_logger(__name__)
_NOTE: Final = """
INSERT INTO article_reads AS r (account_id, reader, article_id, times, first_read_at, last_read_at)
VALUES ($1, $2, $3, 1, now(), now())
ON CONFLICT (account_id, reader, article_id) DO UPDATE SET times = r.times + 1, last_read_at = EXCLUDED.last_read_at
WHERE r.last_read_at <= EXCLUDED.last_read_at - make_interval(secs => $4)
"""


@dataclass(frozen=True, slots=True)
class Read:
    """That a customer has read an article; ``reader``: a person's id, else that of their key."""

    account_id: str
    reader: str
    article_id: str


@dataclass(frozen=True, slots=True)
class _Noted:
    """When a read was noted, in seconds of the monotonic clock."""

    at: float


def read_by(session: AsyncSession, principal: Principal, article_id: str) -> Read | None:
    """The read that is to be noted, if any: that of a customer who is known, unless one of the last hour has been."""
    if principal.account_id is None or principal.is_support or principal.is_unknown:
        return None
    read = Read(principal.account_id, voter_of(principal), article_id)
    memory, now = memory_of(session), monotonic()
    noted = memory.recall(_Noted, read)
    if noted and now - noted.at < _AGAIN:
        return None
    memory.keep(read, _Noted(now))
    return read


async def note_read(sessions: Sessions, read: Read) -> None:
    """Note it. A read that cannot be noted is left at that: it has been answered."""
    try:
        async with transaction(sessions) as session:
            await (await driver(session)).execute(_NOTE, read.account_id, read.reader, read.article_id, _AGAIN)
    except DATABASE_ERRORS as error:
        _log.warning("the read of an article was not noted", article_id=read.article_id, error=repr(error))
