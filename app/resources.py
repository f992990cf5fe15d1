"""What a process holds while it runs: opened and closed by the application's lifespan, passed on as one ``State``."""

from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Final

import httpx
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from app.accounts.principals import ask_as, authenticate, principals_of, still_valid
from app.consumers import postponed, stalls
from app.core.db.engine import Connections, make_engine
from app.core.db.migrate import heads
from app.core.db.pool import Limits, gate_of
from app.core.db.session import make_sessions
from app.core.keys.keyring import Keyring
from app.core.limits.callers import CallerLimits
from app.core.limits.rates import Rates
from app.core.limits.streams import StreamLimits, Streams
from app.core.metrics import Metrics
from app.core.outgoing.connector import make_http
from app.core.process.loop_lag import sampled
from app.core.process.memory import Memory
from app.core.settings import Settings
from app.core.signals import WakeUps
from app.core.state import State
from app.core.workers.offload import Offload
from app.core.workers.printer import Printer
from app.feed.poller import FeedPoller
from app.files.background import trouble as file_trouble
from app.files.stores.choosing import store_of
from app.notices.outbox import claims
from app.paging import queue
from app.reports.facts import progress
from app.scheduler import Scheduler
from app.tickets.background import postponing
from app.visitors.key_sets import KeySets
from app.visitors.visiting import Visiting
from app.webhooks.background.deliver import Sender

COMMANDS: Final = Limits(statement=3600, lock=10, idle=60)
"""What a command may take of the database that an operator runs and watches."""
STARTING: Final = Limits(statement=600, lock=600, idle=60)
"""What a process may before it serves: it waits for others that start, too."""
CLOCK_POOL: Final = 3
"""One connection each for the sweep, for the poller of the feed, and for whoever asks whether the process is ready."""
_HEAVY: Final = (
    "app.articles.diff",
    "app.articles.markdown",
    "app.backtests.heavy",
    "app.inbound.formats.reading",
    "app.plans.document.parsing.heavy",
    "app.previews.heavy",
)
_NO_MAIL: Final = "No SMTP server is configured: nobody is told by e-mail"
_NO_FILES: Final = "No store for files is configured: attachments are left out"
_NO_CALLS: Final = "No provider of calls is configured: only customers' own links work"


def request_limits(settings: Settings) -> Limits:
    """What a request may take of the database, while a caller waits."""
    return Limits(settings.statement_timeout, settings.lock_timeout, settings.idle_timeout, settings.pool_timeout)


def pass_limits(settings: Settings) -> Limits:
    """What a background pass may: for one statement, half of the minute that it has."""
    return Limits(statement=30, lock=settings.lock_timeout, idle=settings.idle_timeout, connection=30)


def open_connections(
    settings: Settings, wake_ups: WakeUps, limits: Limits | None = None
) -> tuple[Connections, Connections, Connections]:
    """Those for requests, for background passes, and for the clock; all with these ``limits``, where some are given."""
    shared: dict[str, Any] = {"memory": Memory(), "stand_in": settings.stand_in, "mails": bool(settings.smtp_url)}
    shared["files"] = settings if settings.s3_url or settings.files_folder else None

    def connections(name: str, size: int, most: Limits) -> Connections:
        engine = make_engine(settings.database_url, pool_size=size, limits=limits or most, name=f"heliodesk {name}")
        return Connections(engine, make_sessions(engine, wake_ups, **shared))

    return (
        connections("requests", settings.pool_size, request_limits(settings)),
        connections("background", settings.background_pool_size, pass_limits(settings)),
        connections("clock", CLOCK_POOL, pass_limits(settings)),
    )


def build_state(
    settings: Settings,
    requests: Connections,
    background: Connections,
    clock: Connections,
    http: httpx.AsyncClient,
    wake_ups: WakeUps,
) -> State:
    """The state of one process from its open resources; tests build theirs with it too."""
    metrics = Metrics()
    per = (settings.streams_per_account, settings.streams_per_key, settings.streams_per_visitor)
    most = StreamLimits(settings.streams, *per)
    keyring = Keyring(requests.engine, authenticate, principals_of, ask_as, settings.admin_key)
    key_sets = KeySets(http)
    streams = Streams(partial(_still_there, background.engine, key_sets), most)
    limits = CallerLimits(settings, Rates(background.engine))
    metrics.in_flight.set_function(lambda: limits.in_flight.running)
    metrics.waiting.set_function(lambda: limits.in_flight.waiting)
    metrics.streams.set_function(lambda: len(streams))
    for name, connections in (("requests", requests), ("background", background), ("clock", clock)):
        metrics.watch_pool(name, partial(gate_of, connections.engine))
    printer = Printer(settings)
    return State(
        settings=settings,
        engine=requests.engine,
        sessions=requests.sessions,
        background=background,
        clock=clock,
        http=http,
        wake_ups=wake_ups,
        keyring=keyring,
        limits=limits,
        feed=FeedPoller(clock.engine, wake_ups.events),
        streams=streams,
        offload=Offload(settings, metrics, _HEAVY),
        printer=printer,
        visitors=Visiting(requests.engine, keyring, key_sets),
        files=store_of(settings, http),
        metrics=metrics,
        migration_heads=heads(),
        degraded=tuple(_missing(settings, printer)),
        troubles=(
            postponing.trouble,
            postponed.trouble,
            stalls.trouble,
            claims.trouble,
            queue.trouble,
            key_sets.trouble,
            file_trouble,
            progress.trouble,
            progress.left_out,
        ),
    )


async def _still_there(engine: AsyncEngine, key_sets: KeySets, names: Collection[str]) -> set[str]:
    """Which of these are still there, as ``Principal.depends_on`` names them."""
    published = {name for name in names if name.startswith("http")}
    return await still_valid(engine, set(names) - published) | key_sets.published(published)


def _missing(settings: Settings, printer: Printer) -> Iterator[str]:
    if not settings.jitsi_base_url and not settings.meet_credentials_file:
        yield _NO_CALLS
    if not settings.smtp_url and not settings.apprise_urls:
        yield _NO_MAIL
    if printer.trouble:
        yield printer.trouble
    if not settings.s3_url and not settings.files_folder:
        yield _NO_FILES


@asynccontextmanager
async def open_state(settings: Settings, limits: Limits | None = None) -> AsyncIterator[State]:
    """The state of one process, with its connections open; ``limits`` other than those of a process that serves."""
    wake_ups = WakeUps()
    connections = open_connections(settings, wake_ups, limits)
    try:
        async with make_http(settings) as http:
            state = build_state(settings, *connections, http, wake_ups)
            try:
                yield state
            finally:
                state.limits.rates.stop()
                state.threads.close()
                await state.offload.close()
    finally:
        for each in connections:
            await each.engine.dispose()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the resources for as long as the application serves, and run the background jobs beside it."""
    async with open_state(app.state.settings) as opened:
        state = app.state.heliodesk = replace(opened, embedded=app.state.embedded)
        with sampled(state.metrics.loop_lag):
            if not state.settings.background:
                yield
                return
            passes = state.on(state.background)
            scheduler = Scheduler(passes, Sender(passes))
            scheduler.start()
            try:
                yield
            finally:
                await scheduler.stop()
