"""``heliodesk check`` as an operator runs it: what it prints, and how it exits."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.core.db.engine import Sessions
from tests.support.actors import make_account
from tests.support.checking import check, summary
from tests.support.desk import connected, fetch, now_of, open_at, store_plan
from tests.support.sweeping import run_pass
from tests.support.zones import make_zones


async def _tickets(sessions: Sessions) -> tuple[str, list[str]]:
    plan = await store_plan(sessions, "wati-business-plus")
    account = await make_account(sessions, plan)
    await open_at(sessions, (await make_account(sessions, plan)).account_id, await now_of(sessions))
    made = await open_at(sessions, account.account_id, *[await now_of(sessions) - timedelta(hours=3)] * 2)
    await run_pass(sessions)
    return account.account_id, made


async def test_c18_check_replays_and_says_what_differs(own_database: str) -> None:
    async with connected(own_database) as sessions:
        account, [first, second] = await _tickets(sessions)
        code, [last], errors = check(own_database)
        assert (code, summary(last), errors) == (0, ("3", "none"), "")
        await fetch(sessions, f"UPDATE tickets SET tier = 2 WHERE id = '{first}'")  # noqa: S608  our own id
        code, [line, last], _ = check(own_database, "--account", account)
        assert (code, line) == (1, f"{first} ticket tier: stored 2, replayed 1\n")
        assert summary(last) == ("2", "1 in 1 of them")
        code, [last], _ = check(own_database, "--ticket", second, "--since", "2020-01-01")
        assert (code, summary(last)) == (0, ("1", "none"))
        code, [last], _ = check(own_database, "--since", "2100-01-01T00:00:00Z")
        assert (code, summary(last)) == (0, ("0", "none"))
        assert check(own_database, "--ticket", "tkt_none") == (1, [], "heliodesk: There is no such ticket\n")


async def test_c14_check_tells_what_other_time_zones_would_move(own_database: str, tmp_path: Path) -> None:
    make_zones(tmp_path, {"America/New_York": "Asia/Tokyo"})
    async with connected(own_database) as sessions:
        account = await make_account(sessions, await store_plan(sessions, "zmanda-standard"))
        [ticket] = await open_at(sessions, account.account_id, datetime(2026, 11, 23, 14, tzinfo=UTC), priority="P2")
        error = f"heliodesk: {tmp_path} holds no compiled time zones\n"
        assert check(own_database, "--zoneinfo", str(tmp_path)) == (1, [], error)
        make_zones(tmp_path, {"UTC": "UTC"})
        code, [line, last], _ = check(own_database, "--zoneinfo", str(tmp_path))
    assert line == (
        f"{ticket} first_response/1: due 2026-11-23T17:00:00.000000Z,"
        f" would move to 2026-11-24T02:00:00.000000Z by tzdata {tmp_path}\n"
    )
    assert (code, summary(last)) == (0, ("1", "none. To know: 1"))
