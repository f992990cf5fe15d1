"""Replicas whose own clocks are wrong: outcomes, orders and instants are those of the database's clock."""

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from app.core.db.engine import Sessions
from tests.support.actors import make_account, make_engineer, make_key
from tests.support.desk import fetch, make_endpoint, now_of, store_plan
from tests.support.replaying import replayed
from tests.support.service import serving
from tests.support.tickets import TICKET
from tests.support.waiting import until
from tests.webhooks.receiver import Receiver

pytestmark = pytest.mark.faults

HOUR, YEAR = timedelta(hours=1), timedelta(days=365)
AHEAD: Final = (timedelta(0), HOUR, -YEAR, -HOUR, YEAR)
"""By how much the clock of each replica is ahead of the database's: one is right."""
BUSY: Final = 60
"""Seconds for which this machine may have other things to do."""
ROUNDS: Final = 4
QUICK: Final[dict[str, Any]] = {
    "key": "quick",
    "targets": {
        "P1": {"resolution": "PT1S"},
        "P2": {"first_response": "PT1S", "resolution": "PT2S"},
        "P3": {"first_response": "PT1H", "next_response": "PT1H", "update": "PT2H", "resolution": "PT4H"},
    },
    "on_miss": {"resolution": ["raise_priority", "open_escalation", "notify_manager"]},
    "requires": {},
    "routing": {"tiers": 1},
    "alert": None,
    "call": None,
    "customer_may": {"priority": "any", "escalate": True},
    "warn_at": [],
}
ANSWERED: Final = [
    ("first_response", 1, "P3", "met", HOUR),
    ("resolution", 1, "P3", "met", 4 * HOUR),
    ("update", 1, "P3", "met", 2 * HOUR),
    ("next_response", 1, "P3", "met", HOUR),
    ("update", 2, "P3", "met", 2 * HOUR),
    ("update", 3, "P3", "cancelled", 2 * HOUR),
]
MISSED: Final = [
    ("first_response", 1, "P2", "met_late", timedelta(seconds=1)),
    ("resolution", 1, "P2", "missed", timedelta(seconds=2)),
    ("resolution", 2, "P1", "missed", timedelta(seconds=1)),
    ("escalation_ack", 1, "P1", "met", timedelta(minutes=15)),
    ("escalation_ack", 1, "P1", "met", timedelta(minutes=15)),
]
"""Metric, cycle, priority, state, and the time from the start to the due instant, in the order of the list."""


@dataclass(frozen=True)
class Desk:
    """Replicas in turns, with how far the clock of each is ahead; callers for an engineer and for a customer."""

    services: Sequence[tuple[httpx.AsyncClient, timedelta]]
    turns: Iterator[httpx.AsyncClient]
    engineer: dict[str, str]
    customer: dict[str, str]
    account_id: str

    async def post(self, path: str, who: dict[str, str], /, **body: Any) -> Any:
        """What the replica whose turn it is answers."""
        answer = await next(self.turns).post(path, json=body, headers=who)
        assert answer.is_success, answer.text
        return answer.json()

    async def same(self, path: str, **params: Any) -> list[Any]:
        """The whole list, which two replicas in a row show alike; in pages of two."""
        first, second = [await _pages(next(self.turns), path, self.engineer, params) for _ in range(2)]
        assert first == second
        return first


async def _pages(service: httpx.AsyncClient, path: str, who: dict[str, str], params: dict[str, Any]) -> list[Any]:
    items, cursor = list[Any](), dict[str, str]()
    while True:
        answer = await service.get(path, params=params | {"limit": 2} | cursor, headers=who)
        assert answer.is_success, answer.text
        page = answer.json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = {"cursor": page["next_cursor"]}


@pytest.fixture
async def desk(shared: Sessions, own_database: str, folder: Path, admin_key: str) -> AsyncIterator[Desk]:
    """A replica for each of these clocks, on one database."""
    with ExitStack() as stack:
        ready = [stack.enter_context(serving(folder, own_database, admin_key, ahead)) for ahead in AHEAD]
        services = [httpx.AsyncClient(base_url=each.url, trust_env=False, timeout=30) for each in ready]
        account = await make_account(shared, await store_plan(shared, "google-premium", **QUICK))
        engineer = await make_engineer(shared)
        yield Desk(
            list(zip(services, AHEAD, strict=True)),
            cycle(services),
            await make_key(shared, "agent", engineer_id=engineer.id),
            await make_key(shared, account_id=account.account_id, role="owner"),
            account.account_id,
        )
        for service in services:
            await service.aclose()
        assert [line for each in ready for line in each.printed().splitlines() if '"level":"error"' in line] == []


async def answered(desk: Desk, number: int) -> str:
    """A ticket that is answered, asked about, answered again and resolved."""
    ticket = await desk.post("/v1/tickets", desk.customer, **TICKET, priority="P3", external_ref=f"answered {number}")
    path = f"/v1/tickets/{ticket['id']}"
    for who, body in ((desk.engineer, "1"), (desk.customer, "2"), (desk.engineer, "3")):
        await desk.post(f"{path}/messages", who, body=body)
    await desk.post(f"{path}/status", desk.engineer, status="resolved", message="4")
    return path


async def missed(desk: Desk, number: int) -> str:
    """A ticket that nobody answers in time."""
    ticket = await desk.post("/v1/tickets", desk.customer, **TICKET, priority="P2", external_ref=f"missed {number}")
    return f"/v1/tickets/{ticket['id']}"


async def shown(desk: Desk, path: str) -> list[tuple[Any, ...]]:
    deadlines = await desk.same(f"{path}/deadlines")
    instants = [(datetime.fromisoformat(d["started_at"]), datetime.fromisoformat(d["due_at"])) for d in deadlines]
    return [
        (d["metric"], d["cycle"], d["priority"], d["state"], due - started)
        for d, (started, due) in zip(deadlines, instants, strict=True)
    ]


async def test_a_replica_whose_clock_is_wrong_changes_no_outcome(
    desk: Desk, shared: Sessions, receiver: Receiver
) -> None:
    endpoint = await make_endpoint(shared, receiver.url, "*")
    began = await now_of(shared)
    opened = [path for number in range(ROUNDS) for path in (await answered(desk, number), await missed(desk, number))]
    late = opened[1::2]
    await until(lambda: _all_missed(shared, len(late)), within=120)
    for path in late:
        await desk.post(f"{path}/messages", desk.engineer, body="We are late.")
        first, second = await desk.same(f"{path}/escalations")
        assert first["requested_at"] < second["requested_at"]
        for escalation in (first, second):
            await desk.post(f"/v1/escalations/{escalation['id']}/acknowledge", desk.engineer)
    ended = await now_of(shared)

    for path in opened:
        assert await shown(desk, path) == (MISSED if path in late else ANSWERED)
        await _assert_told_in_order(desk, path, began, ended)
    for path in opened[::2]:
        assert [message["body"] for message in await desk.same(f"{path}/messages")] == ["1", "2", "3", "4"]
    assert [f"/v1/tickets/{ticket['id']}" for ticket in await desk.same("/v1/tickets", sort="created")] == opened[::-1]
    updated = [f"/v1/tickets/{ticket['id']}" for ticket in await desk.same("/v1/tickets", sort="updated")]
    assert updated == [*late[::-1], *opened[::2][::-1]]
    assert await replayed(shared) == []
    await _assert_delivered_once(desk, shared, receiver, endpoint.id, endpoint.secrets[0])
    await _assert_told_to_operators(desk)


async def _all_missed(sessions: Sessions, number: int) -> bool:
    query = "SELECT 1 FROM deadlines WHERE metric = 'resolution' AND cycle = 2 AND state = 'missed'"
    rows = await fetch(sessions, query)
    return len(rows) == number


async def _assert_told_in_order(desk: Desk, path: str, began: datetime, ended: datetime) -> None:
    """The timeline goes on by itself, in the database's time, and what was missed was noticed soon."""
    events = await desk.same(f"{path}/timeline")
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    instants = [datetime.fromisoformat(event["timestamp"]) for event in events]
    assert all(earlier <= later for earlier, later in pairwise([began, *instants, ended]))
    lags = [event["data"]["lag_ms"] for event in events if event["type"] == "deadline.missed"]
    assert all(0 < lag < BUSY * 1000 for lag in lags), lags


async def _assert_delivered_once(
    desk: Desk, sessions: Sessions, receiver: Receiver, endpoint_id: str, secret: str
) -> None:
    [told] = await fetch(sessions, "SELECT array_agg(id) AS ids FROM events")
    await until(lambda: len(receiver.messages) >= len(told["ids"]), within=120)
    assert sorted(receiver.ids) == sorted(told["ids"])
    assert all(message.is_signed_with(secret) for message in receiver.messages)
    events = [delivery["event_id"] for delivery in await desk.same(f"/v1/webhooks/{endpoint_id}/deliveries")]
    query = "SELECT event_id FROM deliveries ORDER BY created_at DESC, id DESC"
    assert events == [row["event_id"] for row in await fetch(sessions, query)]


async def _assert_told_to_operators(desk: Desk) -> None:
    for service, ahead in desk.services:
        degraded = " ".join((await service.get("/readyz")).json()["degraded"])
        told = re.search(r"This machine's clock is (\d+) s (ahead of|behind) the database's", degraded)
        assert bool(told) == ("clock" in degraded) == bool(ahead)
        if told:
            assert abs(int(told[1]) - abs(ahead).total_seconds()) <= BUSY
            assert told[2] == ("ahead of" if ahead > timedelta(0) else "behind")
