"""Many P1s at once for few experts, with several replicas: nobody owns two, and the queue keeps its order (G2)."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Final

import pytest

from app.core.auth import Principal
from app.core.db import Row, Sessions, transaction
from app.sweep.passes import run_pass
from app.tickets.intake import open_ticket
from app.tickets.lifecycle import Caller, set_status
from app.tickets.schemas import OpenTicket, SetStatus
from tests.support.actors import make_account, make_engineer
from tests.support.desk import AUTOMATION, TICKET, connected, fetch, store_plan
from tests.support.replaying import replayed
from tests.support.stories import P1

pytestmark = pytest.mark.faults

TICKETS: Final = 200
EXPERTS: Final = 20
REPLICAS: Final = 4
SUPPORT: Final = Principal("admin", "key_test")
EVENTS: Final = """
SELECT e.ticket_id, e.type, e.timestamp, e.data FROM events AS e
WHERE e.type IN ('ticket.assigned', 'ticket.status_changed', 'routing.unstaffed')
ORDER BY e.timestamp, e.ticket_id, e.sequence
"""
STATE: Final = """
SELECT t.id, t.assignee_id, t.status, t.queued_at, t.routing ->> 'state' AS state, h.engineer_id
FROM tickets AS t LEFT JOIN expert_holds AS h ON h.ticket_id = t.id ORDER BY t.queued_at, t.id
"""


async def _open(sessions: Sessions, account_id: str) -> None:
    command = OpenTicket.model_validate(TICKET | P1)
    async with transaction(sessions) as session:
        await open_ticket(session, command, account_id=account_id, acting=AUTOMATION)


async def _resolve(sessions: Sessions, ticket_id: str) -> None:
    caller = Caller(SUPPORT, lambda _: None)
    async with transaction(sessions) as session:
        await set_status(session, caller, ticket_id, SetStatus(status="resolved"))


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


async def test_g2_200_p1s_for_20_experts_with_four_replicas(sessions: Sessions, database: str) -> None:
    plan = await store_plan(sessions, "google-premium", alert={"accept": "PT10H"})
    account = (await make_account(sessions, plan)).account_id
    for number in range(EXPERTS):
        await make_engineer(sessions, name=f"Expert {number}", email=f"e{number}@example.com")
    async with AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(connected(database, 4)) for _ in range(REPLICAS)]
        await asyncio.gather(*(_open(replicas[number % REPLICAS], account) for number in range(TICKETS)))
        queue = [row["id"] for row in await _assert_in_step(sessions)]
        assert len(queue) == TICKETS - EXPERTS
        while True:
            owned = [row["id"] for row in await fetch(sessions, STATE) if row["engineer_id"]]
            if not owned:
                break
            work = [_resolve(replicas[place % REPLICAS], ticket) for place, ticket in enumerate(owned)]
            sweeps = [run_pass(replica, batch=7) for replica in replicas]
            await asyncio.gather(*work, *sweeps)
            await _assert_in_step(sessions)
    placed = _assert_nobody_owned_two(await fetch(sessions, EVENTS))
    assert len(placed) == len(set(placed)) == TICKETS
    unstaffed = [event for event in await fetch(sessions, EVENTS) if event["type"] == "routing.unstaffed"]
    assert sorted(event["ticket_id"] for event in unstaffed) == sorted(queue)
    told: dict[str, datetime] = {event["ticket_id"]: event["timestamp"] for event in unstaffed}
    assert placed[EXPERTS:] == sorted(queue, key=lambda ticket: (told[ticket], ticket))
    assert await replayed(sessions) == []
