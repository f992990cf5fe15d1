"""Lists of tickets. Whatever is asked, a page costs a bounded number of rows, of which each is read by an index.

First the beginning of the list is looked at, in its order: filters that many tickets pass fill the page there. Then
those of the most selective filter, if they are few: they are sorted. Else the list is gone through as far as one page
reaches (``core/paging``). What a statement reads is fixed by its form, not left to an estimate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Executable, Select, String, any_, false, func, literal, select, true
from sqlalchemy.dialects.postgresql import ARRAY

from app.accounts.reading import Question, Reader
from app.core.auth import Principal
from app.core.db.engine import lookup
from app.core.db.session import driver, transaction
from app.core.db.statements.forms import compiled
from app.core.db.tables import Row
from app.core.problems import NotFound
from app.core.web.kit.paging import REACH, Filter, Page, Slice, at_most, within_reach
from app.tickets.read import statements
from app.tickets.read.ways import (
    CREATED,
    LISTED,
    NEVER,
    TICKETS,
    Ask,
    TicketFilter,
    Way,
    filters,
    in_order,
    own_tickets,
    selective,
)
from app.tickets.wording import as_number, pattern

_REMEMBERED: Final = 200
"""Lists whose statements are remembered."""
_PARTS: Final = 2
"""Parts that a list has at most."""
_REACH_BY_TITLE: Final = 2000
"""How far a page reaches that looks up each ticket's title."""
_FEW: Final = 1000
"""The most tickets that are read and sorted for a page of a filtered list."""
_BEGINNING: Final = 100
"""Tickets that are looked at before a selective filter is tried."""
# A bitmap of the trigrams' index is the one plan that does not depend on where in the table the matches lie.
_BY_TRIGRAMS: Final = (
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off; SET LOCAL plan_cache_mode = force_custom_plan"
)
_TITLES: Final = f"SELECT ticket_id, opened_at, sandbox FROM ticket_titles WHERE {{}} folded LIKE $1 LIMIT {_FEW + 1}"  # noqa: S608
_NUMBERED: Final = "SELECT ticket_id FROM ticket_titles WHERE number = $1 AND ($2::text IS NULL OR account_id = $2)"


async def list_tickets(reader: Reader, wanted: TicketFilter, page: Page) -> Slice[Row]:
    """One page of tickets (one more than asked for, when there are more): each with its ``place`` and its ``body``."""
    principal = reader.principal
    if wanted.account_id and not principal.sees(wanted.account_id):
        raise NotFound
    marks = principal.visitor.marks if principal.visitor and principal.is_confined else None
    run = _Run(reader, principal, Ask(wanted, wanted.account_id or principal.account_id, page, marks))
    return await _find(run) if marks is None or wanted.number else await _own(run, marks)


@dataclass(frozen=True, slots=True)
class _Run:
    """What one list asks, and on whose behalf."""

    reader: Reader
    principal: Principal
    ask: Ask

    async def found(self, query: Executable, *, counts: bool = False) -> Row:
        """The tickets that a query of lists finds, in its order, as ``statements.listed`` returns them."""
        at, internal = self.ask.order.keys[0], self.principal.is_support
        question = statements.listed(Question(*compiled(query)), at, internal=internal, counts=counts)
        return await self.reader.ask(question)

    def place(self, at: datetime | None, ticket_id: str) -> tuple[datetime, str]:
        """The sort key of a ticket."""
        return (at or NEVER, ticket_id)

    def rows(self, found: Row) -> list[Row]:
        """What was found, each ticket with its place."""
        places = map(self.place, found["ats"] or (), found["ids"] or ())
        return [{"place": place, "body": body} for place, body in zip(places, found["bodies"] or (), strict=True)]


async def _find(run: _Run) -> Slice[Row]:
    ask, wanted, ways = run.ask, run.ask.wanted, _ways(run.ask)
    reach = _REACH_BY_TITLE if wanted.q else REACH
    along = next((number for number, way in enumerate(ways) if way.serves == wanted.sort), None)
    aside = next((way for number, way in enumerate(ways) if number != along), None)
    if wanted.number:
        return Slice(await _named(run, await _numbered(run, wanted.number), _every(ask)))
    if (number := as_number(wanted.q or "")) and (rows := await _with_mentions(run, number)):
        return Slice(rows)
    if not (wanted.q or aside):
        return await _go(run, along, reach)
    if not wanted.external_ref:
        beginning = await _go(run, along, _BEGINNING)
        if beginning.edge is None or len(beginning.rows) > ask.page.limit:
            return beginning
        if len(beginning.rows) * reach > ask.page.limit * _BEGINNING:
            return await _go(run, along, reach)
    few = await _few(run, aside)
    return Slice(few) if few is not None else await _go(run, along, reach)


async def _own(run: _Run, marks: Sequence[str]) -> Slice[Row]:
    """The page of a visitor's own tickets; where these are many, as far as the account's first tickets hold it."""
    own = await _gather(run, own_tickets(marks))
    return Slice(own) if own is not None else await _go(run, None, REACH)


async def _few(run: _Run, aside: Way | None) -> list[Row] | None:
    """The page of the tickets of the most selective filter that leads to few; None where all lead to many."""
    if run.ask.wanted.q and not run.ask.wanted.external_ref and (rows := await _search(run)) is not None:
        return rows
    return await _gather(run, aside) if aside else None


async def _go(run: _Run, along: int | None, reach: int) -> Slice[Row]:
    """The page, as far as the first ``reach`` tickets of the list hold it; ``along`` one of its ways, or all."""
    rows: list[Row] = []
    ask = run.ask
    for part in range(_PARTS):
        question = _question(ask, along, part, reach, ask.page.limit - len(rows), internal=run.principal.is_support)
        if question is None:
            break
        found = await run.reader.ask(question)
        rows += run.rows(found)
        if found["edge_id"] is not None:
            return Slice(rows, run.place(found["edge_at"], found["edge_id"]))
        if len(rows) > ask.page.limit:
            break
    return Slice(rows)


# The same lists are asked for again and again, and composing a statement takes longer than much of what reads it.
@lru_cache(maxsize=_REMEMBERED)
def _ways(ask: Ask) -> tuple[Way, ...]:
    return tuple(selective(ask))


@lru_cache(maxsize=_REMEMBERED)
def _question(ask: Ask, along: int | None, part: int, reach: int, limit: int, *, internal: bool) -> Question | None:
    """What reads one part of the list, along one of its ways; None behind the last part."""
    parts = in_order(ask, None if along is None else _ways(ask)[along])
    if part >= len(parts):
        return None
    way = parts[part]
    query = within_reach(way.tickets(), way.order, _left(ask, way), limit, reach)
    return statements.listed(Question(*compiled(query)), ask.order.keys[0], internal=internal)


def _left(ask: Ask, way: Way | None) -> list[Filter]:
    """The filters that a way does not cover."""
    covered = way.covers if way else "q"
    left = [one for name, one in filters(ask.wanted, ask.marks).items() if name != covered]
    return left if way and way.meant else [*left, ask.meant]


def _every(ask: Ask) -> list[Filter]:
    return [*filters(ask.wanted, ask.marks).values(), ask.meant]


async def _gather(run: _Run, way: Way) -> list[Row] | None:
    """The page of the tickets to which a way leads, in the order of the list; None where these are many."""
    return await _sorted(run, way.tickets().limit(at_most(_FEW + 1)), _left(run.ask, way))


async def _sorted(run: _Run, few: Select[Any], left: Sequence[Filter]) -> list[Row] | None:
    ask, found = run.ask, few.cte("found").prefix_with("MATERIALIZED")
    counted = select(func.count().label("looked_at")).select_from(found).subquery("counted")
    passing = select(found).where(*(one(found.c) for one in left), *ask.behind(found.c))
    page = passing.order_by(*ask.order.of(found.c)).limit(ask.page.limit + 1).subquery("page")
    joined = counted.outerjoin(page, true())
    query = select(counted, page, false().label("beyond_reach")).select_from(joined).order_by(*ask.order.of(page.c))
    rows = await run.found(query, counts=True)
    return None if rows["looked_at"] > _FEW else run.rows(rows)


async def _search(run: _Run) -> list[Row] | None:
    """The page of the tickets whose titles hold the term; None where these are many."""
    hits = await _titles(run)
    if hits is None:
        return None
    if run.ask.order is CREATED and not filters(run.ask.wanted).keys() - {"q"}:
        hits = _newest(run.ask, hits)
    return await _named(run, [hit["ticket_id"] for hit in hits], _left(run.ask, None))


def _newest(ask: Ask, hits: Sequence[Row]) -> Sequence[Row]:
    """Those on the page, where its order is known before the tickets are read."""
    meant = [hit for hit in hits if ask.account_id is not None or hit["sandbox"] == ask.sandbox]
    keys = {(hit["opened_at"], hit["ticket_id"]): hit for hit in meant}
    behind = [key for key in keys if ask.place is None or key < ask.place]
    return [keys[key] for key in sorted(behind, reverse=True)[: ask.page.limit + 1]]


async def _numbered(run: _Run, number: str) -> list[str]:
    """The tickets with this number: one of an account at most."""
    async with lookup(run.reader.state.engine) as connection:
        found = await connection.fetch(_NUMBERED, number, run.ask.account_id)
    return [row["ticket_id"] for row in found]


async def _with_mentions(run: _Run, number: str) -> list[Row]:
    """Tickets with this number, which are there whatever else matches, and those whose title holds it."""
    own = await _numbered(run, number)
    if not own:
        return []
    mentions = await _titles(run) or []
    ids = dict.fromkeys([*own, *(hit["ticket_id"] for hit in mentions)])
    return await _named(run, list(ids)[:_FEW], _left(run.ask, None))


async def _named(run: _Run, ids: Sequence[str], left: Sequence[Filter]) -> list[Row]:
    if not ids:
        return []
    few = select(*LISTED).where(TICKETS.c.id == any_(literal(ids, ARRAY(String))))
    return await _sorted(run, few, left) or []


async def _titles(run: _Run) -> Sequence[Mapping[str, Any]] | None:
    """The titles that hold the term; None where there are many."""
    own = [run.ask.account_id] if run.ask.account_id else []
    async with transaction(run.reader.state.sessions) as session:
        connection = await driver(session)
        await connection.execute(_BY_TRIGRAMS)
        titles = _TITLES.format("account_id = $2 AND" if own else "")
        hits = await connection.fetch(titles, pattern(run.ask.wanted.q or ""), *own)
    return hits if len(hits) <= _FEW else None
