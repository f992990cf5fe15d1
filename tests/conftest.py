"""What every test may ask for. Real PostgreSQL always; ``now`` is an argument, so time is never faked."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from functools import partial

import httpx
import hypothesis
import pytest
import structlog
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.core import clock
from app.core.auth import hash_key, make_key
from app.core.db.engine import Connections, Sessions, make_engine
from app.core.db.migrate import upgrade
from app.core.db.session import make_sessions, transaction
from app.core.db.statements.bulk import insert_rows
from app.core.db.tables import Row
from app.core.ids import new_id
from app.core.metrics import Metrics
from app.core.settings import Settings
from app.core.signals import WakeUps
from app.core.state import State
from app.core.workers.offload import Offload
from app.main import create_app
from app.models import accounts
from app.plans.models import PlanVersionRow
from app.plans.store import load_builtin
from app.resources import build_state
from tests.support import database as databases
from tests.support import stories
from tests.support.browsing import Browsers, launched
from tests.support.needs import MARKER, needs_machine
from tests.support.replaying import replayed

gc.disable()  # until the tests are collected
hypothesis.settings.register_profile("heliodesk", deadline=None)  # other tests share the machine
hypothesis.settings.register_profile("quick", deadline=None, max_examples=10)
hypothesis.settings.load_profile("heliodesk")
*_processors, _ = structlog.get_config()["processors"]
_plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
structlog.configure(processors=[*_processors, _plain])  # by default a traceback with its locals takes up to seconds

_LONG = ("contract", "faults")
"""Folders of walks over all operations, and of services that are processes of their own."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs a database or processes; leave long tests and properties out of coverage.

    Coverage doubles their time, and they add nothing to it.
    """
    long = tuple(config.rootpath / "tests" / folder for folder in _LONG)
    for item in items:
        if needs_machine(item):
            item.add_marker(MARKER)
        if item.get_closest_marker("hypothesis") or any(item.path.is_relative_to(folder) for folder in long):
            item.add_marker("no_cover")


def pytest_collection_finish() -> None:
    """Leave the tests themselves out of garbage collection: they are a million objects that live until the end."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of this process's PostgreSQL server."""
    with databases.server() as url:
        yield url


@pytest.fixture(scope="session")
async def template(server: str) -> AsyncIterator[str]:
    """The URL of a database that holds the migrated schema and is only ever copied: nothing connects to it."""
    async with databases.new_database(server) as url:
        await asyncio.to_thread(upgrade, url)
        yield url


@pytest.fixture(scope="session")
async def database(server: str, template: str) -> AsyncIterator[str]:
    """The URL of the database that the tests of this process share."""
    async with databases.shared_database(server, template) as url:
        yield url


@pytest.fixture
async def own_database(server: str, template: str) -> AsyncIterator[str]:
    """The URL of a migrated database for this test alone: for other processes, kills and races."""
    async with databases.new_database(server, template) as url:
        yield url


@pytest.fixture(scope="session")
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    """Connections to ``database``."""
    engine = make_engine(database, pool_size=10)
    yield engine
    await engine.dispose()


@pytest.fixture
def wake_ups() -> WakeUps:
    """The wake-ups of this test's process."""
    return WakeUps()


@pytest.fixture
async def sessions(engine: AsyncEngine, wake_ups: WakeUps) -> AsyncIterator[Sessions]:
    """Sessions that really commit. The database is emptied after the test."""
    sessions = make_sessions(engine, wake_ups)
    yield sessions
    await databases.empty(sessions)


@pytest.fixture
async def rolled_back(engine: AsyncEngine, wake_ups: WakeUps) -> AsyncIterator[Sessions]:
    """Sessions on one connection, whose commits are savepoints of a transaction that is rolled back at the end.

    Faster than ``sessions``; one at a time, and ``now()`` stands still.
    """
    async with engine.connect() as connection:
        outer = await connection.begin()
        yield make_sessions(connection, wake_ups, join_transaction_mode="create_savepoint")
        await outer.rollback()


@pytest.fixture
async def session(rolled_back: Sessions) -> AsyncIterator[AsyncSession]:
    """One session whose work is rolled back."""
    async with rolled_back() as session:
        yield session


@pytest.fixture
def settings(database: str) -> Settings:
    """Settings of a process on the shared database, without background passes."""
    return Settings(database_url=database, background=False, rate_per_address=0, rate_per_network=0)


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """The client for outgoing calls."""
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
async def offload() -> AsyncIterator[Offload]:
    """Worker processes that the tests of this process share: they are pure, and each takes a while to start."""
    offload = Offload(Settings(offload_idle=600, offload_deadline=60), Metrics())
    yield offload
    await offload.close()


@pytest.fixture(scope="session")
async def browsers() -> AsyncIterator[Browsers]:
    """The browser of this process, which takes a second to start."""
    async with launched() as browsers:
        yield browsers


@pytest.fixture
def state(
    settings: Settings,
    engine: AsyncEngine,
    sessions: Sessions,
    http: httpx.AsyncClient,
    wake_ups: WakeUps,
    offload: Offload,
) -> State:
    """What one process has; its sessions really commit."""
    ours = Connections(engine, sessions)
    return replace(build_state(settings, ours, ours, ours, http, wake_ups), offload=offload)


@pytest.fixture(scope="session")
def app() -> FastAPI:
    """The application; ``client`` gives it the test's state."""
    return create_app(Settings())


@pytest.fixture
async def client(app: FastAPI, state: State) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of the application, without a key of its own."""
    app.state.heliodesk = state
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


@pytest.fixture
async def admin(sessions: Sessions) -> dict[str, str]:
    """Request headers with an admin key."""
    key = make_key("admin")
    async with transaction(sessions) as session:
        session.add(
            accounts.ApiKeyRow(
                id=new_id("key"), kind="admin", secret_hash=hash_key(key), hint=key[:12], created_at=clock.wall_now()
            )
        )
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture(scope="session")
async def shipped(engine: AsyncEngine) -> list[Row]:
    """The rows of the shipped plans, read and expanded once."""
    async with engine.connect() as connection, make_sessions(connection, WakeUps())() as session:
        stored = await load_builtin(session, await clock.database_now(session))
        return [
            {column.key: getattr(plan, column.key) for column in PlanVersionRow.__table__.columns} for plan in stored
        ]


@pytest.fixture
async def plans(sessions: Sessions, shipped: list[Row]) -> None:
    """The shipped plans are loaded."""
    async with transaction(sessions) as session:
        await insert_rows(session, PlanVersionRow, shipped)


@pytest.fixture
async def begin(sessions: Sessions, client: httpx.AsyncClient, plans: None) -> AsyncIterator[stories.Begin]:
    """Begin a story: ``await begin("zmanda-standard", **fields_of_the_account)``.

    At the end every ticket is replayed: what its events say gives its rows (C18).
    """
    del plans
    yield partial(stories.begin, sessions, client)
    assert await replayed(sessions) == []
