from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from orjson import dumps
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.problems import Invalid, NotFound
from app.core.process.memory import Memory
from app.plans import store
from app.plans.document.parsing.documents import PlanDocument, parse
from app.plans.holidays import dates_of, expand_holidays
from app.plans.models import HolidaySetRow, PlanVersionRow
from tests.support.documents import small, store_version

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def closed_on(**holidays: Any) -> PlanDocument:
    working = small()["calendars"]["working"] | {"holidays": holidays}
    return parse(small(calendars={"working": working}))


async def test_the_shipped_plans_are_stored_once(session: AsyncSession) -> None:
    first = await store.load_builtin(session, NOW)
    assert [(row.key, row.version) for row in first] == [(plan.key, 1) for plan in store.builtin_plans()]
    assert not await store.load_builtin(session, NOW + timedelta(days=400))


async def test_an_operators_version_stays_current_through_a_restart(session: AsyncSession) -> None:
    await store.load_builtin(session, NOW)
    (pro,) = [plan for plan in store.builtin_plans() if plan.key == "wati-pro"]
    await store_version(session, pro.model_copy(update={"warn_at": [80]}), NOW)
    assert not await store.load_builtin(session, NOW)
    assert await store.current_version(session, "wati-pro") == 2
    assert (await store.document(session, Memory(), "wati-pro", 2)).warn_at == [80]


async def test_c14_a_version_is_never_changed_by_the_next_one(session: AsyncSession) -> None:
    for warn_at in ([10], [20], [30]):
        await store_version(session, parse(small(warn_at=warn_at)), NOW)
    assert [(await store.document(session, Memory(), "small", n)).warn_at for n in (1, 2, 3)] == [[10], [20], [30]]


async def test_an_archived_version_is_not_current(session: AsyncSession) -> None:
    await store_version(session, parse(small()), NOW)
    newest = await store_version(session, parse(small(warn_at=[9])), NOW)
    newest.archived_at = NOW
    await session.flush()
    assert await store.current_version(session, "small") == 1
    assert await store.current_version(session, "other") is None


async def test_a_plan_that_comes_from_the_database_reads_in_the_order_in_which_it_is_told(
    session: AsyncSession,
) -> None:
    backwards = parse(
        small(
            addons={"tam": {"notify_tam": True}, "hybrid": {"tiers": 3}},
            targets={"cold": {"update": "PT9H", "first_response": "PT8H"}, "hot": {"resolution": "PT4H"}},
            pause={"mitigated": ["update"], "open": ["resolution"]},
            on_miss={"update": ["notify_manager"], "next_response": ["reassign"]},
            objectives={"resolution": 0.9, "next_response": 0.8, "first_response": 0.7},
            problems={"targets": {"resolved": "PT9H", "known_error": "PT4H"}},
        )
    )
    for row in (*await store.load_builtin(session, NOW), await store_version(session, backwards, NOW)):
        read = await store.document(session, Memory(), row.key, row.version)
        assert dumps(read.canonical()) == dumps(row.document)
    kept = await session.scalar(select(PlanVersionRow.document).where(PlanVersionRow.key == "small"))
    assert kept is not None
    assert list(kept["objectives"]) != list(read.objectives)
    assert list(read.targets) == ["hot", "cold"]
    assert list(read.targets["cold"]) == ["first_response", "update"]
    assert list(read.pause) == ["open", "mitigated"]
    assert list(read.on_miss) == ["next_response", "update"]
    assert list(read.objectives) == ["first_response", "next_response", "resolution"]
    assert list(read.addons) == ["hybrid", "tam"]
    assert read.problems
    assert list(read.problems.targets) == ["known_error", "resolved"]


async def test_a_trial_plan_has_to_exist(session: AsyncSession) -> None:
    with pytest.raises(Invalid) as refusal:
        await store_version(session, parse(small(trial="gone")), NOW)
    assert refusal.value.errors[0]["pointer"] == "/trial"
    await store_version(session, parse(small(trial="small")), NOW)


async def test_a_stored_version_is_read_once_by_a_process(session: AsyncSession) -> None:
    await store_version(session, parse(small()), NOW)
    memory = Memory()
    first = await store.document(session, memory, "small", 1)
    await session.execute(delete(PlanVersionRow))
    assert await store.document(session, memory, "small", 1) is first
    with pytest.raises(NotFound):
        await store.document(session, Memory(), "small", 1)


async def test_c01_a_named_country_becomes_dates_when_the_version_is_stored(session: AsyncSession) -> None:
    row = await store_version(session, closed_on(country="US", subdivision="NY", dates=["2026-11-27"]), NOW)
    dates = row.document["calendars"]["working"]["holidays"]["dates"]
    assert {"2026-11-26", "2026-11-27", "2025-12-25", "2036-12-25"} <= set(dates)
    assert dates == sorted(set(dates))
    assert parse(row.document).canonical() == row.document


async def test_c01_the_accounts_own_holidays_are_not_put_into_the_version(session: AsyncSession) -> None:
    row = await store_version(session, closed_on(country="account"), NOW)
    assert row.document["calendars"]["working"]["holidays"]["dates"] == []


@pytest.mark.parametrize("place", [{"country": "XX"}, {"country": "US", "subdivision": "ZZ"}])
async def test_c01_an_unknown_country_is_refused(session: AsyncSession, place: dict[str, str]) -> None:
    with pytest.raises(Invalid) as refusal:
        await store_version(session, closed_on(**place), NOW)
    assert refusal.value.errors[0]["pointer"] == "/calendars/working/holidays/country"


async def test_c01_more_dates_than_a_calendar_keeps_are_refused(session: AsyncSession) -> None:
    days = [(date(1990, 1, 1) + timedelta(days=number)).isoformat() for number in range(990)]
    with pytest.raises(Invalid) as refusal:
        await store_version(session, closed_on(country="PL", dates=days), NOW)
    assert refusal.value.errors[0]["pointer"] == "/calendars/working/holidays/dates"


async def test_holidays_are_named_by_their_content(session: AsyncSession) -> None:
    first = await expand_holidays(session, "PL", None, range(2026, 2028))
    again = await expand_holidays(session, "PL", None, range(2026, 2028))
    more = await expand_holidays(session, "PL", None, range(2026, 2029))
    assert first.id == again.id != more.id
    assert first.id.startswith("hol_")
    assert await session.scalar(select(func.count()).select_from(HolidaySetRow)) == 2
    assert date(2026, 11, 11) in await dates_of(session, Memory(), first.id)


async def test_an_unknown_holiday_set_is_no_empty_one(session: AsyncSession) -> None:
    assert await dates_of(session, Memory(), None) == frozenset()
    with pytest.raises(NotFound):
        await dates_of(session, Memory(), "hol_x")


async def test_calendars_are_compiled_once_for_a_zone_and_its_holidays(session: AsyncSession) -> None:
    await store.load_builtin(session, NOW)
    poland = (await expand_holidays(session, "PL", None, [2026])).id
    memory = Memory()
    name: dict[str, Any] = {"key": "wati-pro", "version": 1, "zone": "Europe/Warsaw"}
    first = await store.calendars(session, memory, **name, holiday_set=poland)
    assert await store.calendars(session, memory, **name, holiday_set=poland) is first
    assert await store.calendars(session, memory, **name, holiday_set=None) is not first
