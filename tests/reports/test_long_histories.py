"""Long histories: they are read page by page, in time that grows with them, and hold up nobody."""

import asyncio
import gc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from time import thread_time
from typing import Any, Final

import pytest
from orjson import dumps

from app.core.state import State
from app.reports.facts.counting import READ, Counting, count
from app.reports.facts.recounting import Recounting
from app.reports.facts.storing import counts
from tests.support.desk import fetch
from tests.support.stories import P1, Begin, path_of

_BEGIN: Final = datetime(2026, 11, 20, tzinfo=UTC)
_EVENTS: Final = 30_000
_TURN: Final = 0.02
"""Seconds for which nothing may hold the event loop."""
# A ticket, and its updates that are started and met, each tenth of them missed.
_FILL: Final = """
INSERT INTO events (account_id, id, ticket_id, sequence, type, timestamp, actor, audience, sandbox, data)
SELECT 'acc_1', 'evt_x' || lpad(n::text, 9, '0'), 'tkt_1', n,
       CASE WHEN n = 0 THEN 'ticket.opened' WHEN n % 2 = 1 THEN 'deadline.started'
            WHEN n % 20 = 0 THEN 'deadline.missed' ELSE 'deadline.met' END,
       now() + n * interval '1 second', '{"kind": "service"}', 'public', false,
       CASE n WHEN 0 THEN $1::text::jsonb ELSE jsonb_build_object(
           'deadline_id', 'ddl_x' || (n - 1) / 2, 'metric', 'update', 'subject', null, 'cycle', (n - 1) / 2 + 1,
           'priority', 'P1', 'started_at', now(), 'due_at', now(), 'lag_ms', 5, 'noticed_at', now(),
           'unconfirmed', false) END
FROM generate_series(0, $2::int) AS n ORDER BY n
"""


@pytest.fixture
def without_collections() -> Iterator[None]:
    """No collections of garbage, which would look at all that other tests keep."""
    gc.disable()
    yield
    gc.enable()


async def test_pages_skip_nothing_and_count_nothing_twice(begin: Begin, state: State) -> None:
    story = await begin("wati-business-plus")
    keys = []
    for answers in (3, 0, 6):
        ticket = await story.open(**P1)
        for _number in range(answers):
            await story.engineer.post(f"{path_of(ticket)}/messages", 201, body="We are on it.")
        keys.append((story.account.account_id, ticket["id"]))
    rows = await fetch(state.sessions, "SELECT * FROM events WHERE type = ANY ($1) ORDER BY sequence", READ)
    plainly = [count(ticket_id, [row for row in rows if row["ticket_id"] == ticket_id]) for _, ticket_id in keys]
    longest = max(len([row for row in rows if row["ticket_id"] == ticket_id]) for _, ticket_id in keys)
    assert longest > 8
    for page in range(1, len(rows) + 2):
        async with state.sessions() as session:
            assert [each async for each in counts(session, keys, {}, page=page)] == plainly, page


def _owing(number: int, *, alone: bool = False) -> Iterator[dict[str, Any]]:
    """So many updates that are missed and never made up for, unless they are ``alone`` with much else of each kind."""
    plan = {"key": "google-premium", "version": 1}
    opening = {"priority": "P1", "plan": plan, "product": None, "channel": "web"}
    told: list[tuple[str, dict[str, Any]]] = [("ticket.opened", opening)]
    at = _BEGIN.isoformat()
    for cycle in range(number):
        of: dict[str, Any] = {"cycle": cycle, "priority": "P1", "started_at": at, "due_at": at, "lag_ms": None}
        update = of | {"deadline_id": f"ddl_u{cycle}", "metric": "update", "subject": None}
        alert = of | {"deadline_id": f"ddl_a{cycle}", "metric": "alert_ack", "subject": f"alt_{cycle}"}
        told += [("deadline.started", update), ("deadline.missed", update)]
        if alone:
            continue
        told += [("deadline.started", alert), ("deadline.met", alert)]
        told += [("ticket.priority_changed", {"to": f"P{cycle % 4 + 1}"})]
        requested: dict[str, Any] = {"escalation_id": f"esc_{cycle}", "reason": "no_update"}
        told += [("escalation.requested", requested), ("escalation.declined", requested | {"subject": None})]
        told += [("call.ended", {"call_id": f"cal_{cycle}"})]
    for place, (kind, data) in enumerate(told):
        own = {"id": f"evt_{place}", "account_id": "acc_1", "sandbox": False}
        yield own | {"type": kind, "timestamp": _BEGIN + timedelta(seconds=place), "data": data}


def _seconds(number: int) -> float:
    events = list(_owing(number))
    began = thread_time()
    assert len(count("tkt_1", events).facts) == 2 * number + 1
    return thread_time() - began


def test_what_is_owed_for_long_makes_no_later_event_slower(without_collections: None) -> None:
    del without_collections
    few, many = [min(_seconds(number) for _try in range(tries)) for number, tries in ((200, 3), (4_000, 2))]
    assert many < 100 * few, "it grows with the square"


def test_no_row_of_a_long_history_waits_for_all_of_them(without_collections: None) -> None:
    del without_collections
    counting, longest = Counting("tkt_1"), 0.0
    for event in _owing(20_000, alone=True):
        counting.take(event)
    facts = counting.facts()
    for _fact in range(20_001):
        began = thread_time()
        next(facts)
        longest = max(longest, thread_time() - began)
    assert longest < _TURN / 2


async def test_counting_a_long_history_holds_up_nobody(state: State, without_collections: None) -> None:
    del without_collections
    opened = {"priority": "P1", "plan": {"key": "a-plan", "version": 1}, "product": None, "channel": "web"}
    await fetch(state.sessions, _FILL, dumps(opened).decode(), _EVENTS)
    await fetch(state.sessions, "INSERT INTO report_recounts SELECT 'acc_1', 'tkt_1', now(), now()")
    holds: list[float] = []

    async def watch() -> None:
        while True:
            began = thread_time()
            await asyncio.sleep(0)
            holds.append(thread_time() - began)

    watching = asyncio.create_task(watch())
    assert await Recounting(state.sessions).run_pass() == 1
    watching.cancel()
    [found] = await fetch(state.sessions, "SELECT count(*) AS number, sum(misses) AS misses FROM report_facts")
    assert (found["number"], found["misses"]) == (_EVENTS // 2 + 1, 2 * (_EVENTS // 20))
    assert max(holds) < 2.5 * _TURN
