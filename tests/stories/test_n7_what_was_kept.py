"""N7: the objectives are measured and reported."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from app.core.state import State
from tests.support.recounting import counted
from tests.support.stories import Begin, Caller, Story, path_of

START: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
SANDBOX: Final = {"sandbox": {"starts_at": START.isoformat()}}
NOVEMBER: Final = {"since": "2026-11-01T00:00:00Z", "until": "2026-12-01T00:00:00Z"}
REPORT: Final = "/v1/reports/attainment"


async def attained(state: State, who: Caller, **asked: Any) -> dict[str, Any]:
    """What is reported of November, by metric."""
    await counted(state)
    report = await who.get(REPORT, **NOVEMBER | asked)
    return {item["group"]["metric"]: item for item in report["items"]}


async def behind(who: Caller, link: str) -> list[Any]:
    """The items to which a report links."""
    found = await who.client.get(link, headers=who.key)
    assert found.status_code == 200, found.text
    return list(found.json()["items"])


async def answer(story: Story, path: str) -> None:
    await story.engineer.post(f"{path}/messages", 201, body="We look into it.")


async def test_n7_what_was_promised_is_reported_beside_the_objective(begin: Begin, state: State) -> None:
    story = await begin("itil-native", **SANDBOX)
    in_time, late, missed, _ = [path_of(await story.open(priority="critical")) for _ in range(4)]
    await answer(story, in_time)
    await story.customer.post(f"{await open_normal(story)}/withdraw")
    await story.pass_time("PT31M")
    await answer(story, late)
    await story.customer.post(f"{missed}/withdraw")
    mine = {"account_id": story.account.account_id}
    first = (await attained(state, story.product, **mine))["first_response"]
    assert [first[name] for name in ("promised", "met", "met_late", "missed", "still_owed", "cancelled")] == [
        *(4, 1, 1, 2, 1, 1)
    ]
    assert (first["attained"], first["objective"]) == (0.25, 0.95)
    listed = await behind(story.product, first["promises"])
    assert sorted(item["outcome"] for item in listed) == ["cancelled", "met", "met_late", "missed", "missed"]
    ids: list[tuple[str, str, int]] = []
    page: Any = {"next_cursor": ""}
    while page["next_cursor"] is not None:
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else {}
        page = await story.product.get("/v1/reports/promises", limit=2, **NOVEMBER | mine | cursor)
        ids += [(item["ticket_id"], item["metric"], item["cycle"]) for item in page["items"]]
    assert len(ids) == len(set(ids)) >= 15


async def open_normal(story: Story) -> str:
    return path_of(await story.open(priority="normal"))


async def test_n7_an_incident_has_its_updates_in_time_when_all_cycles_were_met(begin: Begin, state: State) -> None:
    story = await begin("itil-native", **SANDBOX)
    kept, broken = [path_of(await story.open(priority="critical")) for _ in range(2)]
    for _ in range(3):
        await story.pass_time("PT1H")
        await answer(story, kept)
    await answer(story, broken)
    report = (await attained(state, story.customer))["update"]
    assert (report["promised"], report["met_late"], report["misses"], report["attained"]) == (2, 1, 1, 0.0)
    await story.engineer.post(f"{kept}/status", status="resolved", message="Solved.")
    report = (await attained(state, story.customer))["update"]
    assert (report["promised"], report["met"], report["attained"], report["objective"]) == (2, 1, 0.5, 0.9)
    each = (await attained(state, story.customer, cycles="each"))["update"]
    assert (each["met"], each["missed"], each["open"], each["cancelled"]) == (4, 1, 1, 1)


async def test_n7_an_escalation_that_the_service_makes_when_it_is_due_is_in_time(begin: Begin, state: State) -> None:
    story = await begin("itil-native", addons=["hybrid"], **SANDBOX)
    await story.open(priority="critical")
    await story.pass_time("PT4H1M")
    report = (await attained(state, story.customer))["tier_escalation"]
    assert (report["promised"], report["met"], report["attained"], report["objective"]) == (1, 1, 1.0, 0.9)


async def test_n7_the_priority_counts_that_was_in_force_when_the_clock_ran(begin: Begin, state: State) -> None:
    story = await begin("wati-business-plus", **SANDBOX)
    await story.open(priority="P2")
    await story.pass_time("PT8H1M")  # the miss raises it
    await counted(state)
    report = await story.customer.get(
        REPORT, **NOVEMBER, group_by=["priority", "cycle"], metric="resolution", cycles="each"
    )
    assert [(each["group"], each["missed"], each["open"]) for each in report["items"]] == [
        ({"priority": "P1", "cycle": "later"}, 0, 1),
        ({"priority": "P2", "cycle": "first"}, 1, 0),
    ]


async def test_n7_days_are_those_of_the_reader(begin: Begin, state: State) -> None:
    story = await begin("itil-native", sandbox={"starts_at": "2026-11-20T23:30:00Z"})
    await story.open()
    await story.pass_time("PT2H")
    await story.open()
    await counted(state)
    wanted = NOVEMBER | {"metric": "first_response", "bucket": "day", "account_id": story.account.account_id}
    for zone, days in (
        ("UTC", {"2026-11-20": 1, "2026-11-21": 1}),
        ("Asia/Kolkata", {"2026-11-21": 2}),
        ("America/New_York", {"2026-11-20": 2}),
    ):
        report = await story.product.get(REPORT, **wanted, time_zone=zone)
        assert {item["group"]["bucket"]: item["promised"] for item in report["items"]} == days
        for item in report["items"]:
            assert len(await behind(story.product, item["promises"])) == item["promised"]


async def test_n7_customers_see_their_own_account_and_nothing_of_engineers(begin: Begin, state: State) -> None:
    story, other = await begin("itil-native"), await begin("itil-native")
    await other.open(priority="critical")
    await story.open(priority="critical")
    assert (await attained_now(state, story.customer))["first_response"]["promised"] == 1
    assert (await attained_now(state, story.product))["first_response"]["promised"] == 2
    sandboxes = await attained_now(state, story.product, sandbox=True)
    assert sandboxes == {}
    for asked in ({"group_by": "engineer"}, {"engineer_id": story.engineer_id}, {"without": "engineer"}):
        assert (await story.customer.get(REPORT, 403, **asked))["type"] == "/problems/forbidden"
    await story.customer.get(REPORT, 404, account_id=other.account.account_id)


async def attained_now(state: State, who: Caller, **asked: Any) -> dict[str, Any]:
    await counted(state)
    report = await who.get(REPORT, until=(datetime.now(UTC) + timedelta(hours=1)).isoformat(), **asked)
    return {item["group"]["metric"]: item for item in report["items"]}


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"since": "2026-11-02T00:00:00Z", "until": "2026-11-01T00:00:00Z"}, "#/query/until"),
        ({"group_by": "assignee"}, "#/query/group_by/0"),
        ({"time_zone": "Mars/Olympus"}, "#/query/time_zone"),
    ],
    ids=["backwards", "no dimension", "no zone"],
)
async def test_n7_what_cannot_be_asked_is_refused_with_its_place(
    begin: Begin, asked: dict[str, str], pointer: str
) -> None:
    story = await begin("itil-native")
    problem = await story.customer.get(REPORT, 422, **asked)
    assert problem["errors"][0]["pointer"] == pointer
