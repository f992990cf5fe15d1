"""Payloads as they came, shown in parts where they are large."""

import base64

import orjson
import pytest
from fastapi import Request
from fastapi.responses import StreamingResponse

from app.core.pieces import PIECE, Pieces
from app.inbound.api.payload_replies import payload_reply
from app.inbound.bodies import ONE


@pytest.mark.parametrize("size", [1, ONE + 5])
@pytest.mark.parametrize("content", ['aé\n"€\0'.encode(), b"\xff\xfe"], ids=["text", "bytes"])
async def test_a_payload_is_shown_as_it_came(content: bytes, size: int) -> None:
    whole = content * (1 + size // len(content))
    scope = {"type": "http", "headers": [], "method": "GET", "path": "/"}
    answer = await payload_reply({"id": "rcp_1"}, Pieces.of(whole), Request(scope))
    if isinstance(answer, StreamingResponse):
        parts = [bytes(part) async for part in answer.body_iterator]  # type: ignore[arg-type]  # as it is written
        assert max(map(len, parts)) <= 2 * PIECE
        shown = orjson.loads(b"".join(parts))
    else:
        shown = orjson.loads(answer.body)
    assert isinstance(answer, StreamingResponse) == (len(whole) > ONE)
    payload = shown["payload"]
    assert (base64.b64decode(payload) if shown["encoding"] == "base64" else payload.encode()) == whole
    assert (shown["id"], shown["encoding"]) == ("rcp_1", "utf-8" if b"a" in content else "base64")
