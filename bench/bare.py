"""What FastAPI and asyncpg do at best: a handler that checks the same input and inserts the same rows, and no more.

The rows are those of a ticket that the service opened (``bench/open_ticket.py`` leaves them in ``bench_rows``);
each request writes them again under new ids, in one transaction.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import orjson
from fastapi import FastAPI, Response
from prometheus_client import generate_latest

from app.core.ids import new_id
from app.tickets.schemas import NewTicket

TABLES = ("tickets", "ticket_titles", "deadlines", "events", "deliveries", "stored_answers")


class Rows:
    """The rows to write, and a prepared INSERT for each table."""

    def __init__(self) -> None:
        self.inserts: dict[str, str] = {}
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.answer = b""
        self.pool: asyncpg.Pool[Any]


rows = Rows()


async def _json(connection: "asyncpg.Connection[Any]") -> None:
    await connection.set_type_codec("jsonb", encoder=_dump, decoder=orjson.loads, schema="pg_catalog")


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=8, max_size=8, init=_json) as pool:
        rows.pool = pool
        for table in TABLES:
            stored = await pool.fetch(f"SELECT * FROM {table} WHERE account_id = (SELECT account_id FROM bench_rows)")
            rows.rows[table] = [dict(row) for row in stored]
            if stored:
                names = list(stored[0].keys())
                places = ", ".join(f"${place}" for place in range(1, len(names) + 1))
                rows.inserts[table] = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})"
        rows.answer = orjson.dumps(rows.rows["stored_answers"][0]["answer"])
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/healthz")
async def healthz() -> dict[str, int]:
    return {table: len(found) for table, found in rows.rows.items()}


@app.get("/metrics")
async def metrics() -> Response:
    return Response(generate_latest())


@app.post("/v1/tickets", status_code=201)
async def open_ticket(command: NewTicket) -> Response:
    ticket_id = new_id("tkt")
    fresh = {"ticket_id": ticket_id, "number": ticket_id[-12:], "title": command.title}
    async with rows.pool.acquire() as connection, connection.transaction():
        for table, insert in rows.inserts.items():
            written = [tuple(_renewed(table, row, fresh).values()) for row in rows.rows[table]]
            if len(written) == 1:
                await connection.execute(insert, *written[0])
            else:
                await connection.executemany(insert, written)
    return Response(rows.answer, 201, media_type="application/json")


def _renewed(table: str, row: dict[str, Any], fresh: dict[str, str]) -> dict[str, Any]:
    ids = {"id": fresh["ticket_id"]} if table == "tickets" else {"id": new_id("row")}
    ids |= {"key_hash": new_id("row"), "event_id": new_id("row")} | fresh
    return row | {name: value for name, value in ids.items() if name in row}
