"""Many P1s at once for few experts, with several replicas: nobody owns two, and the queue keeps its order (G2)."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from app.core.db.engine import Sessions
from app.core.db.tables import Row
from app.core.ids import new_id
from tests.support.actors import make_account, make_engineer
from tests.support.desk import fetch, store_plan
from tests.support.replaying import replayed
from tests.support.service import serving
from tests.support.stories import P1
from tests.support.tickets import TICKET
from tests.support.waiting import PATIENCE, until

pytestmark = pytest.mark.faults

Json = dict[str, Any]
TICKETS: Final = 200
EXPERTS: Final = 20
REPLICAS: Final = 4
EVENTS: Final = """
SELECT e.ticket_id, e.type, e.timestamp, e.data FROM events AS e
WHERE e.type IN ('ticket.assigned', 'ticket.status_changed', 'routing.unstaffed')
ORDER BY e.timestamp, e.ticket_id, e.sequence
"""
STATE: Final = """
SELECT t.id, t.assignee_id, t.status, t.queued_at, t.routing ->> 'state' AS state, h.engineer_id
FROM tickets AS t LEFT JOIN expert_holds AS h ON h.ticket_id = t.id ORDER BY t.queued_at, t.id
"""


async def _sent(client: httpx.AsyncClient, path: str, body: Json) -> httpx.Response:
    """The answer to a POST that is repeated, as clients do, as long as the service says that it is too busy for it."""
    once = {"Idempotency-Key": new_id("idem")}
    async with asyncio.timeout(PATIENCE * 4):
        while True:
            answer = await client.post(path, json=body, headers=once)
            if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                return answer
            await asyncio.sleep(float(answer.headers["Retry-After"]))


async def _at_once(calls: Sequence[Awaitable[httpx.Response]], status: int) -> None:
    for answer in await asyncio.gather(*calls):
        assert answer.status_code == status, answer.text


def _assert_nobody_owned_two(events: Sequence[Row]) -> list[str]:
    """By the events alone; the tickets that were placed, in the order in which they were."""
    owner: dict[str, str] = {}
    owned: dict[str, set[str]] = defaultdict(set)
    placed: list[str] = []
    for event in events:
        ticket = event["ticket_id"]
        if event["type"] == "ticket.assigned" and event["data"]["to"]:
            owned[owner.get(ticket, "")].discard(ticket)
            owner[ticket] = event["data"]["to"]
            owned[owner[ticket]].add(ticket)
            assert len(owned[owner[ticket]]) == 1, event
            placed.append(ticket)
        elif event["type"] == "ticket.status_changed" and event["data"]["to"] == "resolved":
            owned[owner.get(ticket, "")].discard(ticket)
    return placed


async def _assert_in_step(sessions: Sessions) -> list[Row]:
    """The rows agree with each other; the tickets that are queued, in the order of the queue."""
    rows = await fetch(sessions, STATE)
    for row in rows:
        active = row["status"] != "resolved"
        assert (row["engineer_id"] is not None) == (active and row["state"] != "queued"), row
        assert row["engineer_id"] in (None, row["assignee_id"]), row
        assert (row["queued_at"] is not None) == (row["state"] == "queued"), row
    return [row for row in rows if row["state"] == "queued"]


async def _all_placed(sessions: Sessions) -> list[str]:
    """The tickets that experts work on, once as many have one as can."""

    async def placed() -> bool:
        rows = [row for row in await fetch(sessions, STATE) if row["status"] != "resolved"]
        return sum(row["engineer_id"] is not None for row in rows) == min(len(rows), EXPERTS)

    await until(placed)
    await _assert_in_step(sessions)
    return [row["id"] for row in await fetch(sessions, STATE) if row["engineer_id"]]


async def test_g2_200_p1s_for_20_experts_with_four_replicas(
    shared: Sessions, own_database: str, folder: Path, admin_key: str
) -> None:
    plan = await store_plan(shared, "google-premium", alert={"accept": "PT10H"})
    account = (await make_account(shared, plan)).account_id
    for number in range(EXPERTS):
        await make_engineer(shared, name=f"Expert {number}", email=f"e{number}@example.com")
    async with AsyncExitStack() as stack:
        services = [serving(folder, own_database, admin_key) for _ in range(REPLICAS)]
        started = await asyncio.gather(*(asyncio.to_thread(stack.enter_context, service) for service in services))
        headers = {"Authorization": f"Bearer {admin_key}"}
        clients = [
            await stack.enter_async_context(
                httpx.AsyncClient(base_url=service.url, headers=headers, trust_env=False, timeout=60)
            )
            for service in started
        ]
        body = TICKET | P1 | {"account_id": account}
        posts = [_sent(clients[number % REPLICAS], "/v1/tickets", body) for number in range(TICKETS)]
        await _at_once(posts, 201)
        queue = [row["id"] for row in await _assert_in_step(shared)]
        assert len(queue) == TICKETS - EXPERTS
        while owned := await _all_placed(shared):
            resolved = {"status": "resolved", "message": "It is solved."}
            posts = [
                _sent(clients[place % REPLICAS], f"/v1/tickets/{ticket}/status", resolved)
                for place, ticket in enumerate(owned)
            ]
            await _at_once(posts, 200)
    placed = _assert_nobody_owned_two(await fetch(shared, EVENTS))
    assert len(placed) == len(set(placed)) == TICKETS
    unstaffed = [event for event in await fetch(shared, EVENTS) if event["type"] == "routing.unstaffed"]
    assert sorted(event["ticket_id"] for event in unstaffed) == sorted(queue)
    told: dict[str, datetime] = {event["ticket_id"]: event["timestamp"] for event in unstaffed}
    assert placed[EXPERTS:] == sorted(queue, key=lambda ticket: (told[ticket], ticket))
    assert await replayed(shared) == []
