"""Lists by keyset: an opaque cursor holds the place of the last row, so that concurrent inserts move nothing.

A page reads one index in its order, and looks at ``REACH`` rows at most for those that its filters leave. Where these
are few, the page is short, and its cursor stands behind the last row that was looked at: no filter costs more.
"""

import base64
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice, takewhile
from typing import Annotated, Any, Final, Generic, TypeAlias, TypeVar
from urllib.parse import quote, urlencode

import orjson
from fastapi import Depends, Query, Request, Response
from pydantic import AfterValidator, AwareDatetime, Field, TypeAdapter
from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    ScalarSelect,
    Select,
    false,
    func,
    inspect,
    literal_column,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from app.core.db.tables import Row
from app.core.problems import Fault, Invalid
from app.core.schemas.shared import no_nul
from app.core.text.messages import _
from app.core.web.kit.queries import Filled
from app.core.web.replies import Reader, dump

T = TypeVar("T")
Columns: TypeAlias = ReadOnlyColumnCollection[str, ColumnElement[Any]]
Filter: TypeAlias = Callable[[Columns], ColumnElement[bool]]
"""A condition on the columns of whatever selects from the table."""

REACH: Final = 5000
"""The most rows that one page examines to find those that its filters let through."""
PAGE_BYTES: Final = 2 * 1024 * 1024
"""Bytes of a page's items, after which it ends: some milliseconds of writing."""
_PARTS: Final[dict[type, Any]] = {
    str: Annotated[str, AfterValidator(no_nul)],
    int: Annotated[int, Field(ge=0, lt=2**31)],
    datetime: Annotated[AwareDatetime, AfterValidator(lambda instant: instant.astimezone(UTC))],
}
"""What a part of a sort key may be: nothing that Postgres could not compare with."""


@dataclass(frozen=True, slots=True)
class Page:
    """Which page of a list is asked for."""

    limit: Annotated[int, Query(ge=1, le=200, description="Items on the page")] = 50
    cursor: Annotated[str | None, Query(max_length=1000, description="`next_cursor` of the previous page")] = None

    def place(self, *kinds: type[str] | type[int] | type[datetime]) -> tuple[Any, ...] | None:
        """The sort key of the last row of the page before, of these types; None on the first page. 422 if broken."""
        if self.cursor is None:
            return None
        try:
            return _reader(kinds).validate_python(orjson.loads(base64.urlsafe_b64decode(self.cursor.encode("ascii"))))
        except (ValueError, OverflowError) as error:
            fault = Fault(pointer="#/query/cursor", detail=_("This cursor does not belong to this list"))
            raise Invalid(errors=[fault]) from error


@lru_cache
def _reader(kinds: tuple[type, ...]) -> TypeAdapter[tuple[Any, ...]]:
    shape: Any = tuple.__class_getitem__(tuple(_PARTS[kind] for kind in kinds))
    return TypeAdapter(shape)


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """The rows of a page, one more than asked for when there are more; ``edge``: where the page's reach ended."""

    rows: Sequence[T]
    edge: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """The order of a list: the columns of its sort key, which tell all rows apart.

    ``same``: columns that are alike in all rows; an index in which they stand before the keys is in this order too.
    """

    keys: tuple[str, ...]
    newest_first: bool = False
    same: tuple[str, ...] = ()

    def of(self, columns: Columns) -> list[ColumnElement[Any]]:
        """What to order by."""
        return [columns[key].desc() if self.newest_first else columns[key] for key in (*self.same, *self.keys)]

    def behind(self, columns: Columns, place: tuple[Any, ...] | None) -> list[ColumnElement[bool]]:
        """The condition of a row behind ``place``; none at the beginning."""
        if place is None:
            return []
        keys = tuple_(*(columns[key] for key in self.keys))
        return [keys < place if self.newest_first else keys > place]


PageDep = Annotated[Page, Depends(Filled(Page))]


async def in_order(
    session: AsyncSession,
    entity: type[T],
    page: Page,
    *more: ColumnElement[bool],
    by: str = "created_at",
    id_: str = "id",
    **equal: str | None,
) -> Sequence[T]:
    """One page, and one row more, in the order in which the rows were made by the database's clock, then by id.

    Ids alone would not do: each replica makes them by a clock of its own, which may be wrong. ``equal``: only rows
    whose columns are what is given, where it is not None; ``more``: further conditions.
    """
    keys = (getattr(entity, by), getattr(entity, id_))
    conditions = [getattr(entity, name) == value for name, value in equal.items() if value is not None]
    conditions += more
    if place := page.place(datetime, str):
        conditions.append(tuple_(*keys) > place)
    query = select(entity).where(*conditions).order_by(*keys).limit(at_most(page.limit + 1))
    return (await session.scalars(query)).all()


def at_most(rows: int) -> ScalarSelect[int]:
    """A LIMIT whose number the planner does not see: it takes the index that is in the order of the rows.

    Where it believes that there are fewer rows than the limit, it would read them all and sort them; and it may be
    wrong by any factor about one account.
    """
    return select(literal_column(str(rows))).scalar_subquery()


def within_reach(
    ordered: Select[Any], order: Order, filters: Sequence[Filter], limit: int, reach: int = REACH
) -> CompoundSelect[Any] | Select[Any]:
    """A page of ``ordered`` (in ``order``), and one row more, among its first ``reach`` rows.

    The last column, ``beyond_reach``, marks the row at which the reach ended: there is one unless the page is full, or
    the rows ended before.
    """
    if not filters:
        return ordered.add_columns(false().label("beyond_reach")).limit(at_most(limit + 1))
    near = ordered.limit(at_most(reach)).subquery("near")
    passing = select(near).where(*(one(near.c) for one in filters)).order_by(*order.of(near.c)).limit(limit + 1)
    found = passing.cte("found").prefix_with("MATERIALIZED")
    last = ordered.offset(at_most(reach - 1)).limit(1).subquery("last")
    short = select(func.count()).select_from(found).scalar_subquery() <= limit
    return union_all(
        select(found, false().label("beyond_reach")), select(last, true().label("beyond_reach")).where(short)
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows a list has: those of a ``scope`` that an index serves, which pass the filters.

    ``reach``: how many of the scope one page examines.
    """

    scope: Sequence[ColumnElement[bool]]
    filters: Sequence[Filter]
    reach: int = REACH


async def filtered(
    session: AsyncSession,
    entity: type[T],
    scope: Sequence[ColumnElement[bool]],
    filters: Sequence[Filter],
    page: Page,
    *keys: str,
) -> Slice[T]:
    """A page of entities, the newest first, of a ``scope`` that an index on it and ``keys`` serves."""
    return await filtered_by(session, entity, Wanted(scope, filters), page, Order(keys, newest_first=True))


async def filtered_by(session: AsyncSession, entity: type[T], wanted: Wanted, page: Page, order: Order) -> Slice[T]:
    """The same in any order that has an instant and an id for its keys."""
    mapper = inspect(entity)
    table = mapper.local_table
    loaded = [attribute.columns[0] for attribute in mapper.column_attrs if not attribute.deferred]
    behind = order.behind(table.c, page.place(datetime, str))
    ordered = select(*loaded).where(*wanted.scope, *behind).order_by(*order.of(table.c))
    found = within_reach(ordered, order, wanted.filters, page.limit, wanted.reach).subquery("page")
    rows = (await session.execute(select(aliased(entity, found), found.c.beyond_reach))).all()
    edges = [tuple(getattr(row[0], key) for key in order.keys) for row in rows if row[1]]
    return Slice([row[0] for row in rows if not row[1]], edges[0] if edges else None)


def cursor_of(*place: Any) -> str:
    """The opaque cursor of a row's sort key."""
    return base64.urlsafe_b64encode(dump(place)).decode()


def made(row: Any) -> tuple[datetime, str]:
    """The place of a row in a list that is in the order in which its rows were made."""
    return row.created_at, row.id


def listing(
    request: Request,
    page: Page,
    rows: Sequence[T] | Slice[T],
    *,
    place: Callable[[T], tuple[Any, ...]],
    document: Callable[[T], Any],
) -> Response:
    """The answer of a list; ``rows`` are one more than ``page.limit`` when there is another page.

    A page ends early once its items have ``PAGE_BYTES``: to write more at once would hold up others.
    """
    found = rows if isinstance(rows, Slice) else Slice(rows)
    places = [place(row) for row in found.rows]
    reader = Reader(request.scope)
    response = _listed(request, page, (dump(document(row), reader) for row in found.rows), places, found.edge)
    response.headers.update(reader.headers)
    return response


def written(request: Request, page: Page, found: Row, body: Callable[[str], str] = str) -> Response:
    """The answer of a list that PostgreSQL has written: ``bodies``, their ``places``, and the ``edge``, as above."""
    places = [(place,) for place in found["places"] or ()]
    edge = None if found["edge"] is None else (found["edge"],)
    return _listed(request, page, (body(each).encode() for each in found["bodies"] or ()), places, edge)


def as_written(request: Request, page: Page, found: Slice[Row], body: Callable[[str], str]) -> Response:
    """The same of a ``Slice`` of rows, each with its ``place`` and its ``body``; the page ends before one without."""
    places = [row["place"] for row in found.rows]
    bodies = takewhile(lambda each: each is not None, (row["body"] for row in found.rows))
    return _listed(request, page, (body(each).encode() for each in bodies), places, found.edge)


def _listed(
    request: Request,
    page: Page,
    items: Iterable[bytes],
    places: Sequence[tuple[Any, ...]],
    edge: tuple[Any, ...] | None,
) -> Response:
    shown: list[bytes] = []
    size = 0
    for item in islice(items, page.limit):
        shown.append(item)
        size += len(item)
        if size >= PAGE_BYTES:
            break
    behind = places[len(shown) - 1] if len(places) > len(shown) else edge
    following = cursor_of(*behind) if behind else None
    headers = {}
    if following:
        asked = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
        query = urlencode([*asked, ("cursor", following)])
        headers["Link"] = f'<{quote(request.scope["path"])}?{query}>; rel="next"'
    body = b'{"items":[%b],"next_cursor":%b}' % (b",".join(shown), dump(following))
    return Response(body, 200, headers, "application/json")
