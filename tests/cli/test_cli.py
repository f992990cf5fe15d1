import asyncio
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import orjson
import pytest

from app.accounts.principals import authenticate
from app.cli.banner import admin_key_command, banner, keep_keys, keep_url
from app.cli.main import _for_trying
from app.cli.postgres.embedded import EmbeddedServer
from app.core.db.engine import make_engine
from app.core.problems import Unauthorized
from app.core.settings import Settings
from tests.support.ports import free_port, is_free
from tests.support.service import ROOT, Service, heliodesk, running
from tests.support.tickets import TICKET
from tests.support.waiting import until

KEY = re.compile(r"hd_admin_\w+")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where the databases of ``heliodesk up`` live."""
    with TemporaryDirectory(prefix="heliodesk-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[Service]:
    """``heliodesk up``, for the tests that leave it running."""
    with running("up", folder) as service:
        yield service


def _fails(*arguments: str, **environment: str) -> str:
    done = heliodesk(*arguments, **environment)
    assert done.code == 1
    assert "Traceback" not in done.errors
    return done.errors


def _admin_key(service: Service) -> str:
    keys = KEY.findall(service.printed())
    assert len(keys) == 1
    return str(keys[0])


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def _kind(url: str, key: str) -> str:
    engine = make_engine(url, pool_size=1)
    try:
        return (await authenticate(engine, key)).kind
    finally:
        await engine.dispose()


def test_up_prints_the_admin_key_and_where_it_serves(service: Service) -> None:
    answer = httpx.get(f"{service.url}/v1/plans", headers=_bearer(_admin_key(service)), trust_env=False)
    assert len(answer.json()["items"]) == 7
    assert f"Heliodesk serves on {service.url} " in service.printed()


def test_up_makes_a_demo_account_whose_keys_only_the_owner_can_read(service: Service, folder: Path) -> None:
    kept = folder / "data" / "demo.env"
    demo = variables(kept)
    assert kept.stat().st_mode & 0o777 == 0o600
    for key in (demo["ACCOUNT_KEY"], demo["AGENT_KEY"]):
        assert key in service.printed()
        answer = httpx.get(f"{service.url}/v1/accounts/{demo['ACCOUNT']}", headers=_bearer(key), trust_env=False)
        assert answer.json()["plan"] == "google-premium"


def test_up_keeps_its_address_and_an_admin_key_for_shells(service: Service, folder: Path) -> None:
    kept = variables(folder / "data" / "demo.env")
    assert kept["URL"] == service.url
    assert kept["ADMIN_KEY"] == _admin_key(service)


def test_commands_of_the_banner_work_as_pasted(service: Service, folder: Path, tmp_path: Path) -> None:
    """In a shell that stands in another folder. The line of the program itself is that of the tests' own command."""
    lines = service.printed().partition("In another terminal:\n")[2].splitlines()[:2]
    answered = subprocess.check_output(["/bin/bash", "-euc", "\n".join(lines)], cwd=tmp_path, env={"PATH": os.defpath})
    assert "items" in orjson.loads(answered)
    assert f"Another admin key:  {ROOT}/heliodesk admin-key --data {folder}/data" in service.printed()


def test_a_demo_has_a_page_of_another_origin_with_the_help_widget(service: Service, folder: Path) -> None:
    key = variables(folder / "data" / "demo.env")["WIDGET_KEY"]
    origin = f"http://127.0.0.1:{service.port + 1}"
    assert f'data-key="{key}"' in httpx.get(f"{origin}/demo/host", trust_env=False).text
    shown = {"Heliodesk-Identity": httpx.get(f"{origin}/demo/token", trust_env=False).text, "Origin": origin}
    answer = httpx.get(f"{service.url}/v1/tickets", headers=_bearer(key) | shown, trust_env=False)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, origin)


def test_a_demo_lets_webhooks_reach_this_machine_and_says_so(service: Service, folder: Path) -> None:
    key = variables(folder / "data" / "demo.env")["ACCOUNT_KEY"]
    endpoint = {"url": "http://127.0.0.1:9/", "events": ["ticket.opened"]}
    answer = httpx.post(f"{service.url}/v1/webhooks", json=endpoint, headers=_bearer(key), trust_env=False)
    assert answer.status_code == 201, answer.text
    assert "Webhooks may be sent to this machine" in service.printed()


def test_a_demo_is_reached_by_the_links_that_it_makes(service: Service, folder: Path) -> None:
    keys = variables(folder / "data" / "demo.env")
    ticket = httpx.post(
        f"{service.url}/v1/tickets",
        json=TICKET,
        headers=_bearer(keys["WIDGET_KEY"]) | {"Origin": service.url, "Idempotency-Key": "g" * 32},
        trust_env=False,
    )
    assert ticket.status_code == 201, ticket.text
    path = f"{service.url}/v1/tickets/{ticket.json()['id']}/links"
    link = httpx.post(path, json={}, headers=_bearer(keys["ACCOUNT_KEY"]), trust_env=False)
    assert link.json()["url"].startswith(f"{service.url}/help#")


@pytest.mark.parametrize("said", ["", "10.0.0.0/8"])
def test_where_an_operator_says_where_webhooks_may_go_a_demo_adds_nothing(
    said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HELIODESK_ALLOW_NETWORKS", said)
    settings = Settings()
    assert _for_trying(settings, 8000).allow_networks == settings.allow_networks


def test_where_an_operator_says_how_people_reach_it_a_demo_leaves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELIODESK_PUBLIC_URL", "https://desk.example.com")
    assert str(_for_trying(Settings(), 8000).public_url) == "https://desk.example.com/"


def test_a_folder_with_a_space_is_quoted(tmp_path: Path) -> None:
    data = tmp_path / "my data"
    keep_keys(data / "demo.env", {"ACCOUNT": "acc_1"})
    keep_url(data / "demo.env", "http://127.0.0.1:8000")
    keep_url(data / "demo.env", "http://127.0.0.1:8001")
    assert variables(data / "demo.env") == {"URL": "http://127.0.0.1:8001", "ACCOUNT": "acc_1"}
    assert f"  . '{data}/demo.env'\n" in banner("http://127.0.0.1:8001", data, data / "demo.env")
    assert admin_key_command(data).endswith(f" admin-key --data '{data}'")


def variables(file: Path) -> dict[str, str]:
    """What a file for shells sets."""
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


def test_a_second_up_on_the_same_data_is_refused(service: Service, folder: Path) -> None:
    told = _fails("up", PORT=str(free_port()), DATA=str(folder / "data"))
    assert told == f"heliodesk: {folder / 'data'} is in use by process {service.process.pid}\n"


def test_a_busy_port_is_told(service: Service, folder: Path) -> None:
    told = _fails("up", PORT=str(service.port), DATA=str(folder / "other"))
    assert f"Cannot listen on 127.0.0.1 port {service.port}: Address already in use" in told


@pytest.mark.usefixtures("service")
async def test_another_admin_key_can_be_made_while_it_runs(folder: Path) -> None:
    key = heliodesk("admin-key", DATA=str(folder / "data")).printed.strip()
    url = EmbeddedServer(folder / "data").url()
    assert await _kind(url, key) == "admin"
    with pytest.raises(Unauthorized):
        await _kind(url, key[:-1] + "?")


def test_however_it_ends_the_next_start_keeps_the_data(folder: Path) -> None:
    place = folder / "ended"
    place.mkdir()
    port = free_port()  # each start needs the port that the one before had
    for ending, code in ((signal.SIGTERM, 0), (signal.SIGINT, 130), (signal.SIGKILL, -9), (signal.SIGTERM, 0)):
        with running("up", place, port, DEMO="0") as service:
            assert service.stop(ending) == code
    assert service.printed().count("shown once") == 1
    assert service.printed().count("shown at the first start") == 3
    assert not (place / "data" / "demo.env").exists()


async def test_serve_runs_several_workers_that_end_with_their_parent(own_database: str, tmp_path: Path) -> None:
    port = free_port()
    for ending in (signal.SIGKILL, signal.SIGTERM):
        with running("serve", tmp_path, port, DATABASE_URL=own_database, HELIODESK_WORKERS="2") as service:
            _admin_key(service)
            await asyncio.to_thread(service.stop, ending)
        await until(lambda: is_free(port))  # which workers have, too


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


@pytest.mark.parametrize(
    "arguments", [["migrate"], ["admin-key"], ["demo"], ["check"], ["plan", "list"], ["plan", "apply", "a", "1"]]
)
def test_every_command_tells_of_a_database_that_does_not_answer_in_one_line(arguments: list[str]) -> None:
    told = _fails(*arguments, DATABASE_URL="postgresql://root:secret@127.0.0.1:1/x")
    assert told.startswith("heliodesk: The database cannot be used: ")
    assert told.count("\n") == 1


def test_a_malformed_admin_key_is_told_in_one_line() -> None:
    told = _fails("up", HELIODESK_ADMIN_KEY="a")
    assert told.startswith("heliodesk: HELIODESK_ADMIN_KEY: It needs at least 16 printable ASCII characters")
    assert told.count("\n") == 1


def test_wrong_settings_are_told_in_a_line_each() -> None:
    assert _fails("up", HELIODESK_WORKERS="900", HELIODESK_LOG_LEVEL="loud").splitlines() == [
        "heliodesk: HELIODESK_WORKERS: This has to be at most 64",
        "heliodesk: HELIODESK_LOG_LEVEL: This has to be one of: 'DEBUG', 'INFO', 'WARNING', 'ERROR'",
    ]


def test_a_data_folder_that_cannot_be_read_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    told = _fails("admin-key", "--data", str(loop))
    assert told.startswith(f"heliodesk: {loop} cannot be read (Too many levels of symbolic links): set DATA ")


def test_a_data_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert _fails("up", DATA=str(tmp_path / "file")) == (
        f"heliodesk: The folder {tmp_path}/file cannot be used: File exists\n"
    )


@pytest.mark.parametrize(
    "arguments", [["admin-key"], ["demo"], ["check"], ["plan", "list"], ["plan", "apply", "a", "1"]], ids=" ".join
)
def test_a_command_makes_no_database(arguments: list[str], tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    told = _fails(*arguments, DATA=str(nowhere))
    assert told.startswith(f"heliodesk: {nowhere} holds no database: set DATA (or --data) ")
    assert (told.count("\n"), nowhere.exists()) == (1, False)


@pytest.mark.parametrize("left", ["an empty folder", "a link to nothing", "an unfinished folder"])
def test_what_is_left_of_a_database_is_not_made_into_one(left: str, tmp_path: Path) -> None:
    place = tmp_path / "postgres"
    if left == "a link to nothing":
        place.symlink_to(tmp_path / "gone")
    else:
        place.mkdir()
    if left == "an unfinished folder":
        (place / "base").mkdir()
    before = sorted(tmp_path.rglob("*"))
    assert _fails("admin-key", "--data", str(tmp_path)).startswith(f"heliodesk: {tmp_path} holds no database: ")
    assert sorted(tmp_path.rglob("*")) == before
