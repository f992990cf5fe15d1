"""Requests that are sent ahead of their answers, and what is no request behind them, on a real socket."""

import asyncio
import socket
import struct
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.limits.streams import DRAIN
from app.core.web.edge import protocol
from tests.support.asking import asking
from tests.support.waiting import until

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
LONG = b"x" * 2**22


class Desk:
    """An application that answers at length, or waits until its caller has gone; it counts what it was asked."""

    def __init__(self, *, answers: bool) -> None:
        self.answers, self.begun, self.answered, self.left = answers, 0, 0, 0

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        self.begun += 1
        if self.answers:
            fields = [(b"content-length", str(len(LONG)).encode())]
            await send({"type": "http.response.start", "status": 200, "headers": fields})
            await send({"type": "http.response.body", "body": LONG})
            self.answered += 1
            return
        while (await receive())["type"] != "http.disconnect":
            pass
        self.left += 1


async def test_a_request_begins_when_the_answer_before_it_has_been_taken() -> None:
    desk = Desk(answers=True)
    async with asyncio.timeout(60), asking(desk, REQUEST, REQUEST) as (reader, writer):
        await until(lambda: desk.answered)
        writer.write(REQUEST)
        await writer.drain()
        for _ in range(20):
            await asyncio.sleep(0)
        assert desk.begun == 1
        read = 0
        while read < 3 * len(LONG):
            read += len(await reader.read(2**16))
        assert (desk.begun, desk.answered) == (3, 3)


async def _refuse(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer without looking at the body."""
    await send({"type": "http.response.start", "status": 429, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def _post(length: int) -> bytes:
    return b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % length


async def test_a_body_whose_request_was_answered_already_is_passed_over() -> None:
    async with asyncio.timeout(60), asking(_refuse, _post(1000)) as (reader, writer):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 429")
        writer.write(b"x" * 1000 + REQUEST)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 429")


async def test_a_long_one_is_not() -> None:
    async with asyncio.timeout(60), asking(_refuse, _post(len(LONG))) as (reader, writer):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 429")
        writer.write(LONG + REQUEST)
        assert await reader.read() == b""


async def test_all_requests_of_a_client_that_leaves_are_told() -> None:
    desk = Desk(answers=False)
    async with asyncio.timeout(60), asking(desk, REQUEST, REQUEST) as (_, writer):
        await until(lambda: desk.begun)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        await until(lambda: desk.left)
        assert (desk.begun, desk.left) == (1, 1)


class Counter:
    """An application that answers each request with its number, once its body has come; ``left`` before that."""

    def __init__(self) -> None:
        self.answered = self.left = 0

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        message: dict[str, Any] = {"more_body": True}
        while message.get("more_body"):
            message = dict(await receive())
            if message["type"] == "http.disconnect":
                self.left += 1
                return
        self.answered += 1
        body = b"%d" % self.answered
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})


async def _answers(desk: ASGIApp, *sent: bytes, half_closed: bool = False) -> list[tuple[int, bytes]]:
    """The statuses and bodies of all answers until the connection ends; what is no 200 shows no body."""
    async with asyncio.timeout(30), asking(desk, *sent) as (reader, writer):
        if half_closed:
            writer.write_eof()
        read = await reader.read(-1)
    answers = [answer for answer in read.split(b"HTTP/1.1 ") if answer]
    statuses = [int(answer[:3]) for answer in answers]
    bodies = [answer.partition(b"\r\n\r\n")[2] for answer in answers]
    return [(status, body if status == 200 else b"") for status, body in zip(statuses, bodies, strict=True)]


@pytest.mark.parametrize(
    ("sent", "answers"),
    [
        ([REQUEST], [(200, b"1")]),
        ([_post(3), b"abc"], [(200, b"1")]),
        ([REQUEST, REQUEST, REQUEST], [(200, b"1"), (200, b"2"), (200, b"3")]),
        ([REQUEST, b"GET / HTTP/1.1\r\nHost"], [(200, b"1")]),
        ([REQUEST, _post(3), b"ab"], [(200, b"1")]),
        ([_post(3), b"ab"], []),
        ([], []),
    ],
    ids=["one", "with a body", "three", "half a head behind", "half a body behind", "half a body", "nothing"],
)
async def test_a_client_that_closes_its_side_is_answered_what_it_has_asked_completely(
    sent: list[bytes], answers: list[tuple[int, bytes]]
) -> None:
    assert await _answers(Counter(), *sent, half_closed=True) == answers


async def test_an_application_is_told_of_a_client_that_left_in_the_middle_of_its_body() -> None:
    desk = Counter()
    async with asyncio.timeout(30), asking(desk, _post(3), b"ab") as (reader, writer):
        writer.write_eof()
        assert await reader.read(-1) == b""
        await until(lambda: desk.left)


@pytest.mark.parametrize(
    "behind",
    [
        b"\x16\x03\x01 no HTTP\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        _post(-1),
        b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET http://[::1/ HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
    ids=repr,
)
async def test_complete_requests_are_answered_before_what_is_behind_them_is_refused(behind: bytes) -> None:
    assert await _answers(Counter(), behind) == [(400, b"")]
    assert await _answers(Counter(), REQUEST, REQUEST, behind) == [(200, b"1"), (200, b"2"), (400, b"")]


async def test_a_body_that_turns_out_to_be_none_is_refused_behind_the_answers_before_it() -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    desk = Counter()
    assert await _answers(desk, REQUEST, head, b"no chunk\r\n") == [(200, b"1"), (400, b"")]
    assert (desk.answered, desk.left) == (1, 0)


async def test_so_many_requests_as_may_wait_are_answered_and_one_more_is_refused() -> None:
    answers = await _answers(Counter(), *[REQUEST] * 40)
    assert answers == [*((200, b"%d" % number) for number in range(1, 18)), (400, b"")]


async def test_what_is_behind_a_wish_for_another_protocol_is_the_next_request() -> None:
    wish = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    sent = [wish, REQUEST, wish, REQUEST]
    answers = [(200, b"%d" % number) for number in range(1, 5)]
    assert await _answers(Counter(), b"".join(sent), half_closed=True) == answers


async def test_a_body_behind_a_wish_for_another_protocol_is_a_body() -> None:
    seen: list[tuple[str, bytes, list[bytes]]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body, message = b"", await receive()
        while message.get("more_body"):
            body += message["body"]
            message = await receive()
        body += message["body"]
        seen.append((scope["path"], body, [name for name, _value in scope["headers"]]))
        await _refuse(scope, receive, send)

    wish = b"POST /%d HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n%s: %s\r\n\r\n"
    counted = wish % (1, b"Content-Length", b"%d" % len(REQUEST)) + REQUEST
    chunked = wish % (2, b"Transfer-Encoding", b"chunked") + b"%x\r\n%s\r\n0\r\n\r\n" % (len(REQUEST), REQUEST)
    assert await _answers(app, counted, chunked, REQUEST, half_closed=True) == [(429, b"")] * 3
    last = wish.replace(b"Upgrade, HTTP2-Settings", b"Upgrade, close") % (3, b"Content-Length", b"%d" % len(REQUEST))
    old = wish.replace(b"HTTP/1.1", b"HTTP/1.0") % (4, b"Content-Length", b"%d" % len(REQUEST))
    for one in (last, old):
        assert await _answers(app, one + REQUEST, half_closed=True) == [(429, b"")]
    assert [body for _path, body, _fields in seen[3:]] == [REQUEST] * 2
    fields = [b"host", b"connection"]
    assert seen[:3] == [
        ("/1", REQUEST, [*fields, b"content-length"]),
        ("/2", REQUEST, [*fields, b"transfer-encoding"]),
        ("/", b"", [b"host"]),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 1\r\nContent-Length: 2\r\n",
        b"Content-Length: 1\r\nHost: b\r\n",
        b"Content-Length: 1\r\n" + b"X: y\r\n" * 200,
    ],
)
async def test_a_wish_for_another_protocol_allows_nothing_that_is_refused_otherwise(fields: bytes) -> None:
    wish = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n%s\r\nx" % fields
    ((status, _body),) = await _answers(Counter(), wish)
    assert status in (400, 431)


async def test_what_is_behind_a_body_that_was_cut_off_is_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "_LEFT_OVER", 10)
    asked: list[Scope] = []

    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(scope)
        await _refuse(scope, receive, send)

    async with asyncio.timeout(30), asking(refuse, _post(20)) as (reader, writer):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 429")
        writer.write(b"x" * 20 + REQUEST)
        assert await reader.read() == b""
    assert len(asked) == 1


async def test_an_answer_that_stays_open_ends_when_its_client_sends_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "_QUIET", 0)

    async def stream(scope: Scope, _receive: Receive, send: Send) -> None:
        told = asyncio.get_running_loop().create_future()
        scope[DRAIN] = told.set_result
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await told
        await send({"type": "http.response.body", "body": b"z"})

    assert await _answers(stream, REQUEST, half_closed=True) == [(200, b"1\r\na\r\n1\r\nz\r\n0\r\n\r\n")]


async def test_what_a_head_cannot_say_is_refused_and_a_trailer_adds_nothing_to_it() -> None:
    seen: list[list[bytes]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        seen.append([name for name, _value in scope["headers"]])
        await _refuse(scope, receive, send)

    twice = REQUEST.replace(b"\r\n\r\n", b"\r\nhost: b\r\n\r\n")
    trailed = (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Forwarded-For: ::1\r\n\r\n"
    )
    async with asyncio.timeout(60), asking(app, trailed, twice) as (reader, _writer):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 429")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 400")
    assert seen == [[b"host", b"transfer-encoding"]]
