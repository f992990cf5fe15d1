"""Whatever requests hold or wait for in the database: the clock goes on, others are answered, and callers are told."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx
import pytest

from app.core.db.engine import Sessions
from tests.support.actors import Headers, make_account, make_key
from tests.support.desk import fetch, make_endpoint, now_of, open_at, store_plan
from tests.support.service import Service, serving
from tests.support.sse import Reader
from tests.support.stories import P1
from tests.support.tickets import TICKET
from tests.support.waiting import until
from tests.webhooks.receiver import Receiver

pytestmark = pytest.mark.faults

PATIENT: Final = {"HELIODESK_LOCK_TIMEOUT": "60", "HELIODESK_STATEMENT_TIMEOUT": "60", "HELIODESK_POOL_TIMEOUT": "60"}
CROWDED: Final = PATIENT | {"HELIODESK_IN_FLIGHT": "200", "HELIODESK_IN_FLIGHT_PER_ACCOUNT": "100"}
"""So many requests are let in that connections are what there is too little of."""
IMPATIENT: Final = {"HELIODESK_LOCK_TIMEOUT": "0.3"}
LONG_AGO: Final = timedelta(days=2)
POOL: Final = 8
MOST: Final = 6
BLOCKED: Final = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'heliodesk requests' AND wait_event_type = 'Lock'
"""
MISSED: Final = "SELECT id FROM events WHERE ticket_id = $1 AND type = 'deadline.missed'"


class Customer:
    """An account on a plan of a few hours, with an editor's key and a ticket."""

    def __init__(self, account_id: str, key: Headers, ticket_id: str) -> None:
        self.account_id, self.key, self.ticket_id = account_id, key, ticket_id
        self.messages = f"/v1/tickets/{ticket_id}/messages"


@pytest.fixture
async def customers(shared: Sessions) -> Sequence[Customer]:
    plan = await store_plan(shared, "wati-business-plus")
    return [await _customer(shared, plan) for _ in range(3)]


async def _customer(sessions: Sessions, plan: str) -> Customer:
    account_id = (await make_account(sessions, plan)).account_id
    (ticket_id,) = await open_at(sessions, account_id, await now_of(sessions), priority="P4")
    return Customer(account_id, await make_key(sessions, account_id=account_id, role="editor"), ticket_id)


@asynccontextmanager
async def holding(url: str, statement: str, *arguments: Any) -> AsyncIterator[None]:
    """A foreign session's transaction has run ``statement``, and stays open for as long as the block runs."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute(statement, *arguments)
            yield
    finally:
        await connection.close()


def _tickets_of(*customers: Customer) -> tuple[str, list[str]]:
    return "SELECT FROM tickets WHERE id = ANY ($1) FOR UPDATE", [each.ticket_id for each in customers]


@asynccontextmanager
async def _client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=service.url, trust_env=False, timeout=90, limits=limits) as client:
        yield client


async def _blocked(sessions: Sessions) -> int:
    [row] = await fetch(sessions, BLOCKED)
    number: int = row["count"]
    return number


async def _post_messages(
    client: httpx.AsyncClient, sessions: Sessions, customers: Sequence[Customer], blocked: int
) -> list["asyncio.Task[httpx.Response]"]:
    """Forty requests at once on tickets that somebody holds, once so many of them have taken a connection."""
    tasks = [
        asyncio.create_task(client.post(each.messages, json={"body": "Hello?"}, headers=each.key))
        for each in customers
        for _ in range(40 // len(customers))
    ]

    async def reached() -> bool:
        return await _blocked(sessions) == blocked

    await until(reached)
    return tasks


async def test_requests_that_hold_every_connection_delay_no_miss_no_webhook_and_no_stream(
    shared: Sessions,
    own_database: str,
    folder: Path,
    admin_key: str,
    customers: Sequence[Customer],
    receiver: Receiver,
) -> None:
    *greedy, victim = customers
    await make_endpoint(shared, receiver.url, "deadline.missed")
    with serving(folder, own_database, admin_key, **CROWDED) as service:
        reader = Reader(service.url, victim.key)
        async with _client(service) as client, asyncio.TaskGroup() as group:
            stream = group.create_task(reader.read(after="latest"))

            async def streaming() -> bool:
                return "heliodesk_streams 1.0" in (await client.get("/metrics")).text

            await until(streaming)
            async with holding(own_database, *_tickets_of(*greedy)):
                tasks = await _post_messages(client, shared, greedy, POOL)
                (late,) = await open_at(shared, victim.account_id, await now_of(shared) - LONG_AGO, priority="P2")

                async def noticed() -> bool:
                    told = {event["ticket_id"] for event in reader.told if event["type"] == "deadline.missed"}
                    return bool(await fetch(shared, MISSED, late)) and late in told and bool(receiver.messages)

                await until(noticed)
                assert (await client.get("/readyz")).status_code == 200
                assert not any(task.done() for task in tasks)
                assert await _blocked(shared) == POOL
            assert {answer.status_code for answer in await asyncio.gather(*tasks)} == {201}
            stream.cancel()


async def test_one_accounts_requests_leave_connections_to_others(
    shared: Sessions, own_database: str, folder: Path, admin_key: str, customers: Sequence[Customer]
) -> None:
    greedy, victim, _ = customers
    with serving(folder, own_database, admin_key, **CROWDED) as service:
        async with _client(service) as client, holding(own_database, *_tickets_of(greedy)):
            tasks = await _post_messages(client, shared, [greedy], MOST)
            opened = await asyncio.gather(
                *(client.post("/v1/tickets", json=TICKET, headers=victim.key) for _ in range(20))
            )
            assert {answer.status_code for answer in opened} == {201}
            assert not any(task.done() for task in tasks)
            assert await _blocked(shared) == MOST
            metrics = (await client.get("/metrics")).text
            assert f'heliodesk_database_connections{{pool="requests",state="in use"}} {MOST}.0' in metrics
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def test_a_caller_is_told_soon_that_others_hold_the_ticket_and_nothing_is_written(
    shared: Sessions, own_database: str, folder: Path, admin_key: str, customers: Sequence[Customer]
) -> None:
    customer = customers[0]
    with serving(folder, own_database, admin_key, **IMPATIENT) as service:
        async with _client(service) as client:
            key = customer.key | {"Idempotency-Key": "once"}
            async with holding(own_database, *_tickets_of(customer)):
                refused = await client.post(customer.messages, json={"body": "Hello?"}, headers=key)
            assert (refused.status_code, refused.json()["type"]) == (503, "/problems/unavailable")
            assert refused.json()["detail"] == "Another request holds a lock that this one needs"
            assert refused.headers["retry-after"] == "1"
            assert await fetch(shared, "SELECT FROM messages WHERE ticket_id = $1", customer.ticket_id) == []
            answer = await client.post(customer.messages, json={"body": "Hello?"}, headers=key)
            assert answer.status_code == 201


async def test_a_caller_is_told_soon_that_there_is_no_connection(
    shared: Sessions, own_database: str, folder: Path, admin_key: str, customers: Sequence[Customer]
) -> None:
    *greedy, victim = customers
    with serving(folder, own_database, admin_key, **CROWDED | {"HELIODESK_POOL_TIMEOUT": "0.5"}) as service:
        async with _client(service) as client, holding(own_database, *_tickets_of(*greedy)):
            tasks = await _post_messages(client, shared, greedy, POOL)
            refused = await client.get("/v1/tickets", headers=victim.key)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert refused.json()["detail"] == "All connections to the database are in use"
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def test_of_sixteen_replays_at_once_one_runs_and_the_others_are_refused_at_once(
    shared: Sessions, own_database: str, folder: Path, admin_key: str, customers: Sequence[Customer]
) -> None:
    greedy, victim, _ = customers
    with serving(folder, own_database, admin_key, **CROWDED) as service:
        async with _client(service) as client:
            body = {"url": "http://127.0.0.1:9/hook"}
            made = (await client.post("/v1/webhooks", json=body, headers=greedy.key)).json()
            path, period = f"/v1/webhooks/{made['id']}/replay", {"since": (await now_of(shared) - LONG_AGO).isoformat()}
            async with holding(own_database, "LOCK TABLE deliveries IN SHARE MODE"):
                replays = [asyncio.create_task(client.post(path, json=period, headers=greedy.key)) for _ in range(16)]
                await until(lambda: sum(replay.done() for replay in replays) == 15)
                listed = await client.get("/v1/tickets", headers=victim.key)
                assert listed.status_code == 200
                assert await _blocked(shared) == 1
            answers = [await replay for replay in replays]
            assert sorted(answer.status_code for answer in answers) == [202, *[409] * 15]
            refused = next(answer for answer in answers if answer.status_code == 409)
            assert refused.json()["type"] == "/problems/conflict"
            assert refused.headers["retry-after"]


async def test_the_roster_of_experts_may_be_held_for_long(
    shared: Sessions, own_database: str, folder: Path, admin_key: str, customers: Sequence[Customer]
) -> None:
    """P1s wait for it, in any number; other tickets are opened and missed as ever, and the process is ready."""
    premium = await _customer(shared, await store_plan(shared, "google-premium"))
    now = await now_of(shared)
    (urgent,) = await open_at(shared, premium.account_id, now - LONG_AGO, **P1)
    ordinary = await open_at(shared, customers[0].account_id, *[now - LONG_AGO] * 20, priority="P2")
    body = TICKET | P1
    held = "SELECT pg_advisory_xact_lock(hashtext('heliodesk roster'), hashtext(''))"
    async with AsyncExitStack() as roster:
        await roster.enter_async_context(holding(own_database, held))
        with serving(folder, own_database, admin_key, **PATIENT) as service:
            async with _client(service) as client:
                opening = [
                    asyncio.create_task(client.post("/v1/tickets", json=body, headers=premium.key)) for _ in range(20)
                ]

                async def missed() -> bool:
                    return all([await fetch(shared, MISSED, ticket) for ticket in ordinary])

                await until(missed)
                for _ in range(20):
                    opened = await client.post("/v1/tickets", json=TICKET, headers=premium.key)
                    assert opened.status_code == 201, opened.text
                assert await _blocked(shared) <= 2
                assert not any(task.done() for task in opening)
                assert await fetch(shared, MISSED, urgent) == []
                assert (await client.get("/readyz")).status_code == 200
                await roster.aclose()
                assert {answer.status_code for answer in await asyncio.gather(*opening)} == {201}

                async def urgent_missed() -> bool:
                    return bool(await fetch(shared, MISSED, urgent))

                await until(urgent_missed)


async def test_callers_are_told_when_the_roster_is_not_to_be_had_and_operators_too(
    shared: Sessions, own_database: str, folder: Path, admin_key: str
) -> None:
    premium = await _customer(shared, await store_plan(shared, "google-premium"))
    held = "SELECT pg_advisory_xact_lock(hashtext('heliodesk roster'), hashtext(''))"
    with serving(folder, own_database, admin_key, **IMPATIENT) as service:
        async with _client(service) as client:
            posts = [("/v1/tickets", TICKET | P1 | {"title": f"No {number}"}) for number in range(20)]
            async with holding(own_database, held):
                answers = await asyncio.gather(
                    *(client.post(path, json=body, headers=premium.key) for path, body in posts)
                )
                ready = (await client.get("/readyz")).json()
            assert {answer.status_code for answer in answers} == {503}
            assert ready["status"] == "degraded"
            assert any("roster" in trouble for trouble in ready["degraded"])
            assert (await client.post("/v1/tickets", json=TICKET | P1, headers=premium.key)).status_code == 201


async def test_a_flood_of_probes_does_not_keep_the_clock_from_its_connection(
    shared: Sessions, own_database: str, folder: Path, admin_key: str, customers: Sequence[Customer]
) -> None:
    with serving(folder, own_database, admin_key) as service:
        async with _client(service) as client:

            async def probe() -> None:
                for _ in range(10):
                    assert (await client.get("/readyz")).status_code == 200

            probes = [asyncio.create_task(probe()) for _ in range(50)]
            (late,) = await open_at(shared, customers[0].account_id, await now_of(shared) - LONG_AGO, priority="P2")

            async def missed() -> bool:
                return bool(await fetch(shared, MISSED, late))

            await until(missed)
            await asyncio.gather(*probes)
