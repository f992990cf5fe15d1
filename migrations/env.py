"""Runs migrations: on the URL handed over by the caller, else ``-x url=...``, else ``DATABASE_URL``."""

import asyncio
from typing import Final

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection, text

from app.core.db import make_engine
from app.core.settings import Settings
from app.models import metadata

NO_LONG_WAIT: Final = text("SET LOCAL lock_timeout = '10s'")
"""While a change of a table waits for those who use it, all who come after it wait too."""
ONE_AT_A_TIME: Final = text("SELECT pg_advisory_xact_lock(hashtext('heliodesk migrations'))")


def _url() -> str:
    handed_over = context.config.attributes.get("url") or context.get_x_argument(as_dictionary=True).get("url")
    url: str = handed_over or Settings().database_url
    if not url:
        raise CommandError("Which database? Set DATABASE_URL, or pass -x url=postgresql://...")
    return url


def _migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, compare_server_default=True)
    with context.begin_transaction():
        connection.execute(ONE_AT_A_TIME)
        connection.execute(NO_LONG_WAIT)
        context.run_migrations()


async def _online() -> None:
    engine = make_engine(_url(), pool_size=1)
    async with engine.connect() as connection:
        await connection.run_sync(_migrate)
    await engine.dispose()


def _offline() -> None:
    context.configure(dialect_name="postgresql", target_metadata=metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    _offline()
else:
    asyncio.run(_online())
