"""The service in an event loop that outlives the examples of a property."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import count

import httpx

from app.core.db.engine import Connections, Sessions, make_engine
from app.core.db.session import make_sessions
from app.core.settings import Settings
from app.core.signals import WakeUps
from app.main import create_app
from app.resources import build_state
from tests.support.actors import make_key
from tests.support.database import new_database
from tests.support.stories import Caller


@dataclass(frozen=True)
class Bench:
    """A service on a database of its own, and the loop that it runs in."""

    runner: asyncio.Runner
    sessions: Sessions
    client: httpx.AsyncClient
    admin: Caller
    names: Iterator[int]

    @classmethod
    @asynccontextmanager
    async def opened(cls, runner: asyncio.Runner, server: str, template: str) -> AsyncIterator["Bench"]:
        """The service, as one process of it has its resources."""
        async with new_database(server, template) as url, httpx.AsyncClient(trust_env=False) as http:
            engine, wake_ups, configured = make_engine(url, pool_size=4), WakeUps(), Settings(database_url=url)
            sessions, app = make_sessions(engine, wake_ups), create_app(configured)
            ours = Connections(engine, sessions)
            app.state.heliodesk = build_state(configured, ours, ours, ours, http, wake_ups)
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
                yield cls(runner, sessions, client, Caller(client, await make_key(sessions, "admin")), count(1))
            await engine.dispose()


@contextmanager
def bench_on(server: str, template: str) -> Iterator[Bench]:
    """The service in an event loop that outlives every example."""
    with asyncio.Runner() as runner:
        opened = Bench.opened(runner, server, template)
        bench = runner.run(opened.__aenter__())
        try:
            yield bench
        finally:
            runner.run(opened.__aexit__(None, None, None))
