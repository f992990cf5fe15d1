"""Against a running service: HELIODESK_URL, and the key of an account's owner in HELIODESK_KEY."""

import asyncio
import os
import pickle
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import islice
from uuid import uuid4

import httpx
import pytest
from heliodesk_client import (
    AsyncHeliodesk,
    ConnectionFailed,
    Heliodesk,
    ProblemError,
    Retries,
    TimedOut,
    async_follow,
    async_items,
    follow,
    items,
    problems,
)
from heliodesk_client.generated.api import AllOperations
from usage import life_of_a_ticket, new_ticket

URL, KEY = os.environ["HELIODESK_URL"], os.environ["HELIODESK_KEY"]
HASTE = Retries(first_wait=0.001)


@pytest.fixture
def desk() -> Iterator[Heliodesk]:
    with Heliodesk(URL, KEY, trust_env=False) as desk:
        yield desk


def test_a_ticket_is_opened_found_and_told_of(desk: Heliodesk) -> None:
    title, events = life_of_a_ticket(desk)
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
    with pytest.raises(problems.InvalidInput, match=r"422 .*/title") as caught:
        desk.tickets.create_ticket(body=new_ticket(title=""))
    assert (caught.value.slug, caught.value.faults[0].pointer) == ("invalid-input", "/title")
    assert caught.value.request_id
    assert pickle.loads(pickle.dumps(caught.value)).slug == "invalid-input"  # noqa: S301 - our own


def test_the_feed_is_read_to_its_end_and_followed(desk: Heliodesk) -> None:
    ticket = desk.tickets.create_ticket(body=new_ticket())
    there = list(items(desk.events.list_events, ticket_id=ticket.id, limit=2))
    assert [event.sequence for event in there] == list(range(1, len(there) + 1))
    followed = islice(follow(desk.events.list_events, ticket_id=ticket.id, limit=2), len(there))
    assert [event.id for event in followed] == [event.id for event in there]


def test_one_call_has_its_own_headers_and_timeout(desk: Heliodesk) -> None:
    in_polish = desk.with_options(headers={"Accept-Language": "pl"}, timeout=20)
    with pytest.raises(problems.NotFound, match="Nie ma takiego zasobu"):
        in_polish.tickets.get_ticket("tkt_01k9z3v5q8e9rbn3wz4m6t7y2a")
    with pytest.raises(problems.NotFound, match="There is no such resource"):
        desk.tickets.get_ticket("tkt_01k9z3v5q8e9rbn3wz4m6t7y2a")


async def test_all_of_it_async() -> None:
    async with AsyncHeliodesk(URL, KEY, trust_env=False) as desk:
        made = await asyncio.gather(*(desk.tickets.create_ticket(body=new_ticket()) for _ in range(3)))
        found = [ticket.id async for ticket in async_items(desk.tickets.list_tickets, limit=2)]
        assert {ticket.id for ticket in made} <= set(found)
        feed = async_follow(desk.events.list_events, ticket_id=made[0].id)
        assert (await anext(feed)).type_ == "ticket.opened"
        with pytest.raises(problems.NotFound):
            await desk.with_options(timeout=20).tickets.get_ticket("tkt_01k9z3v5q8e9rbn3wz4m6t7y2a")


class Failing:
    """Answers with these statuses, or raises these errors, one after the other, and then with an empty list."""

    def __init__(self, *outcomes: int | Exception, **headers: str) -> None:
        self.outcomes, self.headers, self.sent = list(outcomes), headers, list[httpx.Request]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        outcome = self.outcomes.pop(0) if self.outcomes else 200
        if isinstance(outcome, Exception):
            raise outcome
        if outcome == 200:
            return httpx.Response(200, json={"items": [], "next_cursor": None})
        slug = "request-in-flight" if outcome == 409 else "unavailable"
        document = {"type": f"/problems/{slug}", "title": "Not now", "status": outcome}
        return httpx.Response(outcome, json=document, headers=self.headers)

    def desk(self, retries: Retries = HASTE) -> Heliodesk:
        return Heliodesk("https://desk.example", KEY, retries=retries, transport=httpx.MockTransport(self))


BROKEN = httpx.ReadError("reset")
UNREACHED = httpx.ConnectError("refused")


def a_list(desk: AllOperations) -> object:
    return desk.tickets.list_tickets()


def a_creation(desk: AllOperations) -> object:
    return desk.tickets.create_ticket(body=new_ticket())


def a_removal(desk: AllOperations) -> object:
    return desk.webhooks.delete_webhook("whk_1")


@pytest.mark.parametrize("passing", [408, 409, 429, 500, 502, 503, 504, BROKEN, UNREACHED], ids=repr)
def test_what_passes_is_tried_again(passing: int | Exception) -> None:
    failing = Failing(passing, passing)
    with failing.desk() as desk:
        assert desk.tickets.list_tickets().items == []
    assert len(failing.sent) == 3


@pytest.mark.parametrize("passing", [429, UNREACHED], ids=repr)
def test_what_was_not_done_is_tried_again_whatever_it_is(passing: int | Exception) -> None:
    failing = Failing(passing)
    with failing.desk() as desk:
        a_removal(desk)
    assert len(failing.sent) == 2


def test_it_is_tried_again_with_the_same_key_and_no_more_often_than_said() -> None:
    failing = Failing(*[503] * 9)
    with failing.desk() as desk, pytest.raises(problems.Unavailable):
        a_creation(desk)
    assert len(failing.sent) == 4
    assert len({request.headers["idempotency-key"] for request in failing.sent}) == 1


async def test_an_async_request_is_tried_again() -> None:
    failing = Failing(503, BROKEN)
    transport = httpx.MockTransport(failing)
    async with AsyncHeliodesk("https://desk.example", KEY, retries=HASTE, transport=transport) as desk:
        assert (await desk.tickets.list_tickets()).items == []
    assert len(failing.sent) == 3


@pytest.mark.parametrize(
    ("outcome", "ask", "error"),
    [
        (503, a_removal, problems.Unavailable),
        (BROKEN, a_removal, ConnectionFailed),
        (httpx.ReadTimeout("slow"), a_removal, TimedOut),
        (422, a_creation, ProblemError),
        (307, a_list, ProblemError),
        (httpx.UnsupportedProtocol("no scheme"), a_list, ConnectionFailed),
    ],
    ids=["maybe done", "broken", "timeout", "refused", "elsewhere", "not sendable"],
)
def test_what_cannot_be_repeated_or_will_not_pass_is_sent_once(
    outcome: int | Exception, ask: Callable[[AllOperations], object], error: type[Exception]
) -> None:
    failing = Failing(*[outcome] * 9)
    with failing.desk() as desk, pytest.raises(error):
        ask(desk)
    assert len(failing.sent) == 1


def test_the_wait_that_the_service_asks_for_is_obeyed() -> None:
    def wait(said: str, longest: float = 30.0) -> float | None:
        answer = httpx.Response(429, headers={"Retry-After": said})
        return Retries(longest_wait=longest).wait(1, answer, repeatable=True)

    in_a_while = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    assert wait("7") == 7
    assert 18 <= (wait(in_a_while) or 0) <= 20
    assert wait("60") is None
    assert all(0.25 <= (wait("soon") or 0) <= 0.5 for _ in range(10))


def test_a_wait_that_is_too_long_is_told_to_the_caller() -> None:
    failing = Failing(429, **{"Retry-After": "60"})
    with failing.desk() as desk, pytest.raises(ProblemError) as caught:
        a_list(desk)
    assert (caught.value.retry_after, len(failing.sent)) == (60, 1)


def test_it_says_who_it_is() -> None:
    failing = Failing()
    with failing.desk() as desk:
        a_list(desk)
    assert failing.sent[0].headers["user-agent"].startswith("heliodesk-client-python/")
