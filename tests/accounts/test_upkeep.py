"""C01, C14: holidays are what they were when they were stored; later years are added for later tickets alone."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import holidays
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import upkeep
from app.accounts.models import AccountRow
from app.accounts.schemas import NewAccount
from app.accounts.upkeep import extend_all_holidays
from app.accounts.usecases.customers import create_account
from app.calendars.hours import WEEKDAYS
from app.core.db.engine import Sessions
from app.core.db.session import transaction
from app.core.db.tables import Row
from app.core.process.memory import Memory
from app.core.state import State
from app.plans.document.parsing.documents import parse, parse_yaml
from app.plans.store import BUILTIN, extend_version
from tests.support.actors import make_account
from tests.support.desk import fetch, now_of, open_at, store_plan
from tests.support.documents import store_version
from tests.support.replaying import replayed
from tests.support.stories import Begin

LONG_AGO = datetime(2016, 2, 1, 12, tzinfo=UTC)
POLISH: Final = {"time_zone": "Europe/Warsaw", "country": "PL"}
WEEKLY: Final = {day: [["09:00", "17:00"]] for day in WEEKDAYS}
PLAN: Final[dict[str, Any]] = {
    "calendars": {
        "own": {"time_zone": "account", "weekly": WEEKLY, "holidays": {"country": "account"}},
        "named": {
            "time_zone": "account",
            "weekly": WEEKLY,
            "holidays": {"country": "PL", "dates": ["2016-02-02"]},
        },
    },
    "targets": {
        "P1": {
            "first_response": {"duration": "PT8H", "calendar": "own"},
            "resolution": {"duration": "PT8H", "calendar": "named"},
        }
    },
    "default_priority": "P1",
}
"""Eight hours on every day that is no holiday."""


def november(_country: str, *, subdiv: str | None = None, years: Iterable[int]) -> dict[date, str]:
    """What a library says that has changed its mind about everything."""
    assert subdiv is None
    return {date(year, 11, day): "A holiday" for year in years for day in range(1, 31)}


async def stored(sessions: Sessions) -> list[Any]:
    tables = ("accounts", "deadlines", "holiday_sets", "plan_versions", "tickets")
    return [await fetch(sessions, f"SELECT * FROM {name} ORDER BY 1, 2") for name in tables]  # noqa: S608  our own


async def dues(sessions: Sessions, ticket_id: str) -> set[datetime]:
    return {row["due_at"] for row in await fetch(sessions, "SELECT * FROM deadlines WHERE ticket_id = $1", ticket_id)}


async def test_c01_another_version_of_the_holidays_library_moves_nothing_that_is_stored(
    begin: Begin, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store_plan(sessions, "wati-pro", **PLAN)
    story = await begin("wati-pro", **POLISH)
    account_id = story.account.account_id
    eve = datetime((await now_of(sessions)).year + 1, 11, 10, 12, tzinfo=UTC)  # 13:00; the 11th is a holiday in Poland
    promised = {eve + timedelta(days=2)}
    [ticket_id] = await open_at(sessions, account_id, eve)
    assert await dues(sessions, ticket_id) == promised
    before = await stored(sessions)

    monkeypatch.setattr(holidays, "country_holidays", november)
    sessions.kw["info"]["memory"] = Memory()  # as a process has that was started with the other library
    await extend_all_holidays(sessions)
    assert await stored(sessions) == before
    path = f"/v1/tickets/{ticket_id}"
    await story.engineer.post(f"{path}/status", status="waiting_on_customer", message="Which version?")
    await story.customer.post(f"{path}/messages", 201, body="The newest one.")
    assert await dues(sessions, ticket_id) == promised
    assert await replayed(sessions) == []
    [later] = await open_at(sessions, account_id, eve)
    assert await dues(sessions, later) == promised

    anew = await make_account(sessions, await store_plan(sessions, "wati-pro", **PLAN), **POLISH)
    [other] = await open_at(sessions, anew.account_id, eve)
    assert await dues(sessions, other) == {datetime(eve.year, 12, 1, 16, tzinfo=UTC)}


async def old_account(sessions: Sessions, plan: str, **fields: Any) -> AccountRow:
    """An account that was stored long ago."""
    command = NewAccount(**{"name": "Zima", "plan": plan} | POLISH | fields)
    async with transaction(sessions) as session:
        return await create_account(session, command, now=LONG_AGO)


async def old_plan(sessions: Sessions) -> str:
    """A plan with Poland's holidays that was stored long ago."""
    document = parse_yaml((BUILTIN / "wati-pro.yaml").read_text()).canonical() | {"trial": None} | PLAN
    async with transaction(sessions) as session:
        return (await store_version(session, parse(document), LONG_AGO)).key


async def holidays_of(sessions: Sessions, account: AccountRow) -> Row:
    [row] = await fetch(
        sessions,
        "SELECT h.* FROM accounts AS a JOIN holiday_sets AS h ON h.id = a.holiday_set WHERE a.account_id = $1",
        account.account_id,
    )
    return row


async def versions(sessions: Sessions) -> list[tuple[int, bytes, list[str]]]:
    rows = await fetch(sessions, "SELECT * FROM plan_versions ORDER BY key, version")
    named = [row["document"]["calendars"]["named"]["holidays"]["dates"] for row in rows]
    return [(row["version"], row["document_hash"], dates) for row, dates in zip(rows, named, strict=True)]


async def test_c01_years_are_added_before_they_are_needed_for_later_tickets_alone(sessions: Sessions) -> None:
    plan = await old_plan(sessions)
    account, year = await old_account(sessions, plan), (await now_of(sessions)).year
    [before] = await open_at(sessions, account.account_id, await now_of(sessions))
    old, [first] = await holidays_of(sessions, account), await versions(sessions)
    assert (old["dates"][-1], first[2][-1]) == ("2026-12-26", "2026-12-26")
    for _ in range(2):
        await extend_all_holidays(sessions)
    new, [kept, second] = await holidays_of(sessions, account), await versions(sessions)
    assert (kept, second[:2]) == (first, (2, first[1]))
    for early, late in ((old["dates"], new["dates"]), (first[2], second[2])):
        assert late[: len(early)] == early
        assert (late[len(early)], late[-1]) == ("2027-01-01", f"{year + 10}-12-26")
    [after] = await open_at(sessions, account.account_id, await now_of(sessions))
    pinned = await fetch(sessions, "SELECT id, plan_version, holiday_set FROM tickets ORDER BY opened_at")
    assert [tuple(row.values()) for row in pinned] == [(before, 1, old["id"]), (after, 2, new["id"])]
    assert await replayed(sessions) == []


async def test_c01_what_reaches_far_enough_stays_as_it_is(sessions: Sessions) -> None:
    account = await make_account(sessions, await store_plan(sessions, "wati-pro", **PLAN), **POLISH)
    before = await stored(sessions)
    await extend_all_holidays(sessions)
    assert await stored(sessions) == before
    assert (await holidays_of(sessions, account))["dates"]


async def test_c01_a_sandbox_knows_the_holidays_of_its_own_years(sessions: Sessions) -> None:
    plan = await store_plan(sessions, "wati-pro", **PLAN)
    account = await make_account(sessions, plan, **POLISH, sandbox={"starts_at": "2051-05-01T00:00:00Z"})
    await fetch(sessions, "UPDATE accounts SET sandbox_now = '2063-01-01'")
    await extend_all_holidays(sessions)
    dates = (await holidays_of(sessions, account))["dates"]
    assert (dates[0], dates[-1]) == ("2050-01-01", "2073-12-26")


async def test_a_country_that_is_not_known_any_more_keeps_what_it_has(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise NotImplementedError

    await old_account(sessions, await old_plan(sessions))
    before = await stored(sessions)
    monkeypatch.setattr(holidays, "country_holidays", unknown)
    await extend_all_holidays(sessions)
    assert await stored(sessions) == before


async def test_what_fails_for_one_plan_or_set_ends_no_other(
    sessions: Sessions, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await old_account(sessions, await old_plan(sessions))
    before = await holidays_of(sessions, account)

    async def breaks(session: AsyncSession, key: str, now: datetime) -> object:
        if key == "wati-pro":
            raise KeyError(key)
        return await extend_version(session, key, now)

    monkeypatch.setattr(upkeep, "extend_version", breaks)
    await extend_all_holidays(sessions, state.metrics)
    after = await holidays_of(sessions, account)
    assert (after["id"] == before["id"], after["dates"][-1] > before["dates"][-1]) == (False, True)
    failures = state.metrics.registry.get_sample_value("heliodesk_job_failures_total", {"job": "extend holidays"})
    assert failures == 1
