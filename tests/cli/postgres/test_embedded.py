import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest

from app.cli.postgres import binaries as postgres_binaries
from app.cli.postgres import embedded, leftovers
from app.cli.postgres.embedded import DataInUse, EmbeddedServer
from app.cli.postgres.leftovers import ServerFailed
from tests.support.processes import is_gone
from tests.support.waiting import until

HOLD = """
import sys, time
from pathlib import Path
from app.cli.postgres.embedded import EmbeddedServer
with EmbeddedServer(Path(sys.argv[1]), durable=False) as server:
    print(server.pid, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other users may pass through, as pytest's own for root is not."""
    with TemporaryDirectory(prefix="heliodesk-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def home(folder: Path) -> Path:
    return folder / "data of mine"


@pytest.fixture
def system_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where root keeps what the server's user must reach: not in the machine's real place."""
    place = folder / "system"
    monkeypatch.setattr(embedded, "SYSTEM_HOME", place)
    monkeypatch.setattr(postgres_binaries, "SYSTEM_HOME", place)
    return place


def _server(home: Path) -> EmbeddedServer:
    return EmbeddedServer(home, durable=False)


async def _run(server: EmbeddedServer, statement: str) -> object:
    connection = await asyncpg.connect(server.url())
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_data_outlives_the_server(home: Path) -> None:
    with _server(home) as server:
        await _run(server, "CREATE TABLE kept AS SELECT 42 AS n")
    with _server(home) as server:
        assert await _run(server, "SELECT n FROM kept") == 42
        server.stop(signal.SIGKILL)
        server.start()
        assert await _run(server, "SELECT n FROM kept") == 42
    assert is_gone(server.pid)


async def test_nothing_listens_on_a_port_and_only_the_owner_may_connect(home: Path) -> None:
    with _server(home) as server:
        assert await _run(server, "SHOW listen_addresses") == ""
        sockets = Path(str(await _run(server, "SHOW unix_socket_directories")))
        assert sockets.stat().st_mode & 0o777 == 0o700
        assert sockets.stat().st_uid == (home / "postgres").stat().st_uid
    assert not sockets.exists()


def test_a_second_start_is_refused_and_names_the_first(home: Path) -> None:
    with _server(home), pytest.raises(DataInUse, match=f"in use by process {os.getpid()}"), _server(home):
        pass
    with _server(home):
        pass


async def test_a_killed_parent_takes_the_server_down_and_the_next_start_finds_the_data(home: Path) -> None:
    with _server(home) as server:
        await _run(server, "CREATE TABLE kept AS SELECT 42 AS n")
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(home)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    pid = int(holder.stdout.readline())
    holder.kill()
    holder.communicate()
    await until(lambda: is_gone(pid))
    with _server(home) as server:
        assert await _run(server, "SELECT n FROM kept") == 42


def test_a_server_that_outlived_its_process_is_ended(home: Path) -> None:
    with _server(home) as left_over:
        (home / "lock").unlink()  # as if its process had gone
        with _server(home) as server:
            assert server.pid != left_over.pid
            assert left_over._process.wait(1) == 0


def test_a_left_over_server_that_ends_by_itself_meanwhile_is_no_fault(folder: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    leftovers._end_server(gone.pid, folder)


@pytest.mark.parametrize("pid", ["ours", "1", "not a number"])
def test_a_stale_pid_that_is_another_process_by_now_stops_nothing(home: Path, pid: str) -> None:
    living = str(os.getpid()) if pid == "ours" else pid
    with _server(home) as server:
        lines = (home / "postgres" / "postmaster.pid").read_text().splitlines()
        server.stop(signal.SIGKILL)
        (home / "postgres" / "postmaster.pid").write_text("\n".join([living, *lines[1:], ""]))
        server.start()


def test_a_pid_file_cut_short_stops_nothing(home: Path) -> None:
    with _server(home):
        pass
    (home / "postgres" / "postmaster.pid").touch()
    with _server(home):
        pass


def test_a_first_start_that_was_killed_is_begun_anew(home: Path) -> None:
    (home / "postgres.unfinished").mkdir(parents=True)
    (home / "postgres.unfinished" / "PG_VERSION").write_text("18\n")
    with _server(home):
        pass


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    with _server(home):
        pass
    (home / "postgres" / "PG_VERSION").write_text("9.6\n")
    with pytest.raises(ServerFailed, match=r"initialized by PostgreSQL version 9\.6"), _server(home):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops to another user")
async def test_root_serves_a_folder_that_is_closed_to_others(folder: Path, system_home: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    with _server(closed / "home") as server:
        await _run(server, "CREATE TABLE kept AS SELECT 42 AS n")
    with _server(closed / "home") as server:
        assert await _run(server, "SELECT n FROM kept") == 42
    assert (closed / "home" / "postgres").resolve().parent == system_home
    shutil.rmtree(closed / "home")
    with _server(closed / "home") as server:
        assert await _run(server, "SELECT to_regclass('kept')") is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops to another user")
def test_root_copies_the_binaries_out_of_a_closed_folder(
    folder: Path, system_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = postgres_binaries.find_binaries().parent.parent
    closed = folder / "closed"
    (closed / package.name).mkdir(parents=True)
    (closed / package.name / "__init__.py").touch()
    (closed / package.name / "pginstall").symlink_to(package / "pginstall")
    (closed / f"{package.name}.libs").symlink_to(package.with_name(f"{package.name}.libs"))
    closed.chmod(0o700)
    monkeypatch.syspath_prepend(str(closed))
    for _ in range(2):  # the second start uses the copy
        with _server(folder / "home") as server:
            executable = Path(f"/proc/{server.pid}/exe").readlink()
        assert executable.is_relative_to(system_home)
