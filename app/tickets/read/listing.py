"""Lists of tickets. Whatever is asked, a page costs a bounded number of rows, of which each is read by an index.

First the beginning of the list is looked at, in its order: filters that many tickets pass fill the page there. Then
those of the most selective filter, if they are few: they are sorted. Else the list is gone through as far as one page
reaches (``core/paging``). What a statement reads is fixed by its form, not left to an estimate.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Select, String, any_, func, literal, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Principal
from app.core.db.session import driver
from app.core.db.tables import Row
from app.core.problems import NotFound
from app.core.web.paging import REACH, Filter, Page, Slice, at_most, within_reach
from app.tickets.read.queries import documents
from app.tickets.read.ways import CREATED, NEVER, TICKETS, Ask, TicketFilter, Way, filters, in_order, selective
from app.tickets.wording import as_number, pattern

_REACH_BY_TITLE: Final = 2000
"""How far a page reaches that looks up each ticket's title."""
_FEW: Final = 1000
"""Tickets of a filter that are read and sorted for a page, at the most."""
_BEGINNING: Final = 100
"""Tickets that are looked at before a selective filter is tried."""
# A bitmap of the trigrams' index is the one plan that does not depend on where in the table the matches lie.
_BY_TRIGRAMS: Final = (
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off; SET LOCAL plan_cache_mode = force_custom_plan"
)
_AS_BEFORE: Final = "; ".join(
    f"SET LOCAL {name} TO DEFAULT" for name in ("enable_seqscan", "enable_indexscan", "plan_cache_mode")
)
_TITLES: Final = f"SELECT ticket_id, opened_at, sandbox FROM ticket_titles WHERE {{}} folded LIKE $1 LIMIT {_FEW + 1}"  # noqa: S608
_NUMBERED: Final = "SELECT ticket_id FROM ticket_titles WHERE number = $1 AND ($2::text IS NULL OR account_id = $2)"


async def list_tickets(
    session: AsyncSession, principal: Principal, wanted: TicketFilter, page: Page
) -> Slice[tuple[tuple[Any, ...], dict[str, Any]]]:
    """One page of tickets (one more than asked for, when there are more), each with its sort key."""
    if wanted.account_id and not principal.sees(wanted.account_id):
        raise NotFound
    ask = Ask(wanted, wanted.account_id or principal.account_id, page)
    found = await _find(session, ask)
    shown = await documents(session, principal, found.rows) if found.rows else []
    placed = [(_place(row, wanted.sort), document) for row, document in zip(found.rows, shown, strict=True)]
    return Slice(placed, found.edge)


def _place(row: Row, sort: str) -> tuple[Any, ...]:
    if sort == "due":
        return (row["support_due_at"] or NEVER, row["id"])
    return (row["opened_at" if sort == "created" else "updated_at"], row["id"])


async def _find(session: AsyncSession, ask: Ask) -> Slice[Row]:
    wanted, ways = ask.wanted, list(selective(ask))
    reach = _REACH_BY_TITLE if wanted.q else REACH
    along = next((way for way in ways if way.serves == wanted.sort), None)
    aside = next((way for way in ways if way is not along), None)
    if wanted.number:
        return Slice(await _named(session, ask, await _numbered(session, ask, wanted.number), _every(ask)))
    if (number := as_number(wanted.q or "")) and (rows := await _with_mentions(session, ask, number)):
        return Slice(rows)
    if not (wanted.q or aside):
        return await _go(session, ask, along, reach)
    if not wanted.external_ref:
        beginning = await _go(session, ask, along, _BEGINNING)
        if beginning.edge is None or len(beginning.rows) > ask.page.limit:
            return beginning
        if len(beginning.rows) * reach > ask.page.limit * _BEGINNING:
            return await _go(session, ask, along, reach)
    few = await _few(session, ask, aside)
    return Slice(few) if few is not None else await _go(session, ask, along, reach)


async def _few(session: AsyncSession, ask: Ask, aside: Way | None) -> list[Row] | None:
    """The page of the tickets of the most selective filter that leads to few; None where all lead to many."""
    if ask.wanted.q and not ask.wanted.external_ref and (rows := await _search(session, ask)) is not None:
        return rows
    return await _gather(session, ask, aside) if aside else None


async def _go(session: AsyncSession, ask: Ask, along: Way | None, reach: int) -> Slice[Row]:
    """The page, as far as the first ``reach`` tickets of the list hold it."""
    rows: list[Row] = []
    for part in in_order(ask, along):
        left = _left(ask, part)
        query = within_reach(part.tickets(), part.order, left, ask.page.limit - len(rows), reach)
        found = [dict(row) for row in (await session.execute(query)).mappings()]
        rows += [row for row in found if not row["beyond_reach"]]
        edges = [_place(row, ask.wanted.sort) for row in found if row["beyond_reach"]]
        if edges or len(rows) > ask.page.limit:
            return Slice(rows, edges[0] if edges else None)
    return Slice(rows)


def _left(ask: Ask, way: Way | None) -> list[Filter]:
    """The filters that a way does not cover."""
    covered = way.covers if way else "q"
    left = [one for name, one in filters(ask.wanted).items() if name != covered]
    return left if way and way.meant else [*left, ask.meant]


def _every(ask: Ask) -> list[Filter]:
    return [*filters(ask.wanted).values(), ask.meant]


async def _gather(session: AsyncSession, ask: Ask, way: Way) -> list[Row] | None:
    """The page of the tickets to which a way leads, in the order of the list; None where these are many."""
    return await _sorted(session, ask, way.tickets().limit(at_most(_FEW + 1)), _left(ask, way))


async def _sorted(session: AsyncSession, ask: Ask, few: Select[Any], left: Sequence[Filter]) -> list[Row] | None:
    found = few.cte("found").prefix_with("MATERIALIZED")
    counted = select(func.count().label("looked_at")).select_from(found).subquery("counted")
    passing = select(found).where(*(one(found.c) for one in left), *ask.behind(found.c))
    page = passing.order_by(*ask.order.of(found.c)).limit(ask.page.limit + 1).subquery("page")
    query = select(counted, page).select_from(counted.outerjoin(page, true())).order_by(*ask.order.of(page.c))
    rows = [dict(row) for row in (await session.execute(query)).mappings()]
    return None if rows[0]["looked_at"] > _FEW else [row for row in rows if row["id"] is not None]


async def _search(session: AsyncSession, ask: Ask) -> list[Row] | None:
    """The page of the tickets whose titles hold the term; None where these are many."""
    hits = await _titles(session, ask)
    if hits is None:
        return None
    if ask.order is CREATED and not filters(ask.wanted).keys() - {"q"}:
        hits = _newest(ask, hits)
    return await _named(session, ask, [hit["ticket_id"] for hit in hits], _left(ask, None))


def _newest(ask: Ask, hits: Sequence[Row]) -> Sequence[Row]:
    """Those on the page, where its order is known before the tickets are read."""
    meant = [hit for hit in hits if ask.account_id is not None or hit["sandbox"] == ask.sandbox]
    keys = {(hit["opened_at"], hit["ticket_id"]): hit for hit in meant}
    behind = [key for key in keys if ask.place is None or key < ask.place]
    return [keys[key] for key in sorted(behind, reverse=True)[: ask.page.limit + 1]]


async def _numbered(session: AsyncSession, ask: Ask, number: str) -> list[str]:
    """The tickets with this number: one of an account at most."""
    found = await (await driver(session)).fetch(_NUMBERED, number, ask.account_id)
    return [row["ticket_id"] for row in found]


async def _with_mentions(session: AsyncSession, ask: Ask, number: str) -> list[Row]:
    """Tickets with this number, which are there whatever else matches, and those whose title holds it."""
    own = await _numbered(session, ask, number)
    if not own:
        return []
    mentions = await _titles(session, ask) or []
    ids = dict.fromkeys([*own, *(hit["ticket_id"] for hit in mentions)])
    return await _named(session, ask, list(ids)[:_FEW], _left(ask, None))


async def _named(session: AsyncSession, ask: Ask, ids: Sequence[str], left: Sequence[Filter]) -> list[Row]:
    if not ids:
        return []
    few = select(TICKETS).where(TICKETS.c.id == any_(literal(ids, ARRAY(String))))
    return await _sorted(session, ask, few, left) or []


async def _titles(session: AsyncSession, ask: Ask) -> Sequence[Mapping[str, Any]] | None:
    """The titles that hold the term; None where there are many."""
    connection = await driver(session)
    await connection.execute(_BY_TRIGRAMS)
    own = "account_id = $2 AND" if ask.account_id else ""
    hits = await connection.fetch(
        _TITLES.format(own), pattern(ask.wanted.q or ""), *([ask.account_id] if ask.account_id else [])
    )
    await connection.execute(_AS_BEFORE)
    return hits if len(hits) <= _FEW else None
