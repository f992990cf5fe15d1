"""``heliodesk plan backtest`` as a person runs it: what it prints, and how it exits."""

from datetime import timedelta
from pathlib import Path
from typing import Final

from tests.support.actors import make_account
from tests.support.desk import connected, now_of, open_at, store_plan
from tests.support.documents import PLANS
from tests.support.service import heliodesk
from tests.support.tickets import P1

KEY: Final = "wati-business-plus"


async def test_it_prints_what_a_plan_would_have_made_of_the_past(own_database: str, tmp_path: Path) -> None:
    async with connected(own_database) as sessions:
        account = (await make_account(sessions, await store_plan(sessions, KEY))).account_id
        opened = await now_of(sessions) - timedelta(minutes=20)
        ticket, later = await open_at(sessions, account, opened, opened + timedelta(minutes=19), **P1)
    file, change = tmp_path / "draft.json", tmp_path / "change.yaml"
    file.write_text(PLANS[KEY].model_dump_json().replace("PT30M", "PT10M"))
    change.write_text("targets: {P1: {first_response: PT10M}}")
    for arguments in ([str(file)], [KEY, "--change", str(change), "--account", account], ["--change", str(change)]):
        code, printed, errors = _backtest(own_database, *arguments, "--since", f"{opened:%Y-%m-%d}")
        assert code == 0, errors
        lines = [line.split() for line in printed.splitlines()]
        assert ["first_response", "P1", "first", "-", "-", "0", "of", "0", "0.0%", "0", "of", "1"] in lines
        [missed] = [line for line in lines if line[:1] == ["missed"]]
        assert missed[2:7] == [ticket, "first_response/1", "P1", "open", "missed"]
        assert (later in printed, printed.splitlines()[-1]) == (
            False,
            "2 tickets. Promises missed by this plan alone: 1; by the recorded one alone: 0",
        )


async def test_it_tells_why_not(own_database: str, tmp_path: Path) -> None:
    faulty = tmp_path / "faulty.yaml"
    faulty.write_text("key: small")
    told = {
        ("none",): "heliodesk: /plan: There is no plan none",
        (f"{KEY}@9",): f"heliodesk: /version: There is no version 9 of the plan {KEY}",
        (str(faulty),): f"heliodesk: {faulty}:1: /priorities: ",
        ("plans/none.yaml",): "heliodesk: plans/none.yaml is neither a file, nor a plan's key, nor of the form ",
        (KEY, "--change", "none.yaml"): "heliodesk: none.yaml: No such file or directory",
        (KEY, "--account", "me"): "heliodesk: account_id: ",
    }
    for arguments, error in told.items():
        code, printed, errors = _backtest(own_database, *arguments, "--since", "2026-09-01")
        assert (code, printed, errors[: len(error)]) == (1, "", error)


def _backtest(database: str, *arguments: str) -> tuple[int, str, str]:
    return heliodesk("plan", "backtest", *arguments, DATABASE_URL=database)
