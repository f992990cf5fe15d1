"""Runs migrations: on the URL handed over by the caller, else ``-x url=...``, else ``DATABASE_URL``."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db.engine import make_engine
from app.core.db.pool import Limits
from app.core.settings import Settings
from app.models import metadata

NO_LONG_WAIT: Final = Limits(lock=10)
"""While a change of a table waits for those who use it, all who come after it wait too."""
ONE_AT_A_TIME: Final = text("SELECT pg_try_advisory_xact_lock(hashtext('heliodesk migrations'))")
NO_TIMEOUT: Final = text("SET LOCAL idle_in_transaction_session_timeout = 0")
ASK_AGAIN: Final = 0.1  # seconds


def _url() -> str:
    handed_over = context.config.attributes.get("url") or context.get_x_argument(as_dictionary=True).get("url")
    url: str = handed_over or Settings().database_url
    if not url:
        raise CommandError("Which database? Set DATABASE_URL, or pass -x url=postgresql://...")
    return url


@asynccontextmanager
async def _alone(engine: AsyncEngine) -> AsyncIterator[None]:
    """Wait until nobody else migrates this database, and keep others waiting.

    By a transaction apart, because migrations commit in between; and by asking again and again: CREATE INDEX
    CONCURRENTLY waits for every statement that has begun before, so also for one that waits for a lock.
    """
    async with engine.connect() as guard:
        while not (await guard.execute(ONE_AT_A_TIME)).scalar_one():
            await guard.rollback()
            await asyncio.sleep(ASK_AGAIN)
        await guard.execute(NO_TIMEOUT)
        yield


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def _online() -> None:
    url = _url()
    waiting, migrating = make_engine(url, pool_size=1), make_engine(url, pool_size=1, limits=NO_LONG_WAIT)
    try:
        async with _alone(waiting), migrating.connect() as connection:
            await connection.run_sync(_migrate)
    finally:
        for engine in (waiting, migrating):
            await engine.dispose()


def _offline() -> None:
    context.configure(dialect_name="postgresql", target_metadata=metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    _offline()
else:
    asyncio.run(_online())
