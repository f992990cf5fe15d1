"""Lists by keyset: an opaque cursor holds the place of the last row, so that concurrent inserts move nothing."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Final, TypeVar

import orjson
from fastapi import Depends, Query, Request, Response
from pydantic import AfterValidator, AwareDatetime, Field, TypeAdapter
from sqlalchemy import Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from app.core.http import dump, reply
from app.core.problems import Fault, Invalid
from app.core.schemas import no_nul

T = TypeVar("T")
Rows = TypeVar("Rows", bound=Select[Any])
_PARTS: Final[dict[type, Any]] = {
    str: Annotated[str, AfterValidator(no_nul)],
    int: Annotated[int, Field(ge=0, lt=2**31)],
    datetime: Annotated[AwareDatetime, AfterValidator(lambda instant: instant.astimezone(UTC))],
}
"""What a part of a sort key may be: nothing that Postgres could not compare with."""


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
            return _reader(kinds).validate_python(orjson.loads(base64.urlsafe_b64decode(self.cursor.encode("ascii"))))
        except (ValueError, OverflowError) as error:
            fault = Fault(pointer="#/query/cursor", detail="This cursor was not made by this list")
            raise Invalid(errors=[fault]) from error


@lru_cache
def _reader(kinds: tuple[type, ...]) -> TypeAdapter[tuple[Any, ...]]:
    shape: Any = tuple.__class_getitem__(tuple(_PARTS[kind] for kind in kinds))
    return TypeAdapter(shape)


async def _page(
    limit: Annotated[int, Query(ge=1, le=200, description="Items on the page")] = 50,
    cursor: Annotated[str | None, Query(max_length=1000, description="`next_cursor` of the page before")] = None,
) -> Page:
    return Page(limit, cursor)


PageDep = Annotated[Page, Depends(_page)]


def in_order(
    query: Rows,
    page: Page,
    made: InstrumentedAttribute[datetime],
    id_: InstrumentedAttribute[str],
    *,
    newest_first: bool = False,
) -> Rows:
    """One page, and one row more, in the order in which the rows were made by the database's clock, then by id.

    Ids alone would not do: each replica makes them by a clock of its own, which may be wrong.
    """
    keys, place = (made, id_), page.place(datetime, str)
    query = query.order_by(*(key.desc() if newest_first else key for key in keys)).limit(page.limit + 1)
    if place is None:
        return query
    return query.where(tuple_(*keys) < place if newest_first else tuple_(*keys) > place)


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
