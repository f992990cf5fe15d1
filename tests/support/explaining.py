"""What PostgreSQL does for a statement."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg
import orjson
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from app.accounts.principals import BY_HASH, BY_HASHES
from app.core.db.engine import Sessions
from tests.support.desk import fetch

_OF_THE_DRIVER = re.compile(r"^(BEGIN|COMMIT|ROLLBACK)|typeinfo_tree|set_config\('jit'")
Statement = tuple[str, tuple[Any, ...]]


@asynccontextmanager
async def counting(engine: AsyncEngine) -> AsyncIterator[list[Statement]]:
    """The statements that are sent in the meantime, with their parameters, through SQLAlchemy or by the driver alone.

    What the driver asks for itself is left out, and the look-ups of keys that are statements of their own.
    """
    sent: list[Statement] = []
    watched: list[asyncpg.Connection[Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: tuple[Any, ...], *_rest: Any) -> None:
        sent.append((statement, parameters))

    def note_driver(record: Any) -> None:
        if record.query not in (BY_HASH, BY_HASHES) and not _OF_THE_DRIVER.search(record.query):
            sent.append((record.query, tuple(record.args or ())))

    def watch(connection: Any, *_: Any) -> None:
        if connection.driver_connection not in watched:
            watched.append(connection.driver_connection)
            connection.driver_connection.add_query_logger(note_driver)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    event.listen(engine.sync_engine, "checkout", watch)
    try:
        yield sent
        await asyncio.sleep(0)  # the driver tells of a statement in the loop's next turn
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)
        event.remove(engine.sync_engine, "checkout", watch)
        for connection in watched:
            connection.remove_query_logger(note_driver)


async def explain(sessions: Sessions, statement: str, *arguments: Any) -> dict[str, Any]:
    """The root of the plan by which the statement was run."""
    (row,) = await fetch(sessions, f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", *arguments)
    return root(row["QUERY PLAN"])


async def explain_for_any(connection: "asyncpg.Connection[Any]", statement: str, *arguments: Any) -> dict[str, Any]:
    """The root of the plan that PostgreSQL makes once for all arguments, as it does for what it is asked often."""
    called = f"({', '.join(_literal(argument) for argument in arguments)})" if arguments else ""
    async with connection.transaction():
        await connection.execute(f"SET LOCAL plan_cache_mode = force_generic_plan; PREPARE asked AS {statement}")
        found = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE asked{called}")
        await connection.execute("DEALLOCATE asked")
    return root(found)


def _literal(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"ARRAY[{', '.join(_literal(each) for each in value)}]::text[]"
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'::bytea"
    if isinstance(value, bool | int):
        return str(value)
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return "'" + text.replace("'", "''") + "'"


async def count_rows(url: str, *tables: str, alone: bool = False) -> None:
    """Let the plans of these tables follow from the rows in them: without dead ones, and with statistics of them all.

    Up to 120,000 rows are counted, of which a sample could make another plan now and then. ``alone``: the database is
    of no other test, so that no autovacuum needs to look at them again; it would take its sample.
    """
    connection = await asyncpg.connect(url)
    try:
        for table in tables if alone else ():
            await connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
        await connection.execute("SET default_statistics_target = 400")
        await connection.execute(f"VACUUM ANALYZE {', '.join(tables)}")
    finally:
        await connection.close()


def looked_at(plan: dict[str, Any], *tables: str) -> int:
    """How many rows of these tables the plan read, whether or not it had a use for them."""
    thrown_away = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
    return sum(
        round(node["Actual Loops"] * (node["Actual Rows"] + sum(node.get(name, 0) for name in thrown_away)))
        for node in nodes(plan)
        if node.get("Relation Name") in tables
    )


def root(found: Any) -> dict[str, Any]:
    """The root of a plan that was explained as JSON."""
    plan: dict[str, Any] = (orjson.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return plan


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The nodes of a plan, the root first."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def scans(plan: dict[str, Any], *tables: str) -> list[tuple[str, str]]:
    """How a plan reads its tables, or those that have these names in it: the kind of each scan, and its index."""
    found = [node for node in nodes(plan) if "Scan" in node["Node Type"]]
    wanted = [node for node in found if not tables or node.get("Alias") in tables]
    return [(node["Node Type"], node.get("Index Name", "")) for node in wanted]
