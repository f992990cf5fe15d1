import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Any

import apscheduler.schedulers.base
import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from app.core import clock
from app.core.clock import monotonic
from app.core.db.engine import Connections, Sessions, make_engine
from app.core.db.pool import Limits, gate_of
from app.core.db.session import make_sessions
from app.core.jobs.job import Job
from app.core.jobs.runner import Runner
from app.core.signals import WakeUp
from app.core.state import State
from app.scheduler import Scheduler, jobs
from app.webhooks.background.deliver import Sender
from tests.support.desk import now_of
from tests.support.waiting import until

Start = Callable[..., Scheduler]
HOUR = timedelta(hours=1)


class Passes:
    """A job's work that counts itself; ``work`` is what each pass does."""

    def __init__(self, work: Callable[[], Awaitable[object]] | None = None) -> None:
        self.work = work
        self.begun = self.ended = self.at_once = self.most = 0

    async def __call__(self) -> None:
        self.begun += 1
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            if self.work:
                await self.work()
        finally:
            self.at_once -= 1
        self.ended += 1


def job(run: Callable[[], Awaitable[object]], every: timedelta = HOUR, **fields: Any) -> Job:
    return Job("test", "counts itself", every, fields.pop("timeout", HOUR), run, **fields)


@pytest.fixture
async def start(state: State) -> AsyncIterator[Start]:
    started: list[Scheduler] = []

    def begin(*todo: Job) -> Scheduler:
        scheduler = Scheduler(state, Sender(state), todo or None)
        scheduler.start()
        started.append(scheduler)
        return scheduler

    yield begin
    for scheduler in started:
        await scheduler.stop()


def failures(state: State) -> float | None:
    return state.metrics.registry.get_sample_value("heliodesk_job_failures_total", {"job": "test"})


async def test_a_failing_pass_is_logged_and_counted_and_the_next_one_comes(state: State, start: Start) -> None:
    async def fail_twice() -> None:
        if passes.begun < 3:
            raise ValueError("no such luck")

    passes = Passes(fail_twice)
    with capture_logs() as logs:
        start(job(passes, timedelta(milliseconds=20)))
        await until(lambda: passes.ended > 0)
    assert failures(state) == 2
    assert [(log["log_level"], log["job"], log["error"]) for log in logs] == [
        ("error", "test", "ValueError('no such luck')")
    ] * 2


async def test_an_outage_is_told_without_a_traceback(state: State, start: Start) -> None:
    async def lose_the_database() -> None:
        if passes.begun == 1:
            raise asyncpg.CannotConnectNowError("the database system is shutting down")

    passes = Passes(lose_the_database)
    with capture_logs() as logs:
        start(job(passes, timedelta(milliseconds=20)))
        await until(lambda: passes.ended > 0)
    assert [(log["log_level"], "exc_info" in log) for log in logs] == [("warning", False)]
    assert failures(state) == 1


async def test_a_pass_that_hangs_is_cut_off_at_its_timeout(state: State, start: Start) -> None:
    async def hang_once() -> None:
        if passes.begun == 1:
            await asyncio.sleep(60)

    passes = Passes(hang_once)
    start(job(passes, timedelta(milliseconds=20), timeout=timedelta(milliseconds=50)))
    await until(lambda: passes.ended > 0)
    assert failures(state) == 1


async def test_a_pass_never_runs_twice_at_once_and_no_wake_up_is_lost(state: State) -> None:
    released = asyncio.Event()
    passes = Passes(released.wait)
    runner = Runner(job(passes), state.sessions, state.metrics, state.heartbeats, asyncio.Lock())
    runner.wake()
    await until(lambda: passes.begun == 1)
    for _ in range(10):
        runner.wake()
        await asyncio.sleep(0)
    released.set()
    await until(lambda: passes.ended == 2)
    runner.wake()
    await until(lambda: passes.ended == 3)
    await runner.stop()
    assert (passes.begun, passes.most) == (3, 1)


async def test_jobs_that_may_come_later_take_turns_with_a_rest_after_each_batch(start: Start) -> None:
    rest, wake_up = 3, WakeUp()
    turns: list[tuple[str, float, float]] = []

    def later(name: str) -> Job:
        async def work() -> bool:
            begun = monotonic()
            await asyncio.sleep(0.05)
            turns.append((name, begun, monotonic()))
            return len(turns) <= 4

        return replace(job(work, wake_up=wake_up, rest=rest), name=name)

    start(later("one"), later("other"))
    await until(lambda: len(turns) == 1)
    wake_up.ring()
    await until(lambda: len(turns) == 6)  # without a poll: while there is work, the end of a rest begins the next batch
    assert [name for name, _, _ in turns] == ["one", "other"] * 3
    for (_, begun, ended), (_, next_begun, _) in pairwise(turns[:5]):
        assert next_begun - ended > 0.99 * rest * (ended - begun)
    wake_up.ring()
    await until(lambda: len(turns) == 7)


async def test_a_job_wakes_at_once(start: Start) -> None:
    wake_up, passes = WakeUp(), Passes()
    start(job(passes, wake_up=wake_up))
    await until(lambda: passes.ended == 1)
    wake_up.ring()
    await until(lambda: passes.ended == 2)


async def test_the_timer_fires_at_an_instant_between_two_polls(sessions: Sessions, start: Start) -> None:
    instant = await now_of(sessions) + timedelta(milliseconds=300)
    passed: list[datetime] = []

    async def note() -> None:
        passed.append(await now_of(sessions))

    async def next_instant() -> datetime | None:
        return instant if passed[-1] < instant else None

    start(job(note, next_instant=next_instant))
    await until(lambda: bool(passed) and passed[-1] >= instant)
    assert len(passed) <= 4


async def test_what_stays_due_because_somebody_holds_it_is_not_polled_without_a_pause(
    sessions: Sessions, start: Start
) -> None:
    due = await now_of(sessions) - HOUR

    async def next_instant() -> datetime | None:
        return due

    passes, began = Passes(), monotonic()
    start(job(passes, next_instant=next_instant))
    await until(lambda: passes.ended > 20)
    assert monotonic() - began >= 20 * 0.01


async def test_polls_go_on_when_the_loop_was_held_up_longer_than_their_interval(start: Start) -> None:
    """The next poll may then be due before APScheduler has noticed that the one before has ended."""

    async def hold_up() -> None:
        time.sleep(0.02)  # what a process gets on a busy machine

    passes = [Passes(hold_up), Passes(hold_up)]
    start(*(replace(job(each, timedelta(milliseconds=5)), name=f"{place}") for place, each in enumerate(passes)))
    for _ in range(3):
        seen = [each.ended for each in passes]
        await until(lambda: all(each.ended > before for each, before in zip(passes, seen, strict=True)))  # noqa: B023  in this round


@pytest.mark.parametrize("step", [timedelta(days=30), timedelta(days=-365)])
async def test_a_step_of_the_wall_clock_neither_stops_the_passes_nor_piles_them_up(
    start: Start, monkeypatch: pytest.MonkeyPatch, step: timedelta
) -> None:
    class Stepped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz) + step

    every = timedelta(milliseconds=50)
    passes = Passes()
    start(job(passes, every))
    await until(lambda: passes.ended > 3)
    for module in (clock, apscheduler.schedulers.base):
        monkeypatch.setattr(module, "datetime", Stepped)
    before, began = passes.ended, monotonic()
    await until(lambda: passes.ended - before > 30)
    polls = (monotonic() - began) / every.total_seconds()
    assert passes.ended - before < polls + 15
    monkeypatch.undo()
    again = passes.ended
    await until(lambda: passes.ended > again + 3)


async def test_stopping_waits_for_the_pass_that_runs_and_begins_no_other(state: State) -> None:
    released = asyncio.Event()
    wake_up, passes = WakeUp(), Passes(released.wait)
    scheduler = Scheduler(state, Sender(state), [job(passes, timedelta(milliseconds=20), wake_up=wake_up)])
    scheduler.start()
    await until(lambda: passes.begun == 1)
    wake_up.ring()
    stopping = asyncio.create_task(scheduler.stop())
    await asyncio.wait([stopping], timeout=0.05)
    assert (passes.ended, stopping.done()) == (0, False)
    released.set()
    await stopping
    wake_up.ring()
    for _ in range(3):
        await asyncio.sleep(0)
    assert (passes.begun, passes.ended) == (1, 1)


async def test_passes_are_measured_and_their_heartbeats_are_part_of_readiness(
    state: State, start: Start, client: httpx.AsyncClient
) -> None:
    start()
    names = {"sweep", "deliver", "calls", "forget answers", "forget deliveries"}
    await until(lambda: names <= _measured(state))
    ready = (await client.get("/readyz")).json()
    assert {name: ready["checks"][name] for name in names} == dict.fromkeys(names, "ok")
    metrics = (await client.get("/metrics")).text
    assert 'heliodesk_job_seconds_count{job="sweep"}' in metrics
    state.heartbeats.expect("sweep", within=30, now=monotonic() - 31)
    state.heartbeats.expect("stuck", within=30, now=monotonic() - 31)
    late = await client.get("/readyz")
    assert (late.status_code, late.json()["checks"]["stuck"]) == (503, "late")


def _measured(state: State) -> set[str]:
    samples = [sample for metric in state.metrics.registry.collect() for sample in metric.samples]
    return {sample.labels["job"] for sample in samples if sample.name == "heliodesk_job_seconds_count" and sample.value}


@asynccontextmanager
async def _all_taken(connections: Connections) -> AsyncIterator[None]:
    """Somebody has both connections of a pool."""
    async with connections.engine.connect(), connections.engine.connect():
        yield


@pytest.fixture
async def apart(state: State, database: str) -> AsyncIterator[State]:
    """A process in which requests, passes and the clock have two connections each."""
    engines = [make_engine(database, pool_size=2, limits=Limits(connection=seconds)) for seconds in (0.05, 30, 30)]
    requests, background, clock = (Connections(engine, make_sessions(engine, state.wake_ups)) for engine in engines)
    yield replace(state.on(requests), background=background, clock=clock)
    for engine in engines:
        await engine.dispose()


@asynccontextmanager
async def _running(state: State) -> AsyncIterator[Scheduler]:
    passes = state.on(state.background)
    scheduler = Scheduler(passes, Sender(passes))
    scheduler.start()
    try:
        yield scheduler
    finally:
        await scheduler.stop()


async def test_passes_need_no_connection_of_requests(apart: State) -> None:
    names = {each.name for each in jobs(apart, Sender(apart))}
    async with _all_taken(Connections(apart.engine, apart.sessions)), _running(apart):
        await until(lambda: names <= _measured(apart))
    assert gate_of(apart.engine).refused == 0


async def test_the_sweep_and_the_probes_need_no_connection_of_other_passes(apart: State, app: FastAPI) -> None:
    requests = Connections(apart.engine, apart.sessions)
    async with AsyncExitStack() as ends, _all_taken(requests), _all_taken(apart.background):
        await ends.enter_async_context(_running(apart))  # stopped once its passes have their connections again
        await until(lambda: "sweep" in _measured(apart))
        app.state.heliodesk = apart
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            assert (await client.get("/readyz")).json()["checks"]["database"] == "ok"
    assert gate_of(apart.engine).refused == 0
