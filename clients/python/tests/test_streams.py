"""The feed as server-sent events: against a running service, and against one whose streams break off."""

import json
import os
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import Any

import httpx
import pytest
from heliodesk_client import AsyncHeliodesk, ConnectionFailed, Heliodesk, Retries, problems
from signing import example
from usage import new_ticket

URL, KEY = os.environ["HELIODESK_URL"], os.environ["HELIODESK_KEY"]
HASTE = Retries(first_wait=0.001)
ALIVE = "id: c9\n:\n\n"
"""What a silent stream says: how far it has come."""


def told(cursor: str) -> str:
    """An event as the service sends it."""
    event = example("deadline.missed") | {"id": f"evt_{cursor}"}
    return f"event: deadline.missed\ndata: {json.dumps(event)}\nid: {cursor}\n\n"


class Breaking(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that is cut off, or ends in order."""

    def __init__(self, text: str, *, cut: bool) -> None:
        self.text, self.cut = text, cut

    def __iter__(self) -> Iterator[bytes]:
        yield self.text.encode()
        if self.cut:
            raise httpx.ReadError("reset")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self:
            yield part


Answer = tuple[str, bool] | int | Exception


class Service:
    """Answers with these streams, statuses or errors, one after the other."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.places = list(answers), list[str | None]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert (request.url.path, request.headers["accept"]) == ("/v1/events/stream", "text/event-stream")
        self.places.append(request.headers.get("last-event-id"))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, int):
            slug = {401: "unauthorized", 410: "cursor-gone"}.get(answer, "unavailable")
            return httpx.Response(answer, json={"type": f"/problems/{slug}", "title": "Not now", "status": answer})
        text, cut = answer
        headers = {"content-type": "text/event-stream; charset=utf-8"}
        return httpx.Response(200, headers=headers, stream=Breaking(f"retry: 1\n\n{text}", cut=cut))

    def desk(self, retries: Retries = HASTE) -> Heliodesk:
        return Heliodesk("https://desk.example", KEY, retries=retries, transport=httpx.MockTransport(self))

    def async_desk(self) -> AsyncHeliodesk:
        transport = httpx.MockTransport(self)
        return AsyncHeliodesk("https://desk.example", KEY, retries=HASTE, transport=transport)


def test_the_events_of_a_ticket_are_streamed() -> None:
    with Heliodesk(URL, KEY, trust_env=False) as desk:
        ticket = desk.tickets.create_ticket(body=new_ticket())
        first, second = islice(desk.stream_events(ticket_id=ticket.id), 2)
        assert (first.type_, first.sequence, second.sequence) == ("ticket.opened", 1, 2)
        assert next(desk.stream_events(ticket_id=ticket.id, after=first.cursor)).id == second.id
        assert next(desk.stream_events(ticket_id=ticket.id, types=["deadline.*"])).type_ == "deadline.started"


async def test_the_events_of_a_ticket_are_streamed_async() -> None:
    async with AsyncHeliodesk(URL, KEY, trust_env=False) as desk:
        ticket = await desk.tickets.create_ticket(body=new_ticket())
        events = desk.stream_events(ticket_id=ticket.id)
        assert (await anext(events)).type_ == "ticket.opened"
        assert (await anext(events)).sequence == 2


def test_a_place_that_is_none_is_refused() -> None:
    with Heliodesk(URL, KEY, trust_env=False) as desk, pytest.raises(problems.InvalidInput, match="cursor"):
        next(desk.stream_events(after="nowhere"))


BROKEN: list[Answer] = [
    (told("c1") + told("c2") + "event: deadline.missed\ndata: {", True),
    httpx.ConnectError("refused"),
    503,
    (told("c3") + ALIVE, False),
    (told("c10"), True),
]
PLACES = [None, "c2", "c2", "c2", "c9"]
"""Each stream is opened behind the last thing that was heard."""


def test_a_stream_that_breaks_off_goes_on_behind_its_last_event() -> None:
    service = Service(*BROKEN)
    with service.desk() as desk:
        events = list(islice(desk.stream_events(types=["deadline.*"]), 4))
    assert [event.cursor for event in events] == ["c1", "c2", "c3", "c10"]
    assert service.places == PLACES


async def test_an_async_stream_that_breaks_off_goes_on_behind_its_last_event() -> None:
    service, seen = Service(*BROKEN), list[str]()
    async with service.async_desk() as desk:
        async for event in desk.stream_events():
            seen.append(event.cursor)
            if event.cursor == "c10":
                break
    assert (seen, service.places) == (["c1", "c2", "c3", "c10"], PLACES)


@pytest.mark.parametrize(
    ("answers", "error", "asked"),
    [
        ([(told("c1"), True), 410], problems.CursorGone, 2),
        ([401], problems.Unauthorized, 1),
        ([(told("c1"), True), *[503] * 3], problems.Unavailable, 4),
        ([httpx.ConnectError("refused")] * 4, ConnectionFailed, 4),
    ],
    ids=["its place is gone", "the key is revoked", "it stays away", "it was never there"],
)
def test_a_stream_that_cannot_go_on_says_why(answers: list[Any], error: type[Exception], asked: int) -> None:
    service, seen = Service(*answers), list[str]()
    with service.desk() as desk, pytest.raises(error):
        seen.extend(event.cursor for event in desk.stream_events())
    assert len(service.places) == asked
    assert seen == ["c1"] * sum(isinstance(answer, tuple) for answer in answers)
