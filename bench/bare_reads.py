"""What FastAPI and asyncpg do at best for a read: a handler that sends the same JSON from one statement, and no more.

The statements are the service's own, without the look at the caller's key.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final

import asyncpg
from fastapi import FastAPI, Response

from app.accounts.reading import Question
from app.core.auth import Principal
from app.core.db.statements.forms import compiled
from app.core.web.kit.paging import Page, within_reach
from app.feed.reading import Wanted, page_of
from app.tickets.read import statements
from app.tickets.read.ways import Ask, TicketFilter, in_order

_SUPPORT: Final = Principal("admin", "key")
pools: list["asyncpg.Pool[Any]"] = []


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=8, max_size=8) as pool:
        pools.append(pool)
        yield


app = FastAPI(lifespan=lifespan)


async def _ask(question: Question) -> Any:
    return await pools[0].fetchrow(question.sql, *question.values)


@lru_cache
def _first_page(sort: str, limit: int) -> Question:
    """The tickets on the first page of a list: composed once."""
    [first, *_] = in_order(Ask(TicketFilter(sort=sort), None, Page(limit)), None)
    query = Question(*compiled(within_reach(first.tickets(), first.order, [], limit)))
    return statements.listed(query, first.order.keys[0], internal=True)


def _page(bodies: list[str]) -> Response:
    return Response('{"items":[' + ",".join(bodies) + '],"next_cursor":null}', media_type="application/json")


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/v1/tickets")
async def tickets(sort: str = "created", limit: int = 50) -> Response:
    found = await _ask(_first_page(sort, limit))
    return _page(found["bodies"][:limit])


@app.get("/v1/tickets/{ticket_id}")
async def ticket(ticket_id: str) -> Response:
    found = await _ask(statements.ticket(_SUPPORT, ticket_id))
    return Response(found["body"], media_type="application/json")


@app.get("/v1/tickets/{ticket_id}/timeline")
async def timeline(ticket_id: str, limit: int = 50) -> Response:
    found = await _ask(statements.timeline(_SUPPORT, ticket_id, Page(limit)))
    return _page(found["bodies"][:limit])


@app.get("/v1/events")
async def events(after: int = 0, limit: int = 50) -> Response:
    wanted = Wanted(None, _SUPPORT.audiences)
    found = await _ask(page_of(wanted, after, 2**62, limit, timedelta(days=90)))
    return _page(found["bodies"][:limit])
