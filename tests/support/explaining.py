"""What PostgreSQL does for a statement."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import asyncpg
import orjson
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db.engine import Sessions
from tests.support.desk import fetch

Statement = tuple[str, tuple[Any, ...]]


@contextmanager
def counting(engine: AsyncEngine) -> Iterator[list[Statement]]:
    """The statements that are sent through SQLAlchemy in the meantime, with their parameters."""
    sent: list[Statement] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: tuple[Any, ...], *_rest: Any) -> None:
        sent.append((statement, parameters))

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)


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
    if isinstance(value, bool | int):
        return str(value)
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return "'" + text.replace("'", "''") + "'"


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
    """How a plan reads its tables, or these ones: the kind of each scan, and its index."""
    found = [node for node in nodes(plan) if "Scan" in node["Node Type"]]
    wanted = [node for node in found if not tables or node.get("Relation Name") in tables]
    return [(node["Node Type"], node.get("Index Name", "")) for node in wanted]
