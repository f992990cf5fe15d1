"""C14: a plan version is applied to open tickets, after a dry run that tells exactly what would move."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
import pytest

from app.core.auth import Actor
from app.core.db.engine import Sessions
from app.core.web import callers
from app.rollout import applying
from app.rollout.schemas import PlanApplication
from tests.support import stories
from tests.support.actors import Headers, make_account
from tests.support.desk import fetch, open_at
from tests.support.planning import Planner, instant, moves_of
from tests.support.stories import P1, Caller, deadline, due, path_of, pointers
from tests.support.sweeping import run_pass

START: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)  # a Friday, 04:00 in New York
HOUR: Final = timedelta(hours=1)
MINUTE: Final = timedelta(minutes=1)
SANDBOX: Final = {"sandbox": {"starts_at": START.isoformat()}}
ANSWER: Final = {"body": "We are on it."}
Planned = Any
"""The fixture ``planned``: begins a story on ``wati-business-plus`` with an admin."""


async def advance(planner: Planner, hours: float) -> None:
    await planner.story.advance(who=planner.admin, by=f"PT{int(hours * 60)}M")


def minutes(number: float) -> datetime:
    return START + number * MINUTE


@pytest.mark.parametrize("kind", ["live", "sandbox"])
async def test_c14_a_dry_run_lists_exactly_what_moves_and_the_apply_moves_it(planned: Planned, kind: str) -> None:
    planner = await planned(**(SANDBOX if kind == "sandbox" else {}))
    story = planner.story
    opened = await story.now() - 5 * MINUTE if kind == "live" else START
    waiting, answered, other, solved = [
        await story.open_at(opened, **fields) for fields in (P1, P1, {"priority": "P2"}, P1)
    ]
    await story.engineer.post(f"{answered}/messages", 201, **ANSWER)
    await story.engineer.post(f"{solved}/status", status="resolved", message="Done.")
    version = await planner.version({"P1": {"first_response": "PT10M"}})
    before, dues = await planner.rows(), await planner.dues()

    dry = await planner.apply(version, dry_run=True)
    ticket = waiting.rpartition("/")[2]
    assert moves_of(dry) == [(f"{ticket} first_response/1", "moved", opened + 30 * MINUTE, opened + 10 * MINUTE)]
    assert (dry["dry_run"], dry["tickets"], dry["changed"], dry["failed"]) == (True, 3, 3, [])
    assert [(move["reason"], move["differences"]) for move in dry["moves"]] == [("plan", ["target"])]
    assert dry["plan"] == {"key": planner.key, "version": version}
    assert await planner.rows() == before

    applied = await planner.apply(version)
    assert applied == dry | {"dry_run": False}
    after = await planner.dues()
    assert {one: at for one, at in after.items() if at != dues[one]} == {
        move["deadline_id"]: instant(move["to"]) for move in dry["moves"]
    }
    assert due(await story.engineer.get(waiting), "first_response") == dry["moves"][0]["to"]
    assert [(await story.engineer.get(path))["plan"]["version"] for path in (waiting, answered, other, solved)] == [
        version,
        version,
        version,
        1,
    ]


async def test_c14_it_is_told_before_its_deadlines_by_who_did_it(planned: Planned) -> None:
    planner = await planned(**SANDBOX)
    path = path_of(await planner.story.open(**P1))
    version = await planner.version({"P1": {"first_response": "PT10M"}})
    await planner.apply(version)
    plan, moved = (await planner.story.events(path))[-2:]
    assert (plan["type"], plan["actor"]["kind"], plan["audience"]) == ("plan.applied", "automation", "public")
    pins = {"key": planner.key, "addons": [], "time_zone": "America/New_York", "holiday_set": None}
    assert plan["data"] == {"from": pins | {"version": 1}, "to": pins | {"version": version}, "priorities": {}}
    assert (moved["type"], moved["actor"]["kind"], moved["data"]["reason"]) == ("deadline.moved", "service", "plan")


async def test_c14_history_is_never_rewritten(planned: Planned, sessions: Sessions) -> None:
    planner = await planned(**SANDBOX)
    path = path_of(await planner.story.open(**P1))
    await advance(planner, 1)
    await planner.story.engineer.post(f"{path}/messages", 201, **ANSWER)
    await advance(planner, 4)
    ended = "SELECT * FROM deadlines WHERE NOT live OR state = 'missed' ORDER BY id"
    before = await fetch(sessions, ended)
    assert [row["state"] for row in before] == ["met_late", "missed", "missed"]
    told = await planner.story.events(path)
    row = {"first_response": "PT5M", "next_response": "PT20M", "resolution": "PT9H"}
    await planner.apply(await planner.version({"P1": row}))
    assert await fetch(sessions, ended) == before
    assert (await planner.story.events(path))[: len(told)] == told


async def test_c14_never_before_the_instant_of_the_apply(planned: Planned) -> None:
    planner = await planned(**SANDBOX)
    path = path_of(await planner.story.open(**P1))
    await advance(planner, 0.25)
    applied = await planner.apply(await planner.version({"P1": {"first_response": "PT10M"}}))
    assert [move[2:] for move in moves_of(applied)] == [(minutes(30), minutes(15))]
    assert deadline(await planner.story.engineer.get(path), "first_response")["state"] == "running"
    await advance(planner, 0.25)
    missed = deadline(await planner.story.engineer.get(path), "first_response")
    assert (missed["state"], instant(missed["missed_at"])) == ("missed", minutes(15))


async def test_c09_what_was_due_before_is_missed_first(planned: Planned) -> None:
    planner = await planned()
    path = await planner.story.open_at(await planner.story.now() - HOUR, **P1)
    applied = await planner.apply(await planner.version({"P1": {"first_response": "PT3H", "resolution": "PT4H"}}))
    assert (applied["changed"], applied["moves"]) == (1, [])
    types = [event["type"] for event in await planner.story.events(path)]
    assert types.index("deadline.missed") < types.index("plan.applied")
    assert deadline(await planner.story.engineer.get(path), "first_response")["state"] == "missed"


async def test_c14_a_second_apply_changes_nothing(planned: Planned) -> None:
    planner = await planned(**SANDBOX)
    await planner.story.open(**P1)
    await planner.story.open(priority="P3")
    version = await planner.version({"P1": {"first_response": "PT10M"}})
    await planner.apply(version)
    before = await planner.rows()
    again = await planner.apply(version)
    assert (again["tickets"], again["changed"], again["moves"]) == (2, 0, [])
    assert await planner.rows() == before


async def test_c14_back_to_the_first_version_gives_what_was(planned: Planned) -> None:
    planner = await planned(**SANDBOX)
    await planner.story.open(**P1)
    before = await planner.dues()
    await planner.apply(await planner.version({"P1": {"first_response": "PT10M", "resolution": None}}))
    assert await planner.dues() != before
    back = await planner.apply(1)
    assert {move["kind"] for move in back["moves"]} == {"moved", "started"}
    assert await planner.dues() == before


async def test_c14_new_metrics_start_then_and_missing_ones_are_cancelled(planned: Planned) -> None:
    planner = await planned(**SANDBOX)
    path = path_of(await planner.story.open(**P1))
    await planner.story.engineer.post(f"{path}/messages", 201, **ANSWER)
    await advance(planner, 1)
    version = await planner.version({"P1": {"resolution": None, "update": "PT2H"}})
    dry = await planner.apply(version, dry_run=True)
    ticket = path.rpartition("/")[2]
    assert moves_of(dry) == [
        (f"{ticket} resolution/1", "cancelled", minutes(240), None),
        (f"{ticket} update/1", "started", None, minutes(180)),
    ]
    assert (await planner.apply(version))["moves"] == dry["moves"]
    assert [move["deadline_id"] is None for move in dry["moves"]] == [False, True]
    shown = await planner.story.engineer.get(path)
    assert instant(deadline(shown, "update")["started_at"]) == minutes(60)
    gone = deadline(shown, "resolution")
    assert (gone["state"], gone["reason"]) == ("cancelled", "plan")


async def test_c14_a_paused_deadline_goes_on_by_the_new_plan(planned: Planned) -> None:
    planner = await planned(**SANDBOX)
    path = path_of(await planner.story.open(**P1))
    await advance(planner, 1)
    await planner.story.engineer.post(f"{path}/status", status="waiting_on_customer", message="Which version?")
    await advance(planner, 2)
    applied = await planner.apply(await planner.version({"P1": {"resolution": "PT6H"}}))
    assert (applied["changed"], applied["moves"]) == (1, [])
    await advance(planner, 1)
    await planner.story.customer.post(f"{path}/messages", 201, body="The newest.")
    assert instant(due(await planner.story.engineer.get(path), "resolution")) == minutes(9 * 60)


async def test_c14_other_pauses_pause_and_resume(planned: Planned) -> None:
    planner = await planned(**SANDBOX)
    path = path_of(await planner.story.open(**P1))
    await planner.story.engineer.post(f"{path}/status", status="waiting_on_customer", message="Which version?")
    await advance(planner, 1)
    resumed = await planner.apply(await planner.version(pause={}))
    assert [move[1:] for move in moves_of(resumed)] == [("resumed", None, minutes(300))]
    paused = await planner.apply(1)
    assert [move[1:] for move in moves_of(paused)] == [("paused", minutes(300), None)]


async def test_c14_the_accounts_zone_addons_and_holidays_are_those_of_now(planned: Planned, sessions: Sessions) -> None:
    planner = await planned(**SANDBOX)
    document = await planner.document()
    document["calendars"]["business"]["holidays"] = {"country": "account"}
    with_holidays = await planner.version(calendars=document["calendars"])
    path = path_of(await planner.story.open(priority="P3"))
    assert instant(due(await planner.story.engineer.get(path), "resolution")) == START + 14 * HOUR  # 18:00 in New York
    account = f"/v1/accounts/{planner.story.account.account_id}"
    await planner.admin.patch(account, time_zone="Europe/Warsaw", addons=["tam"])
    assert instant(due(await planner.story.engineer.get(path), "resolution")) == START + 14 * HOUR
    moved = await planner.apply(with_holidays)
    assert [move[2:] for move in moves_of(moved)] == [(START + 14 * HOUR, START + 3 * 24 * HOUR)]  # Monday 10:00
    await planner.admin.patch(account, country="PL")
    assert (await planner.apply(with_holidays))["moves"] == []
    [ticket] = await fetch(sessions, "SELECT plan_addons, time_zone, holiday_set FROM tickets")
    assert (ticket["plan_addons"], ticket["time_zone"]) == (["tam"], "Europe/Warsaw")
    assert ticket["holiday_set"]


async def test_c14_holidays_of_the_account_move_what_lies_on_them(planned: Planned) -> None:
    planner = await planned(sandbox={"starts_at": "2026-11-25T15:00:00Z"})  # Thanksgiving is the day after
    document = await planner.document()
    document["calendars"]["business"]["holidays"] = {"country": "account"}
    version = await planner.version(calendars=document["calendars"])
    await planner.story.open(priority="P3")
    await planner.admin.patch(f"/v1/accounts/{planner.story.account.account_id}", country="US")
    moved = await planner.apply(version)
    at = datetime(2026, 11, 26, 15, tzinfo=UTC)
    assert [move[2:] for move in moves_of(moved)] == [(at, at + 24 * HOUR)]


async def test_c14_addons_that_the_plan_lacks_count_for_nothing(planned: Planned) -> None:
    planner = await planned("itil-native", addons=["hybrid"], **SANDBOX)
    path = path_of(await planner.story.open(priority="high"))
    assert deadline(await planner.story.engineer.get(path), "tier_escalation")["state"] == "running"
    gone = await planner.apply(await planner.version(addons={}, top_tier="none"))
    assert [move[1] for move in moves_of(gone)] == ["cancelled"]
    back = await planner.apply(1)
    assert [(move["metric"], move["cycle"], move["kind"]) for move in back["moves"]] == [
        ("tier_escalation", 2, "started")
    ]


async def test_c14_a_vanished_priority_is_refused_unless_mapped(planned: Planned) -> None:
    planner = await planned(**SANDBOX)
    story = planner.story
    now = path_of(await story.open(**P1))
    was = path_of(await story.open(priority="P4"))
    await advance(planner, 0.5)
    await story.engineer.post(f"{was}/priority", priority="P2", reason="It got worse", business_impact="Large")
    version = await planner.version(renamed={"P1": "urgent", "P4": "low"})
    before = await planner.rows()
    for dry_run in (True, False):
        refused = await planner.apply(version, 422, dry_run=dry_run)
        assert pointers(refused) == ["/priorities", "/priorities"]
        assert ["P1" in refused["errors"][0]["detail"], "P4" in refused["errors"][1]["detail"]] == [True, True]
    halfway = await planner.apply(version, 422, priorities={"P1": "urgent"})
    assert "P4" in halfway["errors"][0]["detail"]
    assert await planner.rows() == before

    mapping = {"P1": "urgent", "P4": "low"}
    assert (await planner.apply(version, priorities=mapping))["moves"] == []
    assert [(await story.engineer.get(path))["priority"] for path in (now, was)] == ["urgent", "P2"]
    [told] = await story.events(now, "plan.applied")
    assert told["data"]["priorities"] == mapping
    again = await planner.apply(version, priorities=mapping)
    assert again["changed"] == 0
    await story.engineer.post(f"{was}/priority", priority="low", reason="A mistake")
    assert instant(due(await story.engineer.get(was), "first_response")) == minutes(240)


async def test_c14_what_the_matrix_said_is_mapped_too(planned: Planned) -> None:
    planner = await planned("zmanda-premium", **SANDBOX)
    path = path_of(await planner.story.open(impact="small", urgency="low"))
    version = await planner.version(renamed={"P4": "low"})
    await planner.apply(version, priorities={"P4": "low"})
    shown = await planner.story.engineer.get(path)
    assert (shown["priority"], shown["matrix_priority"]) == ("low", "low")


async def test_c14_a_priority_that_only_what_is_missed_had_need_not_be_mapped(planned: Planned) -> None:
    planner = await planned(**SANDBOX)
    await planner.version({"P1": {"resolution": None}, "P2": {"resolution": None}})
    path = path_of(await planner.story.open(priority="P2"))
    await advance(planner, 2)
    worse = {"priority": "P1", "reason": "It got worse", "business_impact": "No sales"}
    await planner.story.engineer.post(f"{path}/priority", **worse)
    applied = await planner.apply(await planner.version(renamed={"P2": "second"}))
    assert (applied["changed"], applied["moves"]) == (1, [])
    missed = deadline(await planner.story.engineer.get(path), "first_response")
    assert (missed["state"], missed["priority"]) == ("missed", "P2")


async def test_c14_a_mapping_names_what_vanishes_and_what_there_is(planned: Planned) -> None:
    planner = await planned()
    version = await planner.version(renamed={"P4": "low"})
    wrong = await planner.apply(version, 422, dry_run=True, priorities={"P4": "lowest", "P1": "P2"})
    assert pointers(wrong) == ["/priorities/P4", "/priorities/P1"]


async def test_c14_tickets_of_another_plan_come_over(planned: Planned) -> None:
    planner = await planned(**SANDBOX)
    other = await make_account(planner.story.sessions, "wati-pro", **SANDBOX)
    (ticket,) = await open_at(planner.story.sessions, other.account_id, START, priority="P1")
    own = await planner.story.open(**P1)
    assert (await planner.apply(1, dry_run=True))["tickets"] == 1
    applied = await planner.apply(1, from_key="wati-pro")
    assert (applied["from_key"], applied["tickets"], applied["changed"]) == ("wati-pro", 1, 1)
    assert {move["ticket_id"] for move in applied["moves"]} == {ticket} != {own["id"]}
    plan = (await planner.admin.get(f"/v1/tickets/{ticket}"))["plan"]
    assert (plan["key"], plan["version"]) == (planner.key, 1)
    assert pointers(await planner.apply(1, 422, dry_run=True, from_key="none")) == ["/from_key"]


async def test_c14_only_the_accounts_that_are_named(planned: Planned) -> None:
    planner = await planned(**SANDBOX)
    other = await make_account(planner.story.sessions, planner.key)
    await open_at(planner.story.sessions, other.account_id, await planner.story.now(), priority="P1")
    await planner.story.open(**P1)
    version = await planner.version({"P1": {"first_response": "PT10M"}})
    assert len((await planner.apply(version, dry_run=True))["moves"]) == 2
    applied = await planner.apply(version, account_ids=[other.account_id])
    assert (applied["tickets"], len(applied["moves"])) == (1, 1)
    unknown = "acc_" + "0" * 26
    wrong = await planner.apply(version, 422, dry_run=True, account_ids=[other.account_id, unknown])
    assert pointers(wrong) == ["/account_ids/1"]
    assert pointers(await planner.apply(version, 422, dry_run=True, account_ids=[])) == ["/account_ids"]


async def test_c14_whether_it_is_a_dry_run_has_to_be_said(planned: Planned) -> None:
    planner = await planned()
    refused = await planner.admin.post(f"/v1/plans/{planner.key}/versions/1/apply", 422)
    assert pointers(refused) == ["/dry_run"]
    assert pointers(await planner.apply(1, 422, dry_run="no")) == ["/dry_run"]
    assert (await planner.apply(9, 404))["status"] == 404


async def test_c14_lines_end_when_their_callers_key_is_revoked(
    planned: Planned, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    planner = await planned(**SANDBOX)
    for _ in range(3):
        await planner.story.open(**P1)
    version = await planner.version({"P1": {"first_response": "PT10M"}})
    real = applying.run

    async def run(*arguments: Any) -> AsyncIterator[Any]:
        async for batch in real(*arguments, batch=1):
            await fetch(sessions, "UPDATE api_keys SET revoked_at = now() WHERE kind = 'admin'")
            yield batch

    monkeypatch.setattr(applying, "run", run)
    monkeypatch.setattr(callers, "FRESH", 0)
    path = f"/v1/plans/{planner.key}/versions/{version}/apply"
    answer = await planner.admin.send("POST", path, {"dry_run": False}, Accept="application/x-ndjson")
    lines = [orjson.loads(line) for line in answer.content.splitlines()]
    assert [line["progress"]["done"] for line in lines if "progress" in line] == [0, 1]
    assert lines[-1]["status"] == 401
    applied = await fetch(sessions, "SELECT count(*) AS number FROM events WHERE type = 'plan.applied'")
    assert applied == [{"number": 1}]


async def test_c14_the_answer_comes_in_lines(planned: Planned) -> None:
    planner = await planned(**SANDBOX)
    await planner.story.open(**P1)
    version = await planner.version({"P1": {"first_response": "PT10M"}})
    dry = await planner.apply(version, dry_run=True)
    path = f"/v1/plans/{planner.key}/versions/{version}/apply"
    answer = await planner.admin.send("POST", path, {"dry_run": False}, Accept="application/x-ndjson, */*;q=0.1")
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [orjson.loads(line) for line in answer.content.splitlines()]
    progress = [{"progress": {"done": done, "total": 1}} for done in (0, 1)]
    result = {name: value for name, value in dry.items() if name != "moves"} | {"dry_run": False}
    assert lines == [progress[0], {"move": dry["moves"][0]}, progress[1], {"result": result}]
    refused = await planner.admin.send("POST", path, {}, Accept="application/x-ndjson")
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")


async def test_c14_a_failure_midway_is_the_last_line(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    planner = await planned()
    await planner.story.open(**P1)
    monkeypatch.setattr(applying, "_LOCKED", "SELECT 1/0 WHERE $1 = 'x' OR cardinality($2::text[]) > 0")
    path = f"/v1/plans/{planner.key}/versions/1/apply"
    answer = await planner.admin.send("POST", path, {"dry_run": False}, Accept="application/x-ndjson")
    first, last = [orjson.loads(line) for line in answer.content.splitlines()]
    assert (list(first), last["type"], last["status"]) == (["progress"], "/problems/internal", 500)
    assert "zero" not in answer.text


async def test_c14_what_is_cut_off_goes_on_when_it_is_called_again(planned: Planned, sessions: Sessions) -> None:
    planner = await planned(**SANDBOX)
    for _ in range(5):
        await planner.story.open(**P1)
    version = await planner.version({"P1": {"first_response": "PT10M"}})
    order = await applying.check(sessions, planner.key, version, PlanApplication(dry_run=False))
    half = applying.run(sessions, order, Actor("automation"), batch=2)
    first = await anext(half)
    await half.aclose()
    assert (first.done, first.changed) == (2, 2)
    rest = await planner.apply(version)
    assert (rest["tickets"], rest["changed"], len(rest["moves"])) == (5, 3, 3)
    assert {move["ticket_id"] for move in rest["moves"]}.isdisjoint(move["ticket_id"] for move in first.moves)


async def test_c14_a_faulty_ticket_is_listed_and_stops_no_other(
    sessions: Sessions, client: Any, admin: Headers, plans: None
) -> None:
    del plans
    story = await stories.begin(sessions, client, "wati-business-plus", **SANDBOX)  # its tickets do not replay
    planner = Planner(story, Caller(client, admin))
    bad, good = [await story.open(**P1) for _ in range(2)]
    await fetch(sessions, "UPDATE deadlines SET detail = detail - 'chain' WHERE ticket_id = $1", bad["id"])
    version = await planner.version({"P1": {"first_response": "PT10M"}})
    for dry_run in (True, False):
        applied = await planner.apply(version, dry_run=dry_run)
        assert applied["failed"] == [{"ticket_id": bad["id"], "error": "KeyError: 'chain'"}]
        assert {move["ticket_id"] for move in applied["moves"]} == {good["id"]}
    versions = {row["id"]: row["plan_version"] for row in await fetch(sessions, "SELECT id, plan_version FROM tickets")}
    assert versions == {bad["id"]: 1, good["id"]: version}


async def test_c14_a_miss_may_lead_to_a_priority_that_the_plan_lacks(planned: Planned) -> None:
    """Nobody is at it when the order is checked; such a ticket waits for a mapping, and the others do not."""
    planner = await planned()
    late = await planner.story.open_at(await planner.story.now() - 8 * HOUR - MINUTE, priority="P2")
    version = await planner.version(renamed={"P1": "urgent"})
    applied = await planner.apply(version)
    assert applied["failed"][0]["error"].startswith("PriorityVanished: ")
    await run_pass(planner.story.sessions)
    assert (await planner.story.engineer.get(late))["priority"] == "P1"
    assert (await planner.apply(version, priorities={"P1": "urgent"}))["changed"] == 1
