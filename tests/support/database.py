"""Databases for tests: made in 20 ms each from a template that the real migrations have built once."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
from sqlalchemy import make_url

from app.cli.postgres.embedded import EmbeddedServer
from app.core.db.engine import Sessions
from app.core.db.session import driver
from app.models import metadata

_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
_ROOM = 2**30
_numbers = count(1)
_TABLES = [table.name for table in metadata.sorted_tables if table.name != "installations"]
_DELETE = "; ".join(f"DELETE FROM {name}" for name in reversed(_TABLES))  # noqa: S608 - our own names
_COPY = "; ".join(f"CREATE TABLE kept.{name} AS TABLE {name}" for name in _TABLES)
_INSERT = "; ".join(f"INSERT INTO {name} OVERRIDING SYSTEM VALUE TABLE kept.{name}" for name in _TABLES)
_KEEPING = f"""
DROP SCHEMA IF EXISTS kept CASCADE; CREATE SCHEMA kept; {_COPY};
CREATE OR REPLACE FUNCTION put_back_all_rows() RETURNS void LANGUAGE plpgsql AS $$ BEGIN {_DELETE}; {_INSERT}; END $$
"""
# A function's statements are planned once for each connection, which is a fifth of the work.
_EMPTYING = f"CREATE FUNCTION empty_all_tables() RETURNS void LANGUAGE plpgsql AS $$ BEGIN {_DELETE}; END $$"


@contextmanager
def server() -> Iterator[str]:
    """The URL of a PostgreSQL server for this process: the one that the environment names, else one in memory."""
    named = os.environ.get("HELIODESK_TEST_DATABASE_URL")
    if named:
        yield named
        return
    in_memory = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM
    with TemporaryDirectory(prefix="heliodesk-test-", dir=_MEMORY if in_memory else None) as folder:
        Path(folder).chmod(0o755)  # the server's own user must pass through
        with EmbeddedServer(Path(folder) / "home", durable=False) as embedded:
            yield embedded.url()


@asynccontextmanager
async def new_database(server_url: str, template: str | None = None) -> AsyncIterator[str]:
    """The URL of a new database, a copy of the database at the URL ``template`` if there is one; dropped at the end."""
    name = f"heliodesk_test_{os.getpid()}_{next(_numbers)}"
    source = make_url(template).database if template else "template0"
    await _run(server_url, f'CREATE DATABASE {name} TEMPLATE "{source}"')
    try:
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        await _run(server_url, f"DROP DATABASE {name} WITH (FORCE)")


async def _run(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@asynccontextmanager
async def shared_database(server_url: str, template: str) -> AsyncIterator[str]:
    """The URL of a copy of the template that can be emptied between two tests."""
    async with new_database(server_url, template) as url:
        await _run(url, _EMPTYING)
        yield url


async def empty(sessions: Sessions) -> None:
    """Delete all rows of all tables of a shared database, in one round trip."""
    async with sessions.begin() as session:
        await (await driver(session)).execute("SELECT empty_all_tables()")


async def keep(sessions: Sessions) -> None:
    """Copy all rows of a database into its schema ``kept``: what ``put_back`` brings back."""
    async with sessions.begin() as session:
        await (await driver(session)).execute(_KEEPING)


async def put_back(sessions: Sessions) -> None:
    """Have all tables as they were when they were kept, in one round trip."""
    async with sessions.begin() as session:
        await (await driver(session)).execute("SELECT put_back_all_rows()")
