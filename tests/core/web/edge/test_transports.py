"""The head of an answer is sent together with its body, and is never kept back for it."""

import asyncio
from typing import Any, cast

from app.core.web.edge.transports import JoiningTransport


class Sent:
    """A transport that notes what becomes of it."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def write(self, data: bytes) -> None:
        self.calls.append(data)

    def write_eof(self) -> None:
        self.calls.append("eof")

    def close(self) -> None:
        self.calls.append("close")

    def is_closing(self) -> bool:
        return "close" in self.calls


def _joining(sent: Sent) -> JoiningTransport:
    return JoiningTransport(cast("asyncio.Transport", sent), asyncio.get_running_loop())


async def test_a_head_goes_with_the_body_that_follows_at_once_and_the_rest_as_it_comes() -> None:
    sent = Sent()
    joining = _joining(sent)
    joining.hold_next()
    for piece in (b"head ", b"body ", b"more"):
        joining.write(piece)
    await asyncio.sleep(0)
    assert sent.calls == [b"head body ", b"more"]
    joining.hold_next()
    joining.write(b"head")
    joining.write(b"")
    assert sent.calls[2:] == [b"head"]


async def test_a_head_without_a_body_goes_at_the_end_of_its_turn() -> None:
    sent = Sent()
    joining = _joining(sent)
    joining.hold_next()
    joining.write(b"head")
    assert sent.calls == []
    await asyncio.sleep(0)
    joining.write(b"body")
    assert sent.calls == [b"head", b"body"]


async def test_what_is_held_goes_before_the_end() -> None:
    for end in ("write_eof", "close"):
        sent = Sent()
        joining = _joining(sent)
        joining.hold_next()
        joining.write(b"head")
        getattr(joining, end)()
        await asyncio.sleep(0)
        assert sent.calls == [b"head", end.removeprefix("write_")]
        assert joining.is_closing() == (end == "close")
