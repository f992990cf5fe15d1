"""What PostgreSQL does for a statement."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db import Sessions
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


def root(found: Any) -> dict[str, Any]:
    """The root of a plan that was explained as JSON."""
    plan: dict[str, Any] = (orjson.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return plan


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The nodes of a plan, the root first."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def scans(plan: dict[str, Any]) -> list[tuple[str, str]]:
    """How a plan reads its tables: the kind of each scan, and its index."""
    return [(node["Node Type"], node.get("Index Name", "")) for node in nodes(plan) if "Scan" in node["Node Type"]]
