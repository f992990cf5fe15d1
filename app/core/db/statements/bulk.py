"""Bulk writes: any number of rows of several tables, as one statement in one round trip."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, cast

import orjson
from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver
from app.core.db.tables import Base, Row
from app.core.process.cooperative import in_turns

_PART: Final = 1_000
"""Rows that are turned into text at once: a millisecond or two."""


@dataclass(frozen=True, slots=True)
class Write:
    """A bulk write: a statement whose ``$1`` is ``rows`` as a JSON array."""

    sql: str
    rows: Sequence[Row]


def inserted(table: type[Base], rows: Sequence[Row]) -> Write:
    """Insert rows, all with the same keys; columns that are not named get their server default."""
    return Write(_write_sql(cast("Table", table.__table__), _columns(rows), "insert"), rows)


def updated(table: type[Base], rows: Sequence[Row]) -> Write:
    """Update rows by primary key, all with the same keys."""
    return Write(_write_sql(cast("Table", table.__table__), _columns(rows), "update"), rows)


def upserted(table: type[Base], rows: Sequence[Row]) -> Write:
    """Insert rows, or update those whose primary key exists."""
    return Write(_write_sql(cast("Table", table.__table__), _columns(rows), "upsert"), rows)


def deleted(table: type[Base], rows: Sequence[Row]) -> Write:
    """Delete rows by primary key."""
    return Write(_write_sql(cast("Table", table.__table__), (), "delete"), rows)


async def write(session: AsyncSession, *writes: Write) -> int:
    """Several bulk writes as one statement in one round trip; the number of rows that the last one wrote.

    They see the same snapshot, so no two may touch the same row. Those without rows are left out.
    """
    wanted = [one for one in writes if one.rows]
    if not wanted:
        return 0
    sql = _joined(tuple(one.sql for one in wanted))
    texts = [await _text(one.rows) for one in wanted]
    status = await (await driver(session)).execute(sql, *texts)
    return int(status.rpartition(" ")[2]) if wanted[-1] is writes[-1] else 0


async def insert_rows(session: AsyncSession, table: type[Base], rows: Sequence[Row]) -> None:
    """``inserted``, at once."""
    await write(session, inserted(table, rows))


async def _text(rows: Sequence[Row]) -> str:
    """``to_json``, in turns with whatever else waits for this process where there are many rows."""
    if len(rows) <= _PART:
        return to_json(rows)
    parts = (rows[start : start + _PART] for start in range(0, len(rows), _PART))
    return f"[{','.join([to_json(part)[1:-1] async for part in in_turns(parts)])}]"


def to_json(rows: Sequence[Row]) -> str:
    """Rows as one JSON text for ``jsonb_populate_recordset``: instants as RFC 3339 to the microsecond."""
    return orjson.dumps(rows, option=orjson.OPT_UTC_Z).decode()


def _columns(rows: Sequence[Row]) -> tuple[str, ...]:
    return tuple(rows[0]) if rows else ()


@lru_cache(maxsize=128)
def _write_sql(table: Table, columns: tuple[str, ...], mode: str) -> str:
    names = ", ".join(columns)
    keys = [column.name for column in table.primary_key]
    source = f"jsonb_populate_recordset(NULL::{table.name}, $1::jsonb) AS r"
    rest = [name for name in columns if name not in keys]
    matched = " AND ".join(f"t.{key} = r.{key}" for key in keys)
    if mode == "delete":
        return f"DELETE FROM {table.name} AS t USING {source} WHERE {matched}"  # noqa: S608  our own metadata
    if mode == "update":
        changed = ", ".join(f"{name} = r.{name}" for name in rest)
        return f"UPDATE {table.name} AS t SET {changed} FROM {source} WHERE {matched}"  # noqa: S608  our own metadata
    insert = f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {source}"  # noqa: S608  our own metadata
    if mode == "upsert":
        changed = ", ".join(f"{name} = EXCLUDED.{name}" for name in rest)
        return f"{insert} ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changed}"
    return insert


@lru_cache(maxsize=256)
def _joined(statements: tuple[str, ...]) -> str:
    """One statement of several: all but the last as data-modifying CTEs, each with a parameter of its own."""
    numbered = [sql.replace("$1", f"${number}") for number, sql in enumerate(statements, start=1)]
    *first, last = numbered
    if not first:
        return last
    return f"WITH {', '.join(f'w{number} AS ({sql})' for number, sql in enumerate(first))} {last}"
