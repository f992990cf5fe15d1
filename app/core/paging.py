"""Lists by keyset: an opaque cursor holds the place of the last row, so that concurrent inserts move nothing."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import Depends, Query, Request, Response
from pydantic import TypeAdapter, ValidationError

from app.core.http import dump, reply
from app.core.problems import Fault, Invalid
from app.core.schemas import no_nul

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """Which page of a list is asked for."""

    limit: int = 50
    cursor: str | None = None

    def place(self, *kinds: type[str] | type[int] | type[datetime]) -> tuple[Any, ...] | None:
        """The sort key of the last row of the page before, of these types; None on the first page. 422 if broken."""
        if self.cursor is None:
            return None
        try:
            raw = orjson.loads(base64.urlsafe_b64decode(self.cursor.encode("ascii")))
            place = TypeAdapter(tuple[kinds]).validate_python(raw)  # type: ignore[valid-type]  # made at run time
            return tuple(no_nul(part) if isinstance(part, str) else part for part in place)
        except (ValueError, binascii.Error, ValidationError) as error:
            fault = Fault(pointer="#/query/cursor", detail="This cursor was not made by this list")
            raise Invalid(errors=[fault]) from error


async def _page(
    limit: Annotated[int, Query(ge=1, le=200, description="Items on the page")] = 50,
    cursor: Annotated[str | None, Query(max_length=1000, description="`next_cursor` of the page before")] = None,
) -> Page:
    return Page(limit, cursor)


PageDep = Annotated[Page, Depends(_page)]


def cursor_of(*place: Any) -> str:
    """The opaque cursor of a row's sort key."""
    return base64.urlsafe_b64encode(dump(place)).decode()


def listing(
    request: Request,
    page: Page,
    rows: Sequence[T],
    *,
    place: Callable[[T], tuple[Any, ...]],
    document: Callable[[T], Any],
) -> Response:
    """The answer of a list; ``rows`` are one more than ``page.limit`` when there is another page."""
    shown = rows[: page.limit]
    following = cursor_of(*place(shown[-1])) if len(rows) > page.limit else None
    headers = {}
    if following:
        url = request.url.include_query_params(cursor=following)
        headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    return reply({"items": [document(row) for row in shown], "next_cursor": following}, headers=headers)
