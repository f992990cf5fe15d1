"""The answer with a payload as it came: a large one is written piece by piece, so that others have their turns."""

import base64
import codecs
from collections.abc import AsyncIterator
from typing import Any, Final

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from app.core.pieces import Pieces
from app.core.process.cooperative import in_turns
from app.core.web.replies import Reader, dump, reply
from app.inbound.bodies import ONE

_STEP: Final = 2**16
"""Bytes that are written at once: several times as many, where a byte is written as a code."""
_GROUP: Final = 3
"""Bytes of which base64 makes four digits."""


async def payload_reply(document: dict[str, Any], payload: Pieces, request: Request) -> Response:
    """A document, and with it its payload: as text, or in base64 where it is none."""
    encoding = "utf-8" if await _is_text(payload) else "base64"
    document |= {"encoding": encoding}
    if len(payload) <= ONE:
        content = payload.whole()
        shown = content.decode() if encoding == "utf-8" else base64.b64encode(content).decode()
        return reply(document | {"payload": shown}, request=request)
    reader = Reader(request.scope)
    head = dump(document, reader).removesuffix(b"}") + b',"payload":"'
    written = _as_text(payload) if encoding == "utf-8" else _as_base64(payload)
    return StreamingResponse(_framed(head, written), headers=reader.headers, media_type="application/json")


async def _framed(head: bytes, written: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for part in written:
        yield part
    yield b'"}'


async def _is_text(payload: Pieces) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        async for piece in in_turns(payload.steps(_STEP)):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


async def _as_text(payload: Pieces) -> AsyncIterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    async for piece in in_turns(payload.steps(_STEP)):
        yield dump(decoder.decode(piece))[1:-1]


async def _as_base64(payload: Pieces) -> AsyncIterator[bytes]:
    left = b""
    async for piece in in_turns(payload.steps(_STEP)):
        given = left + piece
        whole = len(given) - len(given) % _GROUP
        left = given[whole:]
        yield base64.b64encode(given[:whole])
    yield base64.b64encode(left)
