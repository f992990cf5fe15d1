"""Requests against a database that closes connections, or is away."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.db.engine import Connections, Sessions, make_engine
from app.core.db.errors import DATABASE_ERRORS, is_outage, outage_of
from app.core.db.pool import Limits
from app.core.db.session import driver, make_sessions, transaction
from app.core.signals import WakeUps
from app.core.state import State

_TERMINATE = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


async def test_connections_that_the_server_closed_are_replaced(
    client: httpx.AsyncClient, admin: dict[str, str], database: str
) -> None:
    assert (await client.get("/v1/keys", headers=admin)).status_code == 200
    other = await asyncpg.connect(database)
    await other.execute(_TERMINATE)
    await other.close()
    for _ in range(3):
        assert (await client.get("/v1/keys", headers=admin)).status_code == 200


async def test_a_connection_that_is_lost_unnoticed_is_an_outage(database: str) -> None:
    """The loop stands still while the server closes the pool's only connection, so the pool cannot know."""
    engine = make_engine(database, pool_size=1)
    sessions = make_sessions(engine, WakeUps())
    async with sessions() as session:
        pid = (await driver(session)).get_server_pid()

    async def close() -> None:
        other = await asyncpg.connect(database)
        assert await other.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
        await other.close()

    with ThreadPoolExecutor() as pool:
        pool.submit(asyncio.run, close()).result()
    async with sessions() as session:
        with pytest.raises(DATABASE_ERRORS) as lost:
            await driver(session)
    assert is_outage(lost.value)
    await engine.dispose()


async def test_without_a_database_it_is_503(
    client: httpx.AsyncClient, app: FastAPI, admin: dict[str, str], state: State
) -> None:
    engine = make_engine("postgresql://nobody@127.0.0.1:1/none", pool_size=2)
    away = Connections(engine, make_sessions(engine, state.wake_ups))
    app.state.heliodesk = replace(state.on(away), clock=away)
    answer = await client.get("/v1/keys", headers=admin)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
    assert answer.headers["retry-after"] == "1"
    ready = await client.get("/readyz")
    assert (ready.status_code, list(ready.json()["checks"])) == (503, ["database"])
    assert (await client.get("/healthz")).status_code == 200


async def test_an_outage_is_told_from_a_fault_of_ours(sessions: Sessions) -> None:
    async with sessions() as session:
        with pytest.raises(DBAPIError) as ours:
            await session.execute(text("SELECT 1 / 0"))
        await session.rollback()
        with pytest.raises(DBAPIError) as theirs:
            await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert not is_outage(ours.value)
    assert is_outage(theirs.value)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("SELECT pg_sleep(60)", "The database took too long"),
        ("SELECT FROM api_keys FOR UPDATE", "Another request holds a lock that this one needs"),
    ],
)
async def test_what_takes_too_long_is_an_outage_with_its_reason(
    sessions: Sessions,
    admin: dict[str, str],
    database: str,
    statement: str,
    told: str,
) -> None:
    del admin  # there is a key to be held
    engine = make_engine(database, pool_size=1, limits=Limits(statement=0.3, lock=0.1))
    async with transaction(sessions) as other, transaction(make_sessions(engine, WakeUps())) as session:
        await other.execute(text("SELECT FROM api_keys FOR UPDATE"))
        with pytest.raises(DBAPIError) as through_sqlalchemy:
            await session.execute(text(statement))
        await session.rollback()
        with pytest.raises(asyncpg.PostgresError) as by_the_driver:
            await (await driver(session)).execute(statement)
        await session.rollback()
    for error in (through_sqlalchemy.value, by_the_driver.value):
        assert is_outage(error)
        assert outage_of(error) == told
    await engine.dispose()


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("53100", "The disk of the database is full"),
        ("53200", "The database does not answer"),
        ("25006", "The database is read-only"),
        ("58030", "The database does not answer"),
    ],
)
async def test_a_database_that_cannot_write_is_an_outage(sessions: Sessions, state: str, said: str) -> None:
    async with sessions() as session:
        with pytest.raises(DATABASE_ERRORS) as raised:
            await (await driver(session)).execute(f"DO $$ BEGIN RAISE SQLSTATE '{state}'; END $$")
    assert is_outage(raised.value)
    assert str(outage_of(raised.value)) == said
