import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from app.core.clock import processor_seconds
from app.core.metrics import Metrics
from app.core.pieces import PIECE, Pieces
from app.core.problems import Invalid, Starved, TooLong, Unavailable
from app.core.settings import Settings
from app.core.workers.offload import Offload
from app.previews import heavy
from tests.support import tasks
from tests.support.waiting import until

OWNER = "acc_1"


@asynccontextmanager
async def opened(metrics: Metrics | None = None, **settings: Any) -> AsyncIterator[Offload]:
    offload = Offload(Settings(**settings), metrics or Metrics(), ["tests.support.tasks"])
    yield offload
    await offload.close()


def lives(pid: int) -> bool:
    """Whether there is a process of this id that is not only waiting to be counted as ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def process_at(file: Path) -> int:
    """The process that works until there is this file."""
    told = file.with_suffix(".pid")
    await until(lambda: told.exists() and told.read_text())
    return int(told.read_text())


async def test_a_function_runs_in_another_process_which_gives_way_to_ours() -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0)
    async with opened() as offload:
        pid, niceness = await offload.run(OWNER, tasks.process)
    assert pid != os.getpid()
    after = os.getpriority(os.PRIO_PROCESS, 0)  # another one, where somebody has made us nicer meanwhile
    assert min(before + 10, 19) <= niceness <= min(after + 10, 19)


async def test_a_process_is_used_again(offload: Offload) -> None:
    assert await offload.run(OWNER, tasks.process) == await offload.run(OWNER, tasks.process)


async def test_it_imports_no_database_and_no_server() -> None:
    offload = Offload(Settings(), Metrics(), [heavy.__name__])
    loaded = set(await offload.run(OWNER, tasks.modules))
    await offload.close()
    assert "app.previews.fold" in loaded
    assert loaded & {"sqlalchemy", "asyncpg", "fastapi", "aiohttp", "uvicorn", "app.cli", "pytest"} == set()


async def test_long_answers_arrive_whole_whatever_is_printed(offload: Offload) -> None:
    assert await offload.run(OWNER, tasks.repeated, b"abc", 2_000_000) == b"abc" * 2_000_000


async def test_a_problem_arrives_as_it_was_raised(offload: Offload) -> None:
    with pytest.raises(Invalid) as refused:
        await offload.run(OWNER, tasks.refuse)
    problem = refused.value
    assert problem.document() == {
        "type": "/problems/invalid-input",
        "title": "The input is not valid",
        "status": 422,
        "detail": "No",
        "errors": [{"pointer": "/a", "detail": "Wrong"}],
        "limit": 3,
    }
    assert problem.headers == {"Retry-After": "1"}
    assert any("in refuse" in note for note in problem.__notes__)


async def test_an_error_that_cannot_be_sent_is_told_in_words(offload: Offload) -> None:
    with pytest.raises(RuntimeError, match="Unsendable: so odd"):
        await offload.run(OWNER, tasks.fail_oddly)


async def test_a_task_beyond_its_deadline_ends_with_its_process(tmp_path: Path) -> None:
    never = tmp_path / "never"
    async with opened(offload_deadline=3) as offload:
        with pytest.raises(Unavailable, match="longer than 3 seconds") as refused:
            await offload.run(OWNER, tasks.work_until, never)
        assert not lives(await process_at(never))
        assert refused.value.headers == {"Retry-After": "5"}
        assert await offload.run(OWNER, tasks.repeated, b"a", 2) == b"aa"


async def test_a_task_that_nobody_waits_for_may_take_longer_by_the_clock(tmp_path: Path) -> None:
    go = tmp_path / "go"
    async with opened(offload_deadline=0.5) as offload:
        caller = asyncio.create_task(offload.run(OWNER, tasks.work_until, go, waits=False))
        await asyncio.wait({caller}, timeout=1)
        assert not caller.done()
        go.touch()
        await caller


async def test_a_task_that_gets_no_processor_is_told_from_one_that_takes_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.core.workers.offload._STARVED", 2)
    async with opened(offload_deadline=0.5) as offload:
        with pytest.raises(Starved):
            await offload.run(OWNER, tasks.work_until, tmp_path / "never", waits=False)


def test_the_time_of_a_processor_is_what_a_process_has_used() -> None:
    before = time.process_time()
    counted = processor_seconds(os.getpid())
    assert before <= counted <= time.process_time()


def test_a_process_that_is_gone_uses_none() -> None:
    with Popen((sys.executable, "-c", "")) as process:
        pass
    assert processor_seconds(process.pid) == 0


async def test_a_task_that_takes_for_ever_ends_also_where_nobody_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "app.core.workers.offload._STARVED", 1_000
    )  # so that it is the time of a processor that ends it
    async with opened(offload_deadline=0.2) as offload:
        with pytest.raises(TooLong):
            await offload.run(OWNER, tasks.compute, 60.0, waits=False)


async def test_of_several_processes_one_is_left_to_those_who_wait(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    async with opened(offload_workers=2) as offload:
        callers = [
            asyncio.create_task(offload.run(owner, tasks.work_until, file, waits=False))
            for owner, file in (("acc_2", first), ("acc_3", second))
        ]
        await process_at(first)
        assert offload.waiting == 1
        assert await offload.run(OWNER, tasks.repeated, b"a", 2) == b"aa"
        assert not second.with_suffix(".pid").exists()
        first.touch()
        await process_at(second)
        second.touch()
        await asyncio.gather(*callers)


async def test_pieces_come_and_go_as_they_are(offload: Offload) -> None:
    given = Pieces((b"a" * PIECE, b"b"))
    assert await offload.run(OWNER, tasks.returned, given) == given


async def test_a_caller_who_leaves_ends_the_task(offload: Offload, tmp_path: Path) -> None:
    never = tmp_path / "never"
    caller = asyncio.create_task(offload.run(OWNER, tasks.work_until, never))
    pid = await process_at(never)
    caller.cancel()
    await until(lambda: caller.done() and not lives(pid))
    assert await offload.run(OWNER, tasks.repeated, b"a", 2) == b"aa"


async def test_a_task_is_done_again_when_its_process_is_killed(offload: Offload, tmp_path: Path) -> None:
    file = tmp_path / "go"
    caller = asyncio.create_task(offload.run(OWNER, tasks.work_until, file))
    pid = await process_at(file)
    os.kill(pid, signal.SIGKILL)
    file.touch()
    assert await caller != pid


async def test_a_process_that_is_killed_between_tasks_is_replaced(offload: Offload) -> None:
    pid, _ = await offload.run(OWNER, tasks.process)
    os.kill(pid, signal.SIGKILL)
    after, _ = await offload.run(OWNER, tasks.process)
    assert after != pid


async def test_a_task_that_kills_its_process_every_time_is_given_up(offload: Offload, tmp_path: Path) -> None:
    assert await offload.run(OWNER, tasks.die_once, tmp_path / "once") == "done"
    with pytest.raises(Unavailable, match="ended"):
        await offload.run(OWNER, tasks.die)
    assert await offload.run(OWNER, tasks.repeated, b"a", 2) == b"aa"


async def test_a_process_ends_when_it_has_been_idle() -> None:
    async with opened(offload_idle=0.01) as offload:
        pid, _ = await offload.run(OWNER, tasks.process)
        await until(lambda: not lives(pid))
        assert await offload.run(OWNER, tasks.repeated, b"a", 2) == b"aa"


async def test_close_ends_processes_idle_and_busy(tmp_path: Path) -> None:
    never = tmp_path / "never"
    async with opened(offload_workers=2) as offload:
        busy = asyncio.create_task(offload.run(OWNER, tasks.work_until, never))
        working, (idle, _) = await process_at(never), await offload.run("another", tasks.process)
        busy.cancel()
    assert not lives(working)
    assert not lives(idle)


async def test_what_is_computed_is_counted() -> None:
    metrics = Metrics()
    async with opened(metrics) as offload:
        await offload.run(OWNER, tasks.repeated, b"a", 2)
        with pytest.raises(Invalid):
            await offload.run(OWNER, tasks.refuse)
        sample = metrics.registry.get_sample_value
        assert sample("heliodesk_offloaded_seconds_count", {"outcome": "done"}) == 2
        assert sample("heliodesk_offload_workers") == 1
        assert sample("heliodesk_offload_waiting") == 0
    assert sample("heliodesk_offload_workers") == 0
