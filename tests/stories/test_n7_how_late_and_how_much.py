"""N7: how late was what was late, how much there was to do, and all of it as tables."""

import csv
from datetime import UTC, datetime
from io import StringIO
from typing import Any, Final

from app.core.state import State
from app.reports.api.table import cell
from tests.support.recounting import counted
from tests.support.stories import Begin, Caller, path_of

SANDBOX: Final = {"sandbox": {"starts_at": datetime(2026, 11, 20, 9, 0, tzinfo=UTC).isoformat()}}
NOVEMBER: Final = {"since": "2026-11-01T00:00:00Z", "until": "2026-12-01T00:00:00Z"}


async def report(state: State, who: Caller, name: str, **asked: Any) -> Any:
    await counted(state)
    return await who.get(f"/v1/reports/{name}", **NOVEMBER | asked)


async def test_n7_lateness_is_counted_until_what_was_promised_came(begin: Begin, state: State) -> None:
    story = await begin("itil-native", **SANDBOX)
    late, owed = [path_of(await story.open(priority="critical")) for _ in range(2)]
    await story.pass_time("PT40M")
    await story.engineer.post(f"{late}/messages", 201, body="We look into it.")
    await story.pass_time("PT5H20M")
    [found] = (await report(state, story.customer, "lateness", metric="first_response"))["items"]
    assert found["late"] == {"number": 2, "p50": 600.0, "p90": 19_800.0, "p99": 19_800.0, "max": 19_800.0}
    assert found["noticed"]["number"] == 0  # of a sandbox, nobody knows
    [found] = (await report(state, story.customer, "lateness", metric="update", cycles="each"))["items"]
    assert found["late"]["max"] == 4 * 3600  # the chain's first update is owed since then
    await story.engineer.post(f"{owed}/messages", 201, body="Here we are.")
    await story.pass_time("PT1H")
    [found] = (await report(state, story.customer, "lateness", metric="first_response"))["items"]
    assert found["late"]["max"] == 19_800.0


async def test_n7_volume_counts_what_happened_and_what_waits(begin: Begin, state: State) -> None:
    story = await begin("wati-business-plus", **SANDBOX)
    solved, again, waiting = [path_of(await story.open(priority="P3")) for _ in range(3)]
    for path in (solved, again):
        await story.engineer.post(f"{path}/status", status="resolved", message="Solved.")
    await story.customer.post(f"{again}/reopen")
    asked = {"reason": "wrong_priority", "justification": "It is urgent"}
    escalation = await story.customer.post(f"{waiting}/escalations", 201, **asked)
    await story.engineer.post(f"/v1/escalations/{escalation['id']}/decline", reason="It is not")
    await story.pass_time("PT50H")
    volume = await report(state, story.customer, "volume")
    [found] = volume["items"]
    names = ("opened", "resolved", "reopened", "first_contact", "first_contact_share")
    assert [found[name] for name in names] == [3, 2, 1, 1, 0.5]
    assert found["escalations"]["wrong_priority"] == {"declined": 1}
    [backlog] = volume["backlog"]
    assert (backlog["open"], backlog["by_age"]["three_days"], volume["deflected"]) == (2, 2, 0)
    by_priority = await report(state, story.customer, "volume", group_by="priority", bucket="month")
    assert {item["group"]["bucket"] for item in by_priority["items"]} == {"2026-11-01"}
    assert by_priority["deflected"] is None
    behind = await report(state, story.customer, "moments", kind="resolved")
    assert {item["outcome"] for item in behind["items"]} == {"first_contact", None}


async def test_n7_a_report_is_a_table_for_whoever_asks_for_one(begin: Begin, state: State) -> None:
    story = await begin("itil-native", **SANDBOX)
    await story.open(priority="critical", product="=1+1")
    await counted(state)
    asked = NOVEMBER | {"group_by": ["product", "metric"]}
    for params, accept in ((asked, "text/csv"), (asked | {"format": "csv"}, "application/json")):
        found = await story.customer.client.get(
            "/v1/reports/attainment", params=params, headers=story.customer.key | {"Accept": accept}
        )
        assert found.headers["content-type"].startswith("text/csv")
        rows = list(csv.DictReader(StringIO(found.text)))
        assert {(row["product"], row["promised"], row["attained"]) for row in rows} == {("'=1+1", "1", "")}
    for name in ("lateness", "volume"):
        found = await story.customer.client.get(
            f"/v1/reports/{name}", params=NOVEMBER | {"format": "csv"}, headers=story.customer.key
        )
        assert found.status_code == 200


def test_cells_are_no_formulas() -> None:
    assert [cell(value) for value in ("=A1", "+1", "-1", "@x", "\tx", "\nx", "\uff1dx", "plain", -1, None)] == [
        *("'=A1", "'+1", "'-1", "'@x", "'\tx", "'\nx", "'\uff1dx", "plain", "-1", "")
    ]
