"""JSON answers: instants as RFC 3339, messages in the language of their reader."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import orjson
from fastapi import Request, Response
from starlette.types import Scope as AsgiScope

from app.core.text.language import SOURCE, Language
from app.core.text.messages import Message
from app.core.web.callers import language_of

_JSON_TYPES: Final[tuple[type[Any], ...]] = (str, int, float, dict, list)


class Reader:
    """Whoever reads an answer: their language is found when the first message is written for them."""

    def __init__(self, scope: AsgiScope | None) -> None:
        self._scope = scope
        self._language: Language | None = None

    def read(self, text: Message) -> str:
        """A message as this reader gets it."""
        if self._language is None:
            self._language = language_of(self._scope) if self._scope else SOURCE
        return text.to(self._language)

    @property
    def headers(self) -> dict[str, str]:
        """What the answer says of its language, if anything in it depends on that."""
        return {"Content-Language": self._language, "Vary": "Accept-Language"} if self._scope and self._language else {}


NOBODY: Final = Reader(None)
"""Reads English: what is stored, and what is sent without a request."""


def dump(body: Any, reader: Reader = NOBODY) -> bytes:
    """JSON as it is sent: instants as RFC 3339 UTC with ``Z``, messages in the language of their reader."""
    options = orjson.OPT_UTC_Z | orjson.OPT_PASSTHROUGH_SUBCLASS
    return orjson.dumps(body, default=partial(_plain, reader), option=options)


def _plain(reader: Reader, value: Any) -> Any:
    """What JSON has for a value of a type of our own."""
    if isinstance(value, Message):
        return reader.read(value)
    plain = next((kind for kind in _JSON_TYPES if isinstance(value, kind)), None)
    if plain is None:
        raise TypeError(f"{type(value).__name__} is not JSON")
    return plain(value)


def reply(
    body: Any, status: int = 200, headers: Mapping[str, str] | None = None, *, request: Request | None = None
) -> Response:
    """A ready JSON answer: FastAPI sends it as it is, so the ``response_model`` only documents it.

    Messages in ``body`` are written in the language of whoever has sent the ``request``.
    """
    reader = Reader(request.scope if request else None)
    content = dump(body, reader)
    return Response(content, status, {**(headers or {}), **reader.headers}, "application/json")


def reply_text(body: str, headers: Mapping[str, str] | None = None) -> Response:
    """The answer of a read whose JSON PostgreSQL has written."""
    return Response(body, 200, headers, "application/json")


def etag(version: int) -> dict[str, str]:
    """The ``ETag`` header of a resource in this version."""
    return {"ETag": f'"{version}"'}
