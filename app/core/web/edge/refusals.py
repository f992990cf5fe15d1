"""The bytes of an answer that refuses what no application has seen."""

from collections.abc import Iterable
from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from app.core.problems import HeadTooLarge, Problem
from app.core.text.language import SOURCE
from app.core.text.messages import _
from app.core.web.edge.answer_headers import complete
from app.core.web.http import PROBLEM_JSON
from app.core.web.replies import dump

_CLOSE: Final = (b"connection", b"close")


def refusal(problem: Problem, request_id: str, default_fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A problem as an answer of HTTP/1.1, behind which the connection closes."""
    body = dump(problem.document(request_id=request_id))
    given = [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
    own = [
        (b"content-type", PROBLEM_JSON.encode()),
        (b"content-language", SOURCE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"x-request-id", request_id.encode()),
        _CLOSE,
    ]
    fields = [*default_fields, *own, *given]
    complete(fields)
    head = b"".join(name + b": " + value + b"\r\n" for name, value in fields)
    return STATUS_LINE[problem.status] + head + b"\r\n" + body


def head_too_large(most_bytes: int, most_fields: int) -> Problem:
    """What a request is refused with whose header exceeds these limits."""
    detail = _("A request's header has at most {most_bytes} bytes and {most_fields} fields")
    return HeadTooLarge(detail.given(most_bytes=most_bytes, most_fields=most_fields))
