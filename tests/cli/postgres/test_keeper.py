import asyncio
import os
import signal
from collections.abc import Iterator
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest

from app.cli.postgres.embedded import EmbeddedServer
from app.cli.postgres.keeper import Keeper, Tries
from app.core.process.watch import Condition, Watched
from tests.support.processes import state_of
from tests.support.waiting import until

FEW = (0.0, 0.05, 0.05)


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    with TemporaryDirectory(prefix="heliodesk-test-") as name:
        Path(name).chmod(0o755)
        with EmbeddedServer(Path(name) / "data", durable=False) as server:
            yield server


def _ready_again(server: EmbeddedServer, watched: Watched, before: int) -> bool:
    return server.pid != before and watched.condition == Condition.RUNNING


async def test_a_killed_server_is_started_again_each_time_with_its_data(server: EmbeddedServer) -> None:
    connection = await asyncpg.connect(server.url())
    await connection.execute("CREATE TABLE kept AS SELECT 42 AS n")
    await connection.execute("CHECKPOINT")  # this server's commits do not wait for the disk
    with Keeper(server) as keeper:
        for _ in range(2):
            killed = server.pid
            os.kill(killed, signal.SIGKILL)
            await until(partial(_ready_again, server, keeper.watched, killed))
        connection = await asyncpg.connect(server.url())
        assert await connection.fetchval("SELECT n FROM kept") == 42
        await connection.close()


async def test_a_server_that_is_asked_to_end_does_not_wait_for_our_own_connections(server: EmbeddedServer) -> None:
    """SIGTERM is PostgreSQL's smart shutdown: no new connections, and no end while there is an old one."""
    connection = await asyncpg.connect(server.url())
    with Keeper(server) as keeper:
        asked = server.pid
        os.kill(asked, signal.SIGTERM)
        await until(lambda: _ready_again(server, keeper.watched, asked))
        fresh = await asyncpg.connect(server.url())
        assert await fresh.fetchval("SELECT 1") == 1
        await fresh.close()
    connection.terminate()


async def test_a_child_that_outlives_the_killed_server_does_not_hinder_the_next(server: EmbeddedServer) -> None:
    connection = await asyncpg.connect(server.url())
    child = connection.get_server_pid()
    os.kill(child, signal.SIGSTOP)  # so it does not see that its server is gone
    with Keeper(server) as keeper:
        killed = server.pid
        os.kill(killed, signal.SIGKILL)
        await until(lambda: _ready_again(server, keeper.watched, killed))
        assert state_of(child) in (None, "Z")
    connection.terminate()


async def test_a_server_that_does_not_start_is_lost_after_the_last_try(server: EmbeddedServer) -> None:
    (server.home / "postgres" / "PG_VERSION").write_text("9.6\n")
    with Keeper(server, pauses=FEW) as keeper:
        server.stop(signal.SIGKILL)
        await until(lambda: keeper.watched.condition == Condition.LOST)
    assert server.ended


async def test_a_server_that_ends_again_and_again_is_lost(server: EmbeddedServer) -> None:
    with Keeper(server, pauses=FEW) as keeper:

        def killed() -> bool:
            if server.ended is None and keeper.watched.condition == Condition.RUNNING:
                os.kill(server.pid, signal.SIGKILL)
            return keeper.watched.condition == Condition.LOST

        await until(killed)


def test_pauses_grow_until_there_is_none_and_begin_anew_after_a_stable_time() -> None:
    tries = Tries(0, pauses=(0, 1, 2), stable=60)
    assert [tries.pause(now) for now in (1, 2, 3, 4)] == [0, 1, 2, None]
    tries.tried(10)
    assert tries.pause(70) is None
    assert [tries.pause(71), tries.pause(71)] == [0, 0]
    tries.tried(71)
    assert [tries.pause(72), tries.pause(72), tries.pause(72)] == [1, 2, None]


async def test_a_server_whose_data_folder_has_gone_is_lost_and_makes_no_new_one(server: EmbeddedServer) -> None:
    with Keeper(server) as keeper:
        server.home.rename(server.home.with_name("elsewhere"))
        await until(lambda: keeper.watched.condition == Condition.LOST and server.ended is not None)
    assert not server.home.exists()


async def test_the_block_ends_while_a_server_is_waited_for(server: EmbeddedServer) -> None:
    with Keeper(server, pauses=(600.0,)) as keeper:
        server.stop(signal.SIGKILL)
        await until(lambda: keeper.watched.condition == Condition.STARTING)
    assert server.ended


def _lose(watched: Watched) -> None:
    watched.become(Condition.LOST)


async def test_a_worker_process_sees_what_another_writes() -> None:
    watched = Watched()
    process = get_context("spawn").Process(target=_lose, args=(watched,))
    process.start()
    await asyncio.to_thread(process.join)
    assert watched.condition == Condition.LOST
