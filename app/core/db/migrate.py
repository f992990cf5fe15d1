"""The schema's migrations, as ``alembic`` runs them."""

from functools import lru_cache
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from app.core.db.engine import make_engine
from app.core.db.errors import is_held

_INI: Final = Path(__file__).resolve().parents[3] / "alembic.ini"
_OLDEST: Final = 15
_MAY_PUT_ASIDE: Final = "SELECT has_database_privilege(current_database(), 'TEMP')"


class DatabaseUnfit(RuntimeError):
    """The database cannot be reached, is too old, or lacks a right that the service needs."""


def configuration(url: str) -> Config:
    """Alembic's configuration for the database at ``url``."""
    return Config(_INI, attributes={"url": url})


def upgrade(url: str) -> None:
    """Bring the database to the newest schema. Safe to call from several processes at once: one waits for the other.

    Runs its own event loop, so call it where none runs. Raises `DatabaseUnfit` when others use a table for so long that
    it cannot be changed: waiting longer would keep everybody from it.
    """
    try:
        command.upgrade(configuration(url), "head")
    except DBAPIError as error:
        if not is_held(error):
            raise
        raise DatabaseUnfit("A transaction holds what a migration changes: end that one, and try again") from error


@lru_cache(maxsize=1)
def heads() -> frozenset[str]:
    """The revisions that a database with the newest schema is at."""
    return frozenset(ScriptDirectory.from_config(configuration("")).get_heads())


async def require_fit(url: str) -> None:
    """Raise `DatabaseUnfit` unless there is a PostgreSQL at ``url`` that we can work with."""
    if not url.startswith(("postgresql://", "postgresql+asyncpg://", "postgres://")):
        raise DatabaseUnfit("The database's address does not begin with postgresql://")
    try:
        engine = make_engine(url, pool_size=1)
        async with engine.connect() as connection:
            version = int((await connection.execute(text("SHOW server_version_num"))).scalar_one()) // 10_000
            may_put_aside = (await connection.execute(text(_MAY_PUT_ASIDE))).scalar_one()
        await engine.dispose()
    except (OSError, SQLAlchemyError) as error:
        raise DatabaseUnfit(f"The database cannot be used: {getattr(error, 'orig', None) or error}") from error
    if version < _OLDEST:
        raise DatabaseUnfit(f"The database is PostgreSQL {version}: {_OLDEST} is the oldest that will do")
    if not may_put_aside:
        raise DatabaseUnfit("The database's role may not make temporary tables: GRANT TEMPORARY ON DATABASE to it")
