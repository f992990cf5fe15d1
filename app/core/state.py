"""What one running process has: built in ``resources.py``, passed on, never a global."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Annotated

import httpx
from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.core.db.engine import Connections, Sessions
from app.core.db.probe import Probe
from app.core.heartbeats import Heartbeats
from app.core.keyring import Keyring
from app.core.limits.callers import CallerLimits
from app.core.limits.streams import Streams
from app.core.memory import Memory
from app.core.metrics import Metrics
from app.core.settings import Settings
from app.core.signals import Alarms
from app.core.watch import Watched
from app.core.workers.offload import Offload
from app.feed.poller import FeedPoller


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
    alarms: Alarms
    keyring: Keyring
    limits: CallerLimits
    tip: FeedPoller
    streams: Streams
    offload: Offload
    heartbeats: Heartbeats = field(default_factory=Heartbeats)
    metrics: Metrics = field(default_factory=Metrics)
    previews: Memory = field(default_factory=lambda: Memory(64))
    """plans as previews have them: apart, so that what callers ask for displaces nothing that tickets need"""
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
