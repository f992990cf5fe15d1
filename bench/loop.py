"""How long one request holds the event loop at the longest, with the heaviest input that its operation takes.

Goal: 20 ms. The requests are sent one after the other inside the service's own process; what is measured is the CPU
time of each callback of the loop, the client's part (a millisecond or two) included. The first time stands apart.
"""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import httpx

from app.accounts.usecases.bootstrap import bootstrap_admin_key
from app.core.clock import database_now
from app.core.db.session import transaction
from app.core.logging import configure_logging
from app.core.settings import Settings
from app.main import create_app
from app.plans.store import load_builtin
from app.resources import open_state
from bench import heaviest, servers
from bench.heaviest import Asked

_GOAL: Final = 20.0
_ROUNDS: Final = 3


def main() -> None:
    """Print a line for each operation."""
    configure_logging(Settings(log_level="ERROR"))
    with servers.database() as url:
        asyncio.run(_measure(Settings(database_url=url, background=False, admin_key=servers.ADMIN)))


class _Holds:
    """The longest callback of the event loop since it was last asked, in milliseconds."""

    longest = 0.0

    @contextmanager
    def watched(self) -> Iterator[None]:
        handle_class: Any = asyncio.events.Handle  # its method is no part of asyncio's interface
        run = handle_class._run  # noqa: SLF001

        def timed(handle: asyncio.events.Handle) -> None:
            began = time.thread_time()
            run(handle)
            self.longest = max(self.longest, (time.thread_time() - began) * 1000)

        handle_class._run = timed  # noqa: SLF001
        try:
            yield
        finally:
            handle_class._run = run  # noqa: SLF001

    def taken(self) -> float:
        longest, self.longest = self.longest, 0.0
        return longest


async def _measure(settings: Settings) -> None:
    holds = _Holds()
    async with _client(settings) as client:
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)  # as a service does
        with holds.watched():
            async for asked in _operations(client):
                print(await _line(client, holds, asked), flush=True)


@asynccontextmanager
async def _client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with open_state(settings) as state, transaction(state.sessions) as session:
        now = await database_now(session)
        await load_builtin(session, now)
        await bootstrap_admin_key(session, settings.admin_key, now=now)
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://bench", headers=servers.HEADERS, timeout=60
        ) as client:
            yield client


async def _operations(client: httpx.AsyncClient) -> AsyncIterator[Asked]:
    for part in (heaviest.reads, heaviest.previews, heaviest.plans, heaviest.accounts):
        for asked in part():
            yield asked
    body = {"name": "Bench", "plan": "largest", "time_zone": "America/New_York"}
    account = (await client.post("/v1/accounts", json=body)).raise_for_status().json()["id"]
    for asked in heaviest.tickets(account):
        yield asked
    for later in (heaviest.hooks(client, account), heaviest.histories(client)):
        for asked in await later:
            yield asked


async def _line(client: httpx.AsyncClient, holds: _Holds, asked: Asked) -> str:
    name, method, path, body = asked
    longest = []
    for _ in range(_ROUNDS):
        _, _, key = path.partition("?key=")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        request = client.build_request(method, path, content=heaviest.sent(body), headers=headers)
        await asyncio.sleep(0.05)
        holds.taken()
        answer = await asyncio.create_task(client.send(request))
        await asyncio.sleep(0)
        longest.append(holds.taken())
    first, then = longest[0], min(longest[1:])
    mark = "" if max(first, then) <= _GOAL else f"  <- goal {_GOAL:.0f}"
    return f"{name:45} {answer.status_code} {len(answer.content):>9,} B  {first:7.1f} ms, then {then:7.1f} ms{mark}"
