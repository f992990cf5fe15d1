"""The clock of a sandbox account, moved: everything due in between happens in order, by the live code."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any, Final

import pytest
from orjson import dumps, loads

from app.core.auth import Principal
from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.process import cooperative
from app.sandbox import advance as moving
from app.sandbox.schemas import ClockAdvance
from app.sandbox.told import Told
from app.sla.clock.terms import METRIC_ORDER
from app.tickets.staffing.roster import lock_roster
from tests.support.actors import make_account, make_engineer, make_key
from tests.support.desk import fetch, open_at
from tests.support.stories import P1, Begin, Caller, Story, deadline, path_of
from tests.support.sweeping import next_wake, run_pass
from tests.support.waiting import PATIENCE, until_blocked

START: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
TICK: Final = timedelta(microseconds=1)
CRITICAL: Final = P1 | {"priority": "critical"}
SANDBOX: Final = {"starts_at": START.isoformat()}
SUPPORT: Final = Principal("admin", "key_00000000000000000000000000")


def written(moment: datetime) -> str:
    """An instant as answers write it."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def at(hours: float) -> str:
    """The same, in hours after the start."""
    return written(START + hours * HOUR)


@pytest.fixture
async def story(begin: Begin) -> Story:
    """A sandbox with around-the-clock targets: a first response in 30 minutes, a resolution in four hours at P1."""
    return await begin("wati-business-plus", sandbox=SANDBOX)


async def advance(story: Story, status: int = 200, who: Caller | None = None, **how: Any) -> Any:
    """What support (or ``who``) is answered for moving the clock."""
    return await story.advance(status, who, **how)


def of_type(answer: Any, *types: str) -> list[Any]:
    return [event for event in answer["events"] if event["type"] in types]


# --- who, and how far ------------------------------------------------------------------------------------------


async def test_the_clock_moves_by_a_length_and_to_an_instant(story: Story) -> None:
    assert await advance(story, by="PT90M") == {
        "account_id": story.account.account_id,
        "from": at(0),
        "now": at(1.5),
        "events": [],
        "next": None,
    }
    assert (await advance(story, to=at(3)))["from"] == at(1.5)
    assert (await advance(story, to=at(3)))["now"] == at(3), "to where it stands already"
    account = await story.product.get(f"/v1/accounts/{story.account.account_id}")
    assert (account["sandbox_now"], account["version"]) == (at(3).replace(".000000", ""), 1)


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"by": "PT1H", "to": at(1)},
        {"by": "PT0S"},
        {"by": "P1D"},
        {"by": "-PT1H"},
        {"by": 3600},
        {"to": "2026-11-20T10:00:00"},
        {"to": "2151-01-01T00:00:00Z"},
        {"to": at(1), "events": 5},
    ],
)
async def test_what_is_no_way_to_move_it_is_refused(story: Story, how: dict[str, Any]) -> None:
    await advance(story, 422, **how)


async def test_it_never_moves_backwards_nor_beyond_all_calendars(story: Story, begin: Begin) -> None:
    problem = await advance(story, 422, to=written(START - TICK))
    assert problem["errors"][0]["pointer"] == "/to"
    late = await begin("wati-business-plus", sandbox={"starts_at": "2150-12-31T00:00:00Z"})
    assert (await advance(late, 422, by="PT24H"))["errors"][0]["pointer"] == "/by"


async def test_a_live_account_has_no_clock_to_move(begin: Begin) -> None:
    await advance(await begin("wati-business-plus"), 409, by="PT1H")


async def test_two_at_once_are_refused(story: Story) -> None:
    account = story.account.account_id
    async with transaction(story.sessions) as session:
        await moving.advance(session, account, ClockAdvance(by=HOUR), Told(SUPPORT))
        await asyncio.wait_for(advance(story, 409, by="PT1H"), PATIENCE)
    assert (await advance(story, by="PT1H"))["from"] == at(1)


async def test_owners_and_editors_move_their_own_sandbox(story: Story) -> None:
    account = story.account.account_id
    client = story.customer.client
    owner = Caller(client, await make_key(story.sessions, account_id=account, role="owner"))
    viewer = Caller(client, await make_key(story.sessions, account_id=account, role="viewer"))
    await advance(story, who=owner, by="PT1H")
    await advance(story, who=story.customer, by="PT1H")
    await advance(story, 403, who=viewer, by="PT1H")
    await advance(story, 403, who=owner, by="PT1H", actor={"email": "nobody@example.com"})
    other = await make_account(story.sessions, "wati-business-plus")
    stranger = Caller(client, await make_key(story.sessions, account_id=other.account_id, role="owner"))
    await advance(story, 404, who=stranger, by="PT1H")


async def test_a_repeated_call_does_not_move_it_twice(story: Story) -> None:
    path = f"/v1/sandbox/{story.account.account_id}/advance"
    answers = [await story.customer.send("POST", path, {"by": "PT1H"}, Idempotency_Key="one") for _ in range(2)]
    assert [answer.json()["now"] for answer in answers] == [at(1)] * 2
    assert answers[1].headers["idempotency-replayed"] == "true"


# --- what happens on the way -----------------------------------------------------------------------------------


async def test_c06_a_deadline_still_runs_where_it_is_due(story: Story) -> None:
    ticket = await story.open(**P1)
    until = await advance(story, to=at(0.5))
    assert not of_type(until, "deadline.missed")
    past = await advance(story, to=written(START + HOUR / 2 + TICK))
    (missed,) = of_type(past, "deadline.missed")
    assert (missed["timestamp"], missed["data"]["metric"], missed["sandbox"]) == (at(0.5), "first_response", True)
    assert (missed["data"]["lag_ms"], missed["data"]["noticed_at"]) == (None, at(0.5).replace(".000000", ""))
    told = await story.events(path_of(ticket))
    assert [event["id"] for event in told if event["type"].startswith("deadline.missed")] == [missed["id"]]


async def test_c06_what_is_due_where_the_clock_stands_can_still_be_met(story: Story) -> None:
    path = path_of(await story.open(**P1))
    await advance(story, to=at(0.5))
    await story.engineer.post(f"{path}/messages", 201, body="We are on it.")
    (met,) = await story.events(path, "deadline.met")
    assert (met["data"]["metric"], met["timestamp"]) == ("first_response", at(0.5))


async def test_c16_a_warning_where_the_clock_comes_to_stand_is_sent(story: Story) -> None:
    await story.open(**P1)
    early = await advance(story, to=written(START + HOUR / 4 - TICK))
    (warning,) = of_type(await advance(story, to=at(0.25)), "deadline.warning")
    assert (early["events"], warning["timestamp"], warning["data"]["share"]) == ([], at(0.25), 50)


async def test_the_events_are_those_of_the_timeline(story: Story) -> None:
    ticket = await story.open(priority="P2")
    before = len(await story.events(path_of(ticket)))
    answer = await advance(story, by="PT24H")
    assert answer["events"] == (await story.events(path_of(ticket)))[before:]
    assert [event["id"] for event in answer["events"]] == sorted(event["id"] for event in answer["events"])


async def test_the_live_sweep_leaves_it_alone(story: Story) -> None:
    await story.open(**P1)
    assert (await run_pass(story.sessions), await next_wake(story.sessions)) == (0, None)


async def test_w4_a_miss_escalates_and_its_acknowledgement_is_missed_too(story: Story) -> None:
    path = path_of(await story.open(priority="P2"))
    answer = await advance(story, to=at(8.2))
    (escalated,) = of_type(answer, "escalation.automatic")
    assert (escalated["timestamp"], escalated["data"]["metric"]) == (at(8), "resolution")
    public = await advance(story, who=story.customer, to=at(8.75))
    assert public["events"] == [], "support's own clocks are not the customer's"
    (missed,) = [e for e in await story.events(path, "deadline.missed") if e["data"]["metric"] == "escalation_ack"]
    assert (missed["timestamp"], missed["data"]["subject"]) == (at(8.5), "resolution:1")


async def test_n8_a_resolved_ticket_closes_by_itself(story: Story) -> None:
    path = path_of(await story.open(priority="P2"))
    await story.engineer.post(f"{path}/status", status="resolved", message="It was the lock.")
    await advance(story, by="PT168H")
    assert (await story.engineer.get(path))["status"] == "resolved"
    (closed,) = (await advance(story, by="PT1S"))["events"]
    assert (closed["type"], closed["timestamp"]) == ("ticket.status_changed", at(168))
    ticket = await story.engineer.get(path)
    assert (ticket["status"], ticket["closed_reason"]) == ("closed", "unanswered")


async def test_g6_a_call_follows_the_sandboxs_clock_and_nothing_external_runs(begin: Begin) -> None:
    story = await begin("google-premium", sandbox=SANDBOX)
    ticket = await story.open(**P1)
    call = ticket["call"]
    assert (call["state"], call["provider"]) == ("ready", "sandbox")
    assert call["join_url"] == f"https://calls.example/{call['id']}"
    assert call["join_by"] == at(0.5).replace(".000000", "")
    assert not await fetch(story.sessions, "SELECT 1 FROM calls WHERE next_attempt_at IS NOT NULL")
    answer = await advance(story, to=at(1))
    (no_show,) = of_type(answer, "call.no_show")
    assert (no_show["timestamp"], no_show["data"]["call_id"]) == (at(0.5), call["id"])
    joined = await story.customer.post(f"{path_of(ticket)}/call/join", participant="customer")
    assert joined["call"]["joined_at"] == at(1).replace(".000000", "")


async def test_g3_a_customers_own_link_is_used_in_a_sandbox_too(begin: Begin) -> None:
    story = await begin("google-premium", sandbox=SANDBOX, call_link="https://meet.solar-roofs.example/p1")
    assert (await story.open(**P1))["call"]["provider"] == "custom"


@pytest.mark.parametrize(
    ("zone", "start", "priority", "due"),
    [
        ("America/New_York", "2026-11-01T05:45:00Z", "P1", "2026-11-01T06:15:00Z"),
        ("America/New_York", "2031-03-09T06:45:00Z", "P1", "2031-03-09T07:15:00Z"),
        ("Pacific/Apia", "2011-12-29T20:00:00Z", "P3", "2012-01-01T20:00:00Z"),  # no 30 December there
    ],
)
async def test_past_and_future_clock_changes_can_be_tried(
    begin: Begin, zone: str, start: str, priority: str, due: str
) -> None:
    story = await begin("wati-business-plus", sandbox={"starts_at": start}, time_zone=zone)
    path = path_of(await story.open(priority=priority))
    metric = "first_response" if priority == "P1" else "resolution"
    assert deadline(await story.engineer.get(path), metric)["due_at"] == due
    answer = await advance(story, by="PT100H")
    missed = next(event for event in of_type(answer, "deadline.missed") if event["data"]["metric"] == metric)
    assert missed["timestamp"] == due.replace("Z", ".000000Z")


# --- engineers -------------------------------------------------------------------------------------------------


async def test_its_tickets_go_to_its_own_engineers_only(story: Story, begin: Begin) -> None:
    live = await begin("wati-business-plus")
    own = await make_engineer(story.sessions, account_id=story.account.account_id)
    mine, theirs = path_of(await story.open()), path_of(await live.open())
    assigned = await story.engineer.post(f"{mine}/assign", engineer_id=own.id)
    assert assigned["assignee"] == own.id
    for path, engineer in ((mine, story.engineer_id), (theirs, own.id)):
        problem = await story.engineer.post(f"{path}/assign", 422, engineer_id=engineer)
        assert (problem["errors"][0]["pointer"], "hint" in problem["errors"][0]) == ("/engineer_id", True)


async def test_its_own_engineers_act_on_its_tickets_only(story: Story, begin: Begin) -> None:
    live = await begin("wati-business-plus")
    own = await make_engineer(story.sessions, account_id=story.account.account_id)
    engineer = Caller(story.customer.client, await make_key(story.sessions, "agent", engineer_id=own.id))
    mine, theirs = path_of(await story.open()), path_of(await live.open())
    await engineer.post(f"{mine}/messages", 201, body="We are on it.")
    await engineer.post(f"{theirs}/messages", 404, body="We are on it.")
    await engineer.get(theirs, 404)
    await engineer.get(f"/v1/accounts/{live.account.account_id}", 404)
    await engineer.get(f"/v1/engineers/{live.engineer_id}", 404)
    await engineer.get("/v1/tickets", 404, account_id=live.account.account_id)
    await engineer.get("/v1/engineers", 404, account_id=live.account.account_id)
    assert [item["id"] for item in (await engineer.get("/v1/engineers"))["items"]] == [own.id]
    assert {item["account_id"] for item in (await engineer.get("/v1/tickets"))["items"]} == {story.account.account_id}
    assert [item["id"] for item in (await engineer.get("/v1/accounts"))["items"]] == [story.account.account_id]
    await advance(story, who=engineer, by="PT1H")
    await advance(live, 404, who=engineer, by="PT1H")


# --- in order, and in pieces -----------------------------------------------------------------------------------


def places(events: list[Any]) -> list[tuple[str, bool, int, str]]:
    """Instant, misses after warnings, metric, ticket: of the events that tell of deadlines coming due."""
    return [
        (
            event["timestamp"],
            event["type"] != "deadline.warning",
            METRIC_ORDER[event["data"]["metric"]],
            event["ticket_id"],
        )
        for event in events
        if event["type"] in ("deadline.warning", "deadline.missed")
    ]


async def test_things_happen_by_instant_then_metric_then_ticket(begin: Begin) -> None:
    """Tickets of one instant share all due instants; after three hours, warnings of two metrics come together."""
    story = await begin("itil-native", sandbox=SANDBOX, addons=["hybrid"])
    tickets = [(await story.open(**CRITICAL))["id"] for _ in range(3)]
    answer = await advance(story, by="PT9H")
    happened = places(answer["events"])
    assert happened == sorted(happened)
    together = [place for place in happened if place[0] == at(3)]
    assert [(metric, ticket) for _, _, metric, ticket in together] == [
        (METRIC_ORDER[metric], ticket) for metric in ("update", "tier_escalation") for ticket in tickets
    ]
    for ticket in tickets:
        numbers = [event["sequence"] for event in answer["events"] if event["ticket_id"] == ticket]
        assert numbers == sorted(numbers)


@asynccontextmanager
async def twins(begin: Begin, count: int) -> AsyncIterator[list[Story]]:
    """Sandboxes with the same tickets, opened at the same instants in the same order."""
    stories = [await begin("google-premium", sandbox=SANDBOX) for _ in range(count)]
    for story in stories:
        for minutes, priority in ((0, "P1"), (0, "P1"), (7, "P2"), (15, "P1"), (15, "P3"), (60, "P2")):
            opened = START + minutes * HOUR / 60
            await open_at(story.sessions, story.account.account_id, opened, **(P1 | {"priority": priority}))
    yield stories


_ID: Final = re.compile(r"[a-z]{2,4}_[0-9a-z]{26}|(?<=\"number\":\")[0-9A-Z]{3}-[0-9A-Z]{3}")


def named(document: Any) -> Any:
    """The document with ids and numbers named as they appear, so that those of two accounts can be compared."""
    names: dict[str, str] = {}
    return loads(_ID.sub(lambda found: names.setdefault(found[0], f"id {len(names)}"), dumps(document).decode()))


async def rows_of(story: Story) -> Any:
    """The stored tickets, deadlines and calls, in the order of their making, without numbers drawn by lot."""
    account = story.account.account_id
    queries = (
        "SELECT * FROM tickets AS r WHERE account_id = $1 ORDER BY id",
        "SELECT * FROM deadlines AS r WHERE account_id = $1 ORDER BY ticket_id, metric, subject, cycle",
        "SELECT * FROM calls AS r WHERE account_id = $1 ORDER BY id",
        "SELECT * FROM escalations AS r WHERE account_id = $1 ORDER BY ticket_id, id",
    )
    found = [[dict(row) | {"number": ""} for row in await fetch(story.sessions, query, account)] for query in queries]
    return named(loads(dumps([account, found])))


@pytest.mark.parametrize("seed", range(3))
async def test_many_steps_make_what_one_step_makes(begin: Begin, seed: int) -> None:
    chance, goal = Random(seed), START + 30 * HOUR  # noqa: S311  a test's choices
    async with twins(begin, 2) as (once, often):
        whole = (await advance(once, to=written(goal)))["events"]
        parts, now = [], START
        while now < goal:
            step = chance.choice([TICK, HOUR / 4, HOUR / 4, HOUR, 2 * HOUR + TICK, chance.random() * 3 * HOUR])
            now = min(now + step, goal)
            parts += (await advance(often, to=written(now)))["events"]
        assert len(whole) > 150
        assert named(parts) == named(whole)
        assert await rows_of(often) == await rows_of(once)


@pytest.mark.parametrize(
    ("budget", "tickets", "events"),
    [(1, 500, 1_000), (7, 1, 3), (40, 1, 10), (40, 500, 1_000), (10_000, 1, 1_000), (10_000, 500, 1)],
)
async def test_what_is_too_much_for_one_answer_goes_on_with_next(
    begin: Begin, budget: int, tickets: int, events: int
) -> None:
    """However few of the tickets and events are in memory at once."""
    async with twins(begin, 2) as (once, bit_by_bit):
        whole = await advance(once, by="PT5H")
        goal: datetime | None = START + 5 * HOUR
        parts: list[Any] = []
        while goal:
            async with transaction(bit_by_bit.sessions) as session:
                account, told = bit_by_bit.account.account_id, Told(SUPPORT)
                most = moving.Most(budget, tickets, events)
                moved = await moving.advance(session, account, ClockAdvance(to=goal), told, most=most)
            assert moved.next in (None, START + 5 * HOUR)
            assert told.count <= max(budget, 20), "one ticket's instant is never cut in two"
            parts += loads(dumps(told.seen()))
            goal = moved.next
        assert moved.now == START + 5 * HOUR
        happened = sorted((event["timestamp"], event["type"]) for event in parts)
        assert happened == sorted((event["timestamp"], event["type"]) for event in whole["events"])
        assert [event["timestamp"] for event in parts] == sorted(event["timestamp"] for event in parts)
        assert await rows_of(bit_by_bit) == await rows_of(once)
        recorded = "SELECT id FROM events WHERE account_id = $1 AND actor->>'kind' = 'service' ORDER BY position"
        assert [row["id"] for row in await fetch(bit_by_bit.sessions, recorded, account)][-len(parts) :] == [
            event["id"] for event in parts
        ]


async def test_a_hundred_years_of_updates_stop_at_the_budget(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving.advance, "__kwdefaults__", {"most": moving.Most(budget=1_000)})
    story = await begin("itil-native", sandbox=SANDBOX)
    await story.open(**CRITICAL)
    answer = await advance(story, to="2126-11-20T09:00:00Z")
    assert 900 < len(answer["events"]) <= 1_000
    assert answer["next"] == "2126-11-20T09:00:00.000000Z"
    assert at(0) < answer["now"] < "2028"


async def test_a_ticket_that_somebody_holds_is_waited_for(
    story: Story, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that is due is passed over: what a message changes comes first, then the clock moves.

    Nor does it hold the roster meanwhile, though it has already seen to another ticket: the message may need it.
    """
    monkeypatch.setattr(moving.advance, "__kwdefaults__", {"most": moving.Most(tickets=1)})
    tickets = [await story.open(**P1) for _ in range(2)]
    async with transaction(sessions) as session:
        await (await driver(session)).execute("SELECT 1 FROM tickets WHERE id = $1 FOR UPDATE", tickets[1]["id"])
        moved = asyncio.create_task(advance(story, by="PT1H"))
        await until_blocked(sessions)
        await asyncio.wait_for(lock_roster(session, story.account.account_id), PATIENCE)
        assert not moved.done()
    assert len(of_type(await moved, "deadline.missed")) >= 2


async def test_a_busy_machine_makes_it_slow_and_does_not_end_it(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that moves half a second whenever it is looked at: PostgreSQL ends what is idle for ten."""
    story, clock, statements = await begin("google-premium", sandbox=SANDBOX), Ticking(), []
    for _ in range(20):
        await story.open(**P1)
    monkeypatch.setattr(cooperative, "monotonic", clock)
    async with transaction(story.sessions) as session:
        connection = await driver(session)
        await connection.execute("SET LOCAL idle_in_transaction_session_timeout = '10 s'")
        with connection.query_logger(lambda _: statements.append(clock.now)):
            command = ClockAdvance(to=START + HOUR)
            await moving.advance(session, story.account.account_id, command, Told(SUPPORT))
    assert clock.now > 50
    assert max(later - before for before, later in pairwise(statements)) < 10


class Ticking:
    """A clock that moves on when somebody looks at it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.5
        return self.now
