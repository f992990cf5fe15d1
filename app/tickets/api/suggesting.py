"""Articles that may solve a ticket, in the answer to its opening."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import orjson
import structlog
from fastapi import Response

from app.articles.read.answers import suggest
from app.articles.read.search import Asked, suggested_to
from app.core.db.errors import DATABASE_ERRORS
from app.core.web.callers import language_of
from app.core.web.kit.operations import Call
from app.core.web.replies import reply
from app.tickets.schemas import NewTicket

_MOST: Final = 3
_log = structlog.get_logger(__name__)


async def with_suggestions(call: Call, answer: Response, command: NewTicket) -> Response:
    """The answer to an opening with ``suggestions`` and ``known_errors``.

    They are null where the ticket is open and they could not be read.
    """
    own = (command.requester and command.requester.locale) or language_of(call.request.scope)
    asked = Asked(suggested_to(call.principal), command.title, command.description, command.product, own)
    try:
        found: Mapping[str, Any] = await call.ask(partial(suggest, asked=asked, limit=_MOST))
    except DATABASE_ERRORS as error:  # the ticket is open: to answer an error would have it opened again
        _log.warning("no articles could be suggested", error=repr(error))
        found = {"items": None, "known_errors": None}
    headers = {name: value for name, value in answer.headers.items() if name not in ("content-length", "content-type")}
    document = orjson.loads(answer.body) | {"suggestions": found["items"], "known_errors": found["known_errors"]}
    return reply(document, answer.status_code, headers, request=call.request)
