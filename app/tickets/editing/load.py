"""Locking tickets and catching up with what is due of them: how every use case, and the sweep, begins (C09)."""

from collections.abc import Awaitable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import repeat
from typing import Any, Final, TypeVar

import structlog
from asyncpg import PostgresError, Record
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Principal
from app.core.clock import monotonic
from app.core.db.errors import DATABASE_ERRORS
from app.core.db.session import driver, stand_in_of
from app.core.problems import NotFound
from app.core.process.cooperative import in_turns
from app.sla.compiled import promise_of
from app.sla.deadlines import load_clock
from app.sla.pins import Pins
from app.tickets.editing.clock import catch_up
from app.tickets.editing.edit import STAND_IN, TicketEdit
from app.tickets.record import TEXTS, TicketRecord, columns, columns_but_texts, stored

T = TypeVar("T")
_FROM: Final = "SELECT {columns} FROM tickets AS t"
SELECT: Final = _FROM.format(columns=", ".join(f"t.{name}" for name in columns_but_texts()))
"""Begins every statement whose rows are for ``caught_up``: without what people write, which no clock needs."""
_OF_ONE: Final = "t.id = $1"
_OF_CALLER: Final = f"{_OF_ONE} AND ($2::text IS NULL OR t.account_id = $2) FOR UPDATE"
_READ: Final = f"{SELECT} WHERE {_OF_ONE}"
_LOCK: Final = f"{SELECT} WHERE {_OF_CALLER}"
_LOCK_WITH_TEXTS: Final = f"{_FROM.format(columns=', '.join(f't.{name}' for name in columns()))} WHERE {_OF_CALLER}"
_NOT_READ: Final = dict.fromkeys(TEXTS)
_LEFT: Final = f"""
{SELECT} WHERE t.id = ANY ($1::text[]) AND t.wake_at <= statement_timestamp() + interval '1 second' AND NOT t.sandbox
ORDER BY t.id FOR UPDATE SKIP LOCKED
"""
_FREE: Final = f"{SELECT} WHERE t.id = ANY ($1::text[]) ORDER BY t.id FOR UPDATE SKIP LOCKED"
# The tickets are chosen by what is due first, and locked in the order of their ids, as every lock of several is.
_LOCK_DUE: Final = f"""
{SELECT}
WHERE t.account_id = $1 AND t.id IN (
    SELECT id FROM tickets WHERE account_id = $1 AND wake_at <= $2 AND id <> ALL ($4::text[])
    ORDER BY wake_at, id LIMIT $3
) ORDER BY t.id FOR UPDATE
"""  # noqa: S608  our own column names
_STATE: Final = """
SELECT clock_timestamp() AS now, t.account_id, t.ticket_id, a.manager, a.tam, a.locale, a.sandbox_now,
       (SELECT coalesce(jsonb_agg(to_jsonb(d)), '[]') FROM deadlines AS d
        WHERE d.account_id = t.account_id AND d.ticket_id = t.ticket_id AND d.live) AS deadlines,
       EXISTS (SELECT FROM postponements AS p
               WHERE p.account_id = t.account_id AND p.ticket_id = t.ticket_id) AS postponed
FROM unnest($1::text[], $2::text[]) AS t (account_id, ticket_id)
JOIN accounts AS a ON a.account_id = t.account_id
"""
_AT_ONCE: Final = 20
"""Firings of a clock without a pause for others: some milliseconds, also where each has many effects."""

_log = structlog.get_logger(__name__)


async def lock_ticket(
    session: AsyncSession, principal: Principal, ticket_id: str, *, texts: bool = False
) -> TicketEdit:
    """Lock one ticket, read the clock, catch up. 404 when the caller has no such ticket; another's is not locked.

    ``texts``: with what people have written in it, which may be long.
    """
    statement = _LOCK_WITH_TEXTS if texts else _LOCK
    return _seen(await _one(session, statement, ticket_id, principal.only), principal)


async def lock(session: AsyncSession, ticket_id: str, only: str | None = None) -> TicketEdit | None:
    """The same for the service itself; None when there is no such ticket, or none of ``only`` one account if given."""
    return await _one(session, _LOCK, ticket_id, only)


async def peek(session: AsyncSession, principal: Principal, ticket_id: str) -> TicketEdit:
    """A ticket as its clock would have it by now, in a ``snapshot``: caught up in memory, not locked, never saved.

    404 when the caller has no such ticket.
    """
    return _seen(await _one(session, _READ, ticket_id), principal)


async def _one(session: AsyncSession, statement: str, *values: str | None) -> TicketEdit | None:
    found = await (await driver(session)).fetchrow(statement, *values)
    if found is None:
        return None
    return await _caught_up(session, found, (await _states(session, [found]))[found["id"]])


def _seen(edit: TicketEdit | None, principal: Principal) -> TicketEdit:
    if edit is None or not principal.sees(edit.ticket.account_id):
        raise NotFound
    return edit


async def caught_up(
    session: AsyncSession, rows: Sequence["Record[Any]"], *, seconds: float | None = None, rounds: int | None = None
) -> tuple[list[TicketEdit], dict[str, Exception]]:
    """The tickets of these rows (``SELECT``), each caught up to now; and what is wrong with those that cannot be.

    After so many ``seconds`` the rest of the rows is left out, but never the first one. With ``rounds`` a ticket that
    has very much to do is caught up only so far: what is left is due at once, when it is saved.
    """
    states = await _states(session, rows) if rows else {}
    ends = None if seconds is None else monotonic() + seconds
    return await each_apart(
        (row["id"], _caught_up(session, row, states[row["id"]], rounds)) for row in _in_time(rows, ends)
    )


def _in_time(rows: Iterable["Record[Any]"], ends: float | None) -> Iterator["Record[Any]"]:
    for number, row in enumerate(rows):
        if number and ends is not None and monotonic() >= ends:
            return
        yield row


async def lock_left(session: AsyncSession, ids: Sequence[str]) -> list[TicketEdit]:
    """Lock those of these tickets that nobody holds and that still have something due, each caught up to now."""
    return (await caught_up(session, await (await driver(session)).fetch(_LEFT, ids)))[0]


async def lock_free(session: AsyncSession, ids: Sequence[str]) -> tuple[list[TicketEdit], dict[str, Exception]]:
    """Lock those of these tickets that nobody holds, each caught up to now; and what is wrong with the faulty ones."""
    return await caught_up(session, await (await driver(session)).fetch(_FREE, ids))


async def each_apart(parts: Iterable[tuple[str, Awaitable[T]]]) -> tuple[list[T], dict[str, Exception]]:
    """Await a part for each ticket id: the results, and by id what went wrong, which is logged and stops no other.

    What the database raises ends the transaction, and so goes up.
    """
    done: list[T] = []
    failed: dict[str, Exception] = {}
    async for ticket_id, part in in_turns(parts):
        try:
            done.append(await part)
        except (*DATABASE_ERRORS, PostgresError):
            raise
        except Exception as error:  # noqa: BLE001  whatever is wrong with one ticket
            _log.exception("a ticket is faulty", ticket_id=ticket_id)
            failed[ticket_id] = error
    return done, failed


async def _caught_up(
    session: AsyncSession, row: "Record[Any]", state: "Record[Any]", rounds: int | None = None
) -> TicketEdit:
    edit = await _work(session, row, state)
    async for _ in in_turns(repeat(None) if rounds is None else repeat(None, rounds)):
        catch_up(edit, _AT_ONCE)
        if not edit.is_behind:
            break
    return edit


async def lock_due(
    session: AsyncSession, account_id: str, until: datetime, limit: int, but: Collection[str] = ()
) -> list[TicketEdit]:
    """Lock up to ``limit`` tickets of an account with something to do by ``until``, the first due; not caught up.

    ``but`` for those that are known already.
    """
    return await load(session, await (await driver(session)).fetch(_LOCK_DUE, account_id, until, limit, list(but)))


async def load(session: AsyncSession, rows: Sequence["Record[Any]"]) -> list[TicketEdit]:
    """The tickets of these locked rows (``SELECT``), not caught up."""
    states = await _states(session, rows) if rows else {}
    return [await _work(session, row, states[row["id"]]) async for row in in_turns(rows)]


async def _states(session: AsyncSession, rows: Sequence["Record[Any]"]) -> Mapping[str, "Record[Any]"]:
    """What belongs to locked rows, by ticket. The clock is read here, after the locks were got."""
    keys = ([row["account_id"] for row in rows], [row["id"] for row in rows])
    return {state["ticket_id"]: state for state in await (await driver(session)).fetch(_STATE, *keys)}


async def _work(session: AsyncSession, row: "Record[Any]", state: "Record[Any]") -> TicketEdit:
    ticket = stored(_NOT_READ | dict(row))
    promise = await promise_of(session, pins_of(ticket))
    facts = ticket.clock or {}
    clock = load_clock(promise.terms, ticket.status, ticket.priority, ticket.tier, facts, state["deadlines"])
    return TicketEdit(
        ticket=ticket,
        clock=clock,
        document=promise.document,
        contacts={"manager": state["manager"], "tam": state["tam"], STAND_IN: stand_in_of(session)},
        locale=state["locale"],
        now=_now(ticket, state, clock.last_at),
        loaded=clock.deadlines,
        postponed=state["postponed"],
    )


def _now(ticket: TicketRecord, state: "Record[Any]", last: datetime) -> datetime:
    """The instant of the use case: never before the ticket's last, even if the database's clock was set back."""
    now: datetime = state["sandbox_now"] if ticket.sandbox else state["now"]
    return max(now, last)


def pins_of(ticket: TicketRecord) -> Pins:
    """What the ticket pinned when it was opened (C14)."""
    return Pins(ticket.plan_key, ticket.plan_version, tuple(ticket.plan_addons), ticket.time_zone, ticket.holiday_set)
