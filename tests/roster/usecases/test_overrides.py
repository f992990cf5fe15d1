"""Shift overrides: who may make them, what they contradict, and what the choice of experts makes of them."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest

from app.calendars.hours import ALWAYS, Calendar, CalendarSpec
from app.core.db.engine import Sessions
from app.core.state import State
from app.roster.choose import Cover, Expert, Need, Roster, choose, comes, next_available, on_duty, places, shift_end
from app.roster.usecases import overrides
from tests.support.actors import Headers, make_account, make_engineer, make_key
from tests.support.stories import Caller

NOON: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)


def daily(opens: int, closes: int) -> Calendar:
    return Calendar(CalendarSpec("UTC", dict.fromkeys(range(7), ((opens * 60, closes * 60),))))


DAY: Final = daily(9, 17)
NIGHT: Final = daily(17, 24)

# Noor works by day in emea and is covered from 11:00 to 15:00 by Ola, who works by night in apac.
NOOR: Final = Expert("noor", DAY, region="emea", covered=((NOON - HOUR, NOON + 3 * HOUR, "ola"),))
OLA: Final = Expert("ola", NIGHT, region="apac", covers=(Cover(NOON - HOUR, NOON + 3 * HOUR, DAY, "emea"),))


# --- the choice ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hour", "noor", "ola"),
    [(8, False, False), (10, True, False), (11, False, True), (14, False, True), (15, True, False), (18, False, True)],
)
def test_who_covers_is_on_duty_in_the_place_of_whoever_is_covered(hour: int, noor: bool, ola: bool) -> None:  # noqa: FBT001
    now = NOON.replace(hour=hour)
    assert (on_duty(NOOR, now), on_duty(OLA, now)) == (noor, ola)
    taken = choose(Need("t"), Roster((NOOR, OLA)), now).engineer_id
    assert taken == ("noor" if noor else "ola" if ola else None)


def test_who_is_covered_is_hindered_by_that() -> None:
    found = {each.engineer_id: each.reason for each in choose(Need("t"), Roster((NOOR, OLA)), NOON).candidates}
    assert found == {"noor": "covered", "ola": "only"}


def test_a_cover_begins_and_ends_duties() -> None:
    assert shift_end(NOOR, NOON - 2 * HOUR) == NOON - HOUR
    assert comes(NOOR, NOON) == NOON + 3 * HOUR
    assert comes(OLA, NOON - 2 * HOUR) == NOON - HOUR
    assert shift_end(OLA, NOON) == NOON + 3 * HOUR
    assert next_available("emea", Roster((OLA,)), NOON - 2 * HOUR) == NOON - HOUR
    assert next_available("emea", Roster((OLA,)), NOON) is None
    assert next_available("apac", Roster((OLA,)), NOON - 2 * HOUR) == NOON + 5 * HOUR


def test_a_cover_that_adjoins_the_own_shift_makes_one_duty_but_for_a_ticket_of_one_region() -> None:
    until = NOON.replace(hour=17)
    ola = replace(OLA, covers=(Cover(NOON, until, DAY, "emea"),))
    midnight = NOON + 12 * HOUR
    assert shift_end(ola, NOON) == midnight
    assert shift_end(ola, NOON, "emea") == until
    assert shift_end(ola, NOON, "apac") == midnight


def test_who_covers_works_in_the_region_of_whose_shift_it_is() -> None:
    assert places(OLA, NOON) == ("emea",)
    assert places(OLA, NOON + 6 * HOUR) == ("apac",)
    assert places(OLA, NOON + 4 * HOUR) == ("apac",)  # off shift
    assert places(replace(OLA, calendar=ALWAYS), NOON) == ("apac", "emea")
    for lock, taken in (("emea", "ola"), ("apac", None)):
        assert choose(Need("t", region_lock=lock), Roster((NOOR, OLA)), NOON).engineer_id == taken


def test_absences_go_before_a_cover_and_a_cover_goes_on_though_the_other_is_absent() -> None:
    away = ((NOON, NOON + HOUR),)
    assert not on_duty(replace(OLA, absences=away), NOON)
    assert on_duty(replace(OLA, absences=away), NOON + HOUR)
    assert on_duty(OLA, NOON)
    assert choose(Need("t"), Roster((replace(NOOR, absences=away), OLA)), NOON).engineer_id == "ola"


# --- the API ---------------------------------------------------------------------------------------------------

Make = Callable[..., Awaitable[Any]]
FROM: Final = "2026-12-24T08:00:00Z"
UNTIL: Final = "2026-12-25T08:00:00Z"


@pytest.fixture
def roster(client: httpx.AsyncClient, admin: Headers) -> Caller:
    return Caller(client, admin)


@pytest.fixture
async def ids(sessions: Sessions) -> list[str]:
    """Noor, Ola and Tom."""
    return [(await make_engineer(sessions, name=name)).id for name in ("Noor", "Ola", "Tom")]


def cover(by: str, since: str = FROM, until: str = UNTIL) -> dict[str, Any]:
    return {"covered_by": by, "from": since, "until": until}


async def test_an_override_is_made_listed_and_deleted(roster: Caller, ids: list[str]) -> None:
    noor, ola, _ = ids
    made = await roster.post(f"/v1/engineers/{noor}/overrides", 201, **cover(ola))
    assert made.items() >= {"engineer_id": noor, "covered_by": ola, "from": FROM, "until": UNTIL}.items()
    for each in (noor, ola):
        assert (await roster.get(f"/v1/engineers/{each}/overrides"))["items"] == [made]
    path = f"/v1/engineers/{noor}/overrides/{made['id']}"
    assert (await roster.send("DELETE", path)).status_code == 204
    assert (await roster.send("DELETE", path)).status_code == 404
    assert (await roster.get(f"/v1/engineers/{noor}/overrides"))["items"] == []


async def test_the_list_is_paged_in_the_order_of_time(roster: Caller, ids: list[str]) -> None:
    noor, ola, _ = ids
    for day in (3, 1, 2):
        span = cover(ola, f"2026-12-0{day}T00:00:00Z", f"2026-12-0{day}T12:00:00Z")
        await roster.post(f"/v1/engineers/{noor}/overrides", 201, **span)
    path, seen = f"/v1/engineers/{noor}/overrides", []
    page = await roster.get(path, limit=1)
    while page["next_cursor"]:
        seen += page["items"]
        page = await roster.get(path, limit=1, cursor=page["next_cursor"])
    assert [each["from"][8:10] for each in [*seen, *page["items"]]] == ["01", "02", "03"]


async def test_what_is_refused(roster: Caller, ids: list[str], sessions: Sessions) -> None:
    noor, ola, _ = ids
    path = f"/v1/engineers/{noor}/overrides"
    gone = (await make_engineer(sessions, active=False)).id
    unknown = "eng_00000000000000000000000000"
    for body, place in (
        (cover(noor), "/covered_by"),
        (cover(gone), "/covered_by"),
        (cover(unknown), "/covered_by"),
        (cover(ola, UNTIL, FROM), ""),
        (cover(ola, FROM, FROM), ""),
        (cover(ola) | {"reason": "x"}, "/reason"),
        ({"covered_by": ola, "from": FROM}, "/until"),
    ):
        problem = await roster.post(path, 422, **body)
        assert [fault["pointer"] for fault in problem["errors"]] == [place]
    await roster.post(f"/v1/engineers/{unknown}/overrides", 404, **cover(ola))
    assert (await roster.get(path))["items"] == []


@pytest.mark.parametrize(
    ("whom", "by"),
    [(0, 2), (0, 1), (1, 2), (2, 0)],
    ids=["covered already", "twice the same", "who covers leaves", "who is covered covers"],
)
@pytest.mark.parametrize("span", [(FROM, UNTIL), ("2026-12-25T07:59:59Z", "2026-12-26T00:00:00Z")])
async def test_overrides_that_contradict_each_other_are_refused(
    roster: Caller, ids: list[str], whom: int, by: int, span: tuple[str, str]
) -> None:
    first = await roster.post(f"/v1/engineers/{ids[0]}/overrides", 201, **cover(ids[1]))
    problem = await roster.post(f"/v1/engineers/{ids[whom]}/overrides", 409, **cover(ids[by], *span))
    assert problem["override"] == first["id"]
    await roster.post(f"/v1/engineers/{ids[whom]}/overrides", 201, **cover(ids[by], UNTIL, "2026-12-26T00:00:00Z"))


async def test_one_may_cover_for_two_and_an_absent_one_for_nobody(
    roster: Caller, ids: list[str], sessions: Sessions
) -> None:
    noor, ola, tom = ids
    for each in (noor, tom):
        await roster.post(f"/v1/engineers/{each}/overrides", 201, **cover(ola))
    away = [{"from": "2026-12-25T00:00:00Z", "to": "2026-12-27T00:00:00Z"}]
    absent = (await make_engineer(sessions, absences=away)).id
    later = cover(absent, "2026-12-26T00:00:00Z", "2026-12-26T01:00:00Z")
    problem = await roster.post(f"/v1/engineers/{noor}/overrides", 409, **later)
    assert problem["absence"] == away[0]


async def test_engineers_make_and_delete_their_own(
    ids: list[str], sessions: Sessions, client: httpx.AsyncClient
) -> None:
    noor, ola, tom = ids
    keys = {name: Caller(client, await make_key(sessions, "agent", engineer_id=name)) for name in ids}
    path = f"/v1/engineers/{noor}/overrides"
    await keys[tom].post(path, 403, **cover(ola))
    made = await keys[noor].post(path, 201, **cover(ola))
    assert (await keys[tom].send("DELETE", f"{path}/{made['id']}")).status_code == 403
    assert (await keys[tom].get(path))["items"] == [made]
    assert (await keys[ola].send("DELETE", f"/v1/engineers/{ola}/overrides/{made['id']}")).status_code == 204
    await keys[ola].post(path, 201, **cover(ola))


async def test_nobody_covers_across_rosters(roster: Caller, ids: list[str], sessions: Sessions, plans: None) -> None:
    del plans
    account = await make_account(sessions, "google-premium", sandbox=True)
    tested = (await make_engineer(sessions, account_id=account.account_id)).id
    await roster.post(f"/v1/engineers/{ids[0]}/overrides", 422, **cover(tested))
    await roster.post(f"/v1/engineers/{tested}/overrides", 422, **cover(ids[0]))


async def test_there_are_not_more_than_are_looked_at(
    roster: Caller, ids: list[str], state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state.settings, "max_overrides", 1)
    noor, ola, _ = ids
    await roster.post(
        f"/v1/engineers/{noor}/overrides", 201, **cover(ola, "2126-01-01T00:00:00Z", "2126-01-02T00:00:00Z")
    )
    problem = await roster.post(f"/v1/engineers/{noor}/overrides", 409, **cover(ola))
    assert (problem["quota"], problem["value"], problem["used"]) == ("overrides_per_engineer", 1, 1)


async def test_of_those_that_are_over_the_last_ones_are_kept(
    roster: Caller, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overrides, "KEPT", 2)
    noor, ola, tom = ids
    await roster.post(
        f"/v1/engineers/{tom}/overrides", 201, **cover(ola, "2019-12-01T00:00:00Z", "2019-12-02T00:00:00Z")
    )
    for day in (3, 1, 4, 2):
        span = cover(ola, f"2020-12-0{day}T00:00:00Z", f"2020-12-0{day}T12:00:00Z")
        await roster.post(f"/v1/engineers/{noor}/overrides", 201, **span)
    await roster.post(
        f"/v1/engineers/{noor}/overrides", 201, **cover(ola, "2126-01-01T00:00:00Z", "2126-01-02T00:00:00Z")
    )
    kept = (await roster.get(f"/v1/engineers/{noor}/overrides"))["items"]
    assert [each["from"][:10] for each in kept] == ["2020-12-03", "2020-12-04", "2126-01-01"]
    assert len((await roster.get(f"/v1/engineers/{tom}/overrides"))["items"]) == 1
