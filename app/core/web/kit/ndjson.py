"""Answers that come line by line (``application/x-ndjson``), for what takes long enough to show its progress."""

from collections.abc import AsyncIterator
from typing import Any, Final

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from app.core.text.language import Language
from app.core.web.http import problem_document, problem_of
from app.core.web.replies import dump

NDJSON: Final = "application/x-ndjson"


def wants_lines(request: Request) -> bool:
    """Whether the caller asks for lines by name; ``*/*`` gets one document."""
    asked = [part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "").split(",")]
    return NDJSON in asked


def lines(documents: AsyncIterator[dict[str, Any]], language: Language) -> Response:
    """Each document as a line, as soon as it is there; a proxy is asked not to buffer them.

    A failure midway is told as a last line: its problem, in this language.
    """
    return StreamingResponse(_lines(documents, language), headers={"X-Accel-Buffering": "no"}, media_type=NDJSON)


async def _lines(documents: AsyncIterator[dict[str, Any]], language: Language) -> AsyncIterator[bytes]:
    try:
        async for document in documents:
            yield dump(document) + b"\n"
    except Exception as error:  # noqa: BLE001  it is logged, and the head of the answer is sent already
        yield dump(problem_document(problem_of(error), language=language)) + b"\n"
