"""``heliodesk plan`` as a person runs it: what it prints, and how it exits."""

from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.commands.plan import plans
from app.core.db.engine import Sessions
from tests.support.actors import make_account
from tests.support.desk import connected, fetch, now_of, open_at, store_plan
from tests.support.documents import PLANS, SMALL, TEXTS
from tests.support.service import heliodesk

KEY = "wati-business-plus"


def plan(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """The exit code, and what is printed on either stream, by a process of its own."""
    return heliodesk("plan", *arguments, **environment)


def here(*arguments: str) -> tuple[int, str]:
    """The exit code and what is printed, in this process: for what needs no database."""
    result = CliRunner().invoke(plans, arguments)
    return result.exit_code, result.stdout


@pytest.fixture
def small(tmp_path: Path) -> Path:
    file = tmp_path / "small.yaml"
    file.write_text(SMALL)
    return file


def test_check_tells_what_a_good_plan_has(small: Path, tmp_path: Path) -> None:
    as_json = tmp_path / "pro.json"
    as_json.write_text(PLANS["wati-pro"].model_dump_json())
    code, printed = here("check", str(small), str(as_json))
    assert code == 0
    first, second = printed.splitlines()
    assert first.startswith(f"{small}: small: priorities ")
    assert second == f"{as_json}: wati-pro: priorities P1, P2, P3, P4; de, en, es, fr, pl"


def test_check_tells_every_fault_with_its_line_and_pointer(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    text = TEXTS["wati-pro"].replace("first_response: PT1H", "first_response: P1D").replace("[web", "[pigeon, web")
    file.write_text(text.replace("key: wati-pro\n", "", 1))
    none, binary, twin = tmp_path / "none.yaml", tmp_path / "binary.yaml", tmp_path / "twin.yaml"
    binary.write_bytes(b"\xff")
    twin.write_text("key: a\nname: {en: A}\nkey: b\n")
    code, printed = here("check", str(file), str(none), str(binary), str(twin))
    lines = file.read_text().splitlines()
    at = 1 + next(number for number, line in enumerate(lines) if "P1D" in line)
    first = 1 + next(number for number, line in enumerate(lines) if line.startswith("public:"))
    assert code == 1
    told = printed.splitlines()
    assert f"{file}:{at}: /targets/P1/first_response: " in printed
    assert f"{file}:{first}: /key: The key `key` is required." in told
    assert told[-3:] == [
        f"{none}: No such file or directory",
        f"{binary}: This is not UTF-8 text",
        f"{twin}:1: /key: This key appears here twice.",
    ]


def test_check_knows_countries(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(SMALL.replace("{time_zone: account", "{holidays: {country: ZZ}, time_zone: account"))
    code, printed = here("check", str(file))
    assert (code, "/calendars/working/holidays/country: " in printed) == (1, True)


def test_diff_of_a_file_and_a_shipped_plan(tmp_path: Path) -> None:
    file = tmp_path / "ours.yaml"
    file.write_text(TEXTS["zmanda-premium"].replace("first_response: PT15M", "first_response: PT10M"))
    assert here("diff", "zmanda-premium", "zmanda-premium", "--exit-code") == (0, "")
    line = "targets/P1/first_response: PT15M -> PT10M\n"
    for options, code in (([], 0), (["--exit-code"], 1)):
        assert here("diff", "zmanda-premium", str(file), *options) == (code, line)


@pytest.mark.parametrize(
    ("names", "error"),
    [
        (("none", "wati-pro"), "none is neither a file, nor a shipped plan ("),
        (("wati-pro", "wati-pro@1", "--data", "nowhere"), "nowhere holds no database: set DATA "),
    ],
)
def test_diff_tells_what_it_cannot_find(names: tuple[str, str], error: str) -> None:
    code, printed, told = plan("diff", *names)
    assert (code, printed, error in told) == (1, "", True)


async def _late(sessions: Sessions) -> tuple[str, str]:
    """An account, and its ticket: P1, opened a quarter of an hour ago; a second version promises less."""
    account = await make_account(sessions, await store_plan(sessions, KEY))
    opened = await now_of(sessions) - timedelta(minutes=15)
    texts = {"business_impact": "No sales", "priority_reason": "All shops are down"}
    (ticket,) = await open_at(sessions, account.account_id, opened, priority="P1", **texts)
    targets = PLANS[KEY].canonical()["targets"]
    await store_plan(sessions, KEY, targets=targets | {"P1": {"first_response": "PT45M", "resolution": "PT4H"}})
    return account.account_id, ticket


async def test_c14_apply_shows_the_moves_and_makes_them(own_database: str) -> None:
    async with connected(own_database) as sessions:
        account, ticket = await _late(sessions)
        database = {"DATABASE_URL": own_database}
        assert plan("list", **database) == (0, f"{KEY}@2: Wati Business+\n", "")
        line = "targets/P1/first_response: PT30M -> PT45M\n"
        assert plan("diff", f"{KEY}@1", f"{KEY}@2", **database) == (0, line, "")
        version = "SELECT plan_version FROM tickets"
        for options, done, stored in ((["--dry-run"], "would change", 1), (["--account", account], "changed", 2)):
            code, printed, _ = plan("apply", KEY, "2", *options, **database)
            _, move, last = printed.splitlines()
            assert (code, last) == (0, f"1 ticket in scope, 1 {done}, 1 deadline moves")
            assert (move.split()[1:4]) == [ticket, "first_response/1", "moved"]
            assert await fetch(sessions, version) == [{"plan_version": stored}]
        [event] = await fetch(sessions, "SELECT actor FROM events WHERE type = 'plan.applied'")
        assert event["actor"] == {"kind": "automation", "name": "heliodesk plan apply"}


async def test_c14_apply_tells_why_not(own_database: str) -> None:
    async with connected(own_database) as sessions:
        await _late(sessions)
        told = {
            ("9",): "heliodesk: There is no version 9 of the plan wati-business-plus\n",
            ("2", "--map", "P7=P9"): "heliodesk: /priorities/P7: There is no priority P9: ",
            ("2", "--account", "me", "--map", "P7"): "heliodesk: account_ids.0: ",
        }
        for arguments, error in told.items():
            code, printed, errors = plan("apply", KEY, *arguments, DATABASE_URL=own_database)
            assert (code, printed, errors[: len(error)]) == (1, "", error)
        await fetch(sessions, "UPDATE deadlines SET detail = '{}'")
        code, printed, _ = plan("apply", KEY, "2", DATABASE_URL=own_database)
        assert (code, "stays as it is: KeyError: 'spans'" in printed) == (1, True)
