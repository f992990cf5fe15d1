"""Against a running service: HELIODESK_URL, and the key of an account's owner in ACCOUNT_KEY."""

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest
from heliodesk_client import (
    AsyncHeliodesk,
    Heliodesk,
    HeliodeskError,
    InvalidSignature,
    Retries,
    Webhook,
    async_items,
    items,
)
from heliodesk_client.generated.api import AllOperations
from standardwebhooks.webhooks import Webhook as Standard
from usage import follow, new_ticket

URL, KEY = os.environ["HELIODESK_URL"], os.environ["ACCOUNT_KEY"]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HASTE = Retries(first=0.001)


@pytest.fixture
def desk() -> Iterator[Heliodesk]:
    with Heliodesk(URL, KEY, trust_env=False) as desk:
        yield desk


def test_a_ticket_is_opened_found_and_told_of(desk: Heliodesk) -> None:
    title, events = follow(desk)
    assert (title, events[0]) == ("Checkout is down", "ticket.opened")


def test_the_same_key_opens_one_ticket(desk: Heliodesk) -> None:
    key = f"order-{uuid4()}"
    first, second = (desk.tickets.create_ticket(body=new_ticket(), idempotency_key=key) for _ in range(2))
    assert first.id == second.id


def test_a_list_is_read_over_its_pages(desk: Heliodesk) -> None:
    made = {desk.tickets.create_ticket(body=new_ticket()).id for _ in range(3)}
    found = [ticket.id for ticket in items(desk.tickets.list_tickets, limit=2)]
    assert made <= set(found)
    assert len(set(found)) == len(found)


def test_a_problem_is_raised_with_its_place(desk: Heliodesk) -> None:
    with pytest.raises(HeliodeskError, match=r"422 .*/title") as caught:
        desk.tickets.create_ticket(body=new_ticket(title=""))
    assert (caught.value.slug, caught.value.faults[0].pointer) == ("invalid-input", "/title")
    assert caught.value.request_id


async def test_all_of_it_async() -> None:
    async with AsyncHeliodesk(URL, KEY, trust_env=False) as desk:
        made = await asyncio.gather(*(desk.tickets.create_ticket(body=new_ticket()) for _ in range(3)))
        found = [ticket.id async for ticket in async_items(desk.tickets.list_tickets, limit=2)]
        assert {ticket.id for ticket in made} <= set(found)
        with pytest.raises(HeliodeskError) as caught:
            await desk.tickets.create_ticket(body=new_ticket(title=""))
    assert caught.value.status == 422


class Failing:
    """Answers with these statuses one after the other, then as a webhook endpoint's removal or a ticket's page does."""

    def __init__(self, *statuses: int) -> None:
        self.statuses, self.sent = list(statuses), list[httpx.Request]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        if not self.statuses:
            return httpx.Response(200, json={"items": [], "next_cursor": None})
        status = self.statuses.pop(0)
        if not status:
            raise httpx.ConnectError("reset")
        return httpx.Response(status, json={"type": "/problems/unavailable", "title": "Not now", "status": status})

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self)


@pytest.mark.parametrize("passing", [429, 502, 503, 504, 0], ids=str)
def test_what_passes_is_tried_again(passing: int) -> None:
    failing = Failing(passing, passing)
    with Heliodesk(URL, KEY, retries=HASTE, transport=failing.transport) as desk:
        assert desk.tickets.list_tickets().items == []
    assert len(failing.sent) == 3


def test_it_is_tried_again_with_the_same_key_and_no_more_often_than_said() -> None:
    failing = Failing(*[503] * 9)
    with Heliodesk(URL, KEY, retries=HASTE, transport=failing.transport) as desk, pytest.raises(HeliodeskError):
        desk.tickets.create_ticket(body=new_ticket())
    assert len(failing.sent) == 4
    assert len({request.headers["idempotency-key"] for request in failing.sent}) == 1


async def test_an_async_request_is_tried_again() -> None:
    failing = Failing(503, 0)
    async with AsyncHeliodesk(URL, KEY, retries=HASTE, transport=failing.transport) as desk:
        assert (await desk.tickets.list_tickets()).items == []
    assert len(failing.sent) == 3


@pytest.mark.parametrize(
    ("status", "ask"),
    [
        (503, lambda desk: desk.webhooks.delete_webhook("whk_1")),
        (422, lambda desk: desk.tickets.create_ticket(body=new_ticket())),
    ],
    ids=["not repeatable", "refused"],
)
def test_what_cannot_be_repeated_or_will_not_pass_is_sent_once(
    status: int, ask: Callable[[AllOperations], object]
) -> None:
    failing = Failing(*[status] * 9)
    with Heliodesk(URL, KEY, retries=HASTE, transport=failing.transport) as desk, pytest.raises(HeliodeskError):
        ask(desk)
    assert len(failing.sent) == 1


def test_retry_after_is_honoured_up_to_the_longest_wait() -> None:
    said = httpx.Response(429, headers={"Retry-After": "7"})
    assert (Retries().wait(1, said), Retries(longest=2).wait(1, said)) == (7, 2)
    assert all(0.25 <= Retries().wait(1, None) <= 0.5 for _ in range(10))


def test_a_webhook_is_verified_and_what_nobody_signed_is_refused() -> None:
    body, now = json.dumps({"id": "evt_1", "type": "ticket.opened"}), datetime.now(UTC)
    headers = {
        "Webhook-Id": "evt_1",
        "Webhook-Timestamp": str(int(now.timestamp())),
        "Webhook-Signature": Standard(SECRET).sign("evt_1", now, body),
    }
    assert Webhook(SECRET).verify(body, headers)["id"] == "evt_1"
    with pytest.raises(InvalidSignature):
        Webhook(SECRET).verify(body + " ", headers)
