import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from app.accounts.principals import authenticate
from app.core.db import make_engine
from app.core.embedded import EmbeddedServer
from app.core.problems import Unauthorized
from tests.support.service import Service, free_port, heliodesk, running

KEY = re.compile(r"hd_admin_\w+")
ENDINGS = [signal.SIGTERM, signal.SIGINT, signal.SIGKILL]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where the database of ``heliodesk up`` lives; its tests follow each other on the same data."""
    with TemporaryDirectory(prefix="heliodesk-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def _fails(*arguments: str, **environment: str) -> str:
    process = heliodesk(*arguments, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"Traceback" not in error
    return str(error.decode())


def _admin_key(service: Service) -> str:
    keys = KEY.findall(service.printed())
    assert len(keys) == 1
    return str(keys[0])


async def _kind(url: str, key: str) -> str:
    engine = make_engine(url, pool_size=1)
    try:
        return (await authenticate(engine, key)).kind
    finally:
        await engine.dispose()


@pytest.mark.parametrize("ending", ENDINGS)
def test_up_serves_and_the_next_start_keeps_the_data(folder: Path, ending: signal.Signals) -> None:
    port = free_port()
    (folder / f"output-{port}").unlink(missing_ok=True)
    with running("up", folder, port) as service:
        assert service.stop(ending) == {signal.SIGINT: 130}.get(ending, -9 if ending == signal.SIGKILL else 0)
    with running("up", folder, port) as service:
        assert "shown at the first start" in service.printed()
        service.stop()


def test_a_second_up_on_the_same_data_is_refused(folder: Path) -> None:
    with running("up", folder) as service:
        told = _fails("up", PORT=str(free_port()), DATA=str(folder / "data"))
        assert told == f"heliodesk: {folder / 'data'} is in use by process {service.process.pid}\n"


async def test_another_admin_key_can_be_made_while_it_runs(folder: Path) -> None:
    with running("up", folder):
        made = heliodesk("admin-key", env={"DATA": str(folder / "data")}, stdout=subprocess.PIPE)
        key = made.communicate(timeout=60)[0].decode().strip()
        url = EmbeddedServer(folder / "data").url()
        assert await _kind(url, key) == "admin"
        with pytest.raises(Unauthorized):
            await _kind(url, key[:-1] + "?")


def test_a_busy_port_is_told(folder: Path) -> None:
    with running("up", folder) as service:
        told = _fails("up", PORT=str(service.port), DATA=str(folder / "other"))
        assert f"Cannot listen on 127.0.0.1 port {service.port}: Address already in use" in told


def test_serve_runs_several_workers_that_end_with_their_parent(own_database: str, tmp_path: Path) -> None:
    port = free_port()
    for ending in (signal.SIGTERM, signal.SIGKILL):  # the second start needs the port that the first one had
        with running("serve", tmp_path, port, DATABASE_URL=own_database, HELIODESK_WORKERS="2") as service:
            _admin_key(service)
            service.stop(ending)


async def test_serve_takes_the_admin_key_of_the_operator(own_database: str, tmp_path: Path) -> None:
    key = "an-operator's-own-secret"
    with running("serve", tmp_path, DATABASE_URL=own_database, HELIODESK_ADMIN_KEY=key) as service:
        assert not KEY.search(service.printed())
        assert await _kind(own_database, key) == "admin"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "DATABASE_URL is not set"),
        ("mysql://root:secret@127.0.0.1/x", "does not begin with postgresql://"),
        ("postgresql://root:secret@127.0.0.1:1/x", "The database cannot be used"),
    ],
)
def test_an_unfit_database_is_told_without_its_password(url: str, told: str) -> None:
    error = _fails("serve", DATABASE_URL=url, PORT=str(free_port()))
    assert told in error
    assert "secret" not in error


def test_a_wrong_setting_is_told() -> None:
    assert _fails("up", HELIODESK_WORKERS="900") == "heliodesk: workers: Input should be less than or equal to 64\n"
