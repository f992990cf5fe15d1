"""Dropping rows that nobody needs any more, however many there are."""

from math import inf
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import monotonic
from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.db.tables import Base

BATCH: Final = 10_000
"""Rows of one transaction: a fraction of a second."""


async def forget(sessions: Sessions, table: type[Base], old: str, *arguments: Any, until: float = inf) -> int:
    """Delete the rows ``t`` of which the condition ``old`` is true, some in each transaction; their number.

    No statement takes long, and a pass that is cut off has done a part of it. Rows that others hold come next time, and
    so does what is left at ``until``, by ``monotonic()``.
    """
    rows = f"SELECT t.ctid FROM {table.__tablename__} AS t WHERE {old} LIMIT {BATCH} FOR UPDATE SKIP LOCKED"  # noqa: S608
    statement = f"DELETE FROM {table.__tablename__} WHERE ctid = ANY (ARRAY({rows}))"  # noqa: S608  our own words
    done = 0
    while True:
        async with transaction(sessions) as session:
            status = await (await driver(session)).execute(statement, *arguments)
        number = int(status.rpartition(" ")[2])
        done += number
        if number < BATCH or monotonic() >= until:
            return done


async def keep_newest(session: AsyncSession, table: type[Base], over: str, end: str, most: int, **owner: str) -> None:
    """Of an owner's rows of which the condition ``over`` is true, delete all but the ``most`` that ended last.

    ``end`` is the instant at which a row ended, ``owner`` one column and whose rows it says they are. Rows that others
    hold stay until the next time.
    """
    [(column, owner_id)] = owner.items()
    name, key = table.__tablename__, f"{column} = $1 AND {over}"
    rows = f"SELECT id FROM {name} WHERE {key} ORDER BY {end} DESC, id DESC OFFSET {most} FOR UPDATE SKIP LOCKED"  # noqa: S608
    statement = f"DELETE FROM {name} WHERE {column} = $1 AND id = ANY (ARRAY({rows}))"  # noqa: S608  our own words
    await (await driver(session)).execute(statement, owner_id)
