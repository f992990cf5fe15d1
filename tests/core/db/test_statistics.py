"""A table's first statistics are made by the service: autovacuum comes a minute later."""

from collections.abc import AsyncIterator
from typing import TypeAlias

import asyncpg
import pytest

from app.core.db.engine import Sessions
from app.core.db.statistics import analyze_new_tables

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture
async def connection(database: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(database)
    await connection.execute("CREATE TABLE news (id int PRIMARY KEY) WITH (autovacuum_enabled = false)")
    yield connection
    await connection.execute("DROP TABLE news")
    await connection.close()


async def fill(connection: Connection, rows: int) -> None:
    await connection.execute("INSERT INTO news SELECT generate_series(1, $1::int)", rows)
    await connection.execute("SELECT pg_stat_force_next_flush()")


async def believed(connection: Connection) -> float:
    """How many rows the planner believes the table to have; -1 where it does not know."""
    rows: float = await connection.fetchval("SELECT reltuples FROM pg_class WHERE oid = 'news'::regclass")
    return rows


async def test_a_table_that_gets_rows_gets_statistics_once(connection: Connection, sessions: Sessions) -> None:
    await fill(connection, 600)
    assert await believed(connection) == -1
    assert "public.news" in await analyze_new_tables(sessions)
    assert await believed(connection) == 600
    assert "public.news" not in await analyze_new_tables(sessions)


async def test_a_table_with_few_rows_needs_none(connection: Connection, sessions: Sessions) -> None:
    await fill(connection, 400)
    assert "public.news" not in await analyze_new_tables(sessions)


async def test_a_table_that_another_replica_analyzes_is_left_to_it(connection: Connection, sessions: Sessions) -> None:
    await fill(connection, 600)
    async with connection.transaction():
        await connection.execute("LOCK TABLE news IN SHARE UPDATE EXCLUSIVE MODE")
        await analyze_new_tables(sessions)
    assert await believed(connection) == -1
