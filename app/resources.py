"""What a process holds while it runs: opened and closed by the application's lifespan, passed on as one ``State``."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import httpx
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from app.accounts.principals import authenticate, valid_keys
from app.core.db import Sessions, make_engine, make_sessions
from app.core.loop_lag import sampled
from app.core.metrics import Metrics
from app.core.migrate import heads
from app.core.offload import Offload
from app.core.settings import Settings
from app.core.signals import Alarms
from app.core.state import State
from app.core.streams import Streams
from app.core.tip import Tip
from app.scheduler import Scheduler
from app.webhooks.connector import make_http
from app.webhooks.deliver import Sender

_HEAVY: Final = ("app.previews.heavy",)
_NO_MAIL: Final = "No SMTP server is configured: nobody is told by e-mail"
_NO_CALLS: Final = "No provider of calls is configured: only customers' own links work"


def build_state(
    settings: Settings, engine: AsyncEngine, sessions: Sessions, http: httpx.AsyncClient, alarms: Alarms
) -> State:
    """The state of one process from its open resources; tests build theirs with it too."""
    metrics = Metrics()
    streams = Streams(partial(valid_keys, engine), most=settings.streams, most_of_key=settings.streams_per_key)
    metrics.streams.set_function(lambda: len(streams))
    return State(
        settings=settings,
        engine=engine,
        sessions=sessions,
        http=http,
        alarms=alarms,
        authenticate=authenticate,
        tip=Tip(engine, alarms.events),
        streams=streams,
        offload=Offload(settings, metrics, _HEAVY),
        metrics=metrics,
        migration_heads=heads(),
        degraded=tuple(_missing(settings)),
    )


def _missing(settings: Settings) -> Iterator[str]:
    if not settings.jitsi_base_url and not settings.meet_credentials_file:
        yield _NO_CALLS
    if not settings.smtp_url and not settings.apprise_urls:
        yield _NO_MAIL


@asynccontextmanager
async def open_state(settings: Settings) -> AsyncIterator[State]:
    """The state of one process, with its connections open."""
    alarms = Alarms()
    engine = make_engine(settings.database_url, pool_size=settings.pool_size)
    try:
        async with make_http(settings) as http:
            state = build_state(settings, engine, make_sessions(engine, alarms), http, alarms)
            try:
                yield state
            finally:
                await state.offload.close()
    finally:
        await engine.dispose()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the resources for as long as the application serves, and run the background jobs beside it."""
    async with open_state(app.state.settings) as state:
        app.state.heliodesk = state
        with sampled(state.metrics.loop_lag):
            if not state.settings.background:
                yield
                return
            scheduler = Scheduler(state, Sender(state))
            scheduler.start()
            try:
                yield
            finally:
                await scheduler.stop()
