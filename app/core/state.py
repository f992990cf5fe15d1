"""What one running process has: built in ``resources.py``, passed on, never a global."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Protocol

import httpx
from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.core.auth import Principal
from app.core.db.engine import Connections, Sessions
from app.core.db.probe import Probe
from app.core.files import FileStore
from app.core.jobs.heartbeats import Heartbeats
from app.core.keys.keyring import Keyring
from app.core.limits.callers import CallerLimits
from app.core.limits.single import Single
from app.core.limits.streams import Streams
from app.core.metrics import Metrics
from app.core.process.memory import Memory
from app.core.process.watch import Watched
from app.core.settings import Settings
from app.core.signals import WakeUps
from app.core.workers.offload import Offload
from app.core.workers.printer import Printer
from app.core.workers.threads import Threads


class Feed(Protocol):
    """How far this process can read events, and who waits for more (``app/feed/poller.py``)."""

    @property
    def position(self) -> int | None:
        """The newest event that can be read; None: not known yet."""

    @property
    def last(self) -> int:
        """The last position given out by the time of the last poll."""

    async def poll(self) -> None:
        """A poll that begins after this call."""

    async def decided(self) -> int:
        """The position, once all that was written before this call is decided. 503 when none is known yet."""

    async def news(self, beyond: int, account_id: str | None, seconds: float) -> bool:
        """Wait for events of this account (None: of any) ``beyond`` a position; whether there may be some."""

    def held(self) -> float:
        """Seconds for which the same transactions have kept the position from moving; 0 when none does."""

    def trouble(self) -> str | None:
        """What operators should know, in words."""


class Visitors(Protocol):
    """Finds out who shows a key that is no secret (``app/visitors/visiting.py``)."""

    async def identify(
        self, principal: Principal, shown: str | None, address: str, place: Mapping[str, str]
    ) -> Principal:
        """The caller with its visitor, by what it has ``shown`` of who they are.

        ``place`` has the parameters of the path: 404 for the ticket of somebody else. 401 (``IdentityRefused``) for
        what shows nothing.
        """


@dataclass(frozen=True, slots=True)
class State:
    """Everything that a use case may need from its process.

    ``engine`` and ``sessions`` are the connections of those to whom it is given: requests, or the background passes.
    """

    settings: Settings
    engine: AsyncEngine
    sessions: Sessions
    background: Connections
    """of the background passes, and of readers who follow the feed"""
    clock: Connections
    """of the sweep, the feed's poller and the probes: one each, whatever all others do"""
    http: httpx.AsyncClient
    wake_ups: WakeUps
    keyring: Keyring
    limits: CallerLimits
    feed: Feed
    streams: Streams
    offload: Offload
    printer: Printer
    visitors: Visitors
    files: FileStore | None = None
    """where the bytes of files are; None: nowhere"""
    heartbeats: Heartbeats = field(default_factory=Heartbeats)
    metrics: Metrics = field(default_factory=Metrics)
    threads: Threads = field(default_factory=Threads)
    previews: Memory = field(default_factory=lambda: Memory(64))
    """plans as previews have them: apart, so that what callers ask for displaces nothing that tickets need"""
    backtests: Single = field(default_factory=Single)
    """who has a plan tried on the past"""
    migration_heads: frozenset[str] = frozenset()
    degraded: tuple[str, ...] = ()
    troubles: tuple[Callable[[AsyncSession], Awaitable[str | None]], ...] = ()
    """what may be wrong with what is stored: each says it in words, or None"""
    probe: Probe = field(default_factory=Probe)
    embedded: Watched | None = None
    """how the embedded PostgreSQL is; None where the database is another one"""

    def on(self, connections: Connections) -> "State":
        """The same for those who have these connections."""
        return replace(self, engine=connections.engine, sessions=connections.sessions)


async def get_state(request: Request) -> State:
    """The state that the lifespan put on the application (async: FastAPI runs a plain function in a thread)."""
    state: State = request.app.state.heliodesk
    return state


StateDep = Annotated[State, Depends(get_state)]
