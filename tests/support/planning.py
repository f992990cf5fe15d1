"""New versions of a story's plan, and what applying them does."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from tests.support.desk import fetch
from tests.support.stories import Caller, Story

Move = tuple[str, str, datetime | None, datetime | None]
"""What happened to a deadline: ticket id and metric in one, kind, from, to."""


def instant(text: str | None) -> datetime | None:
    """What an answer writes."""
    return datetime.fromisoformat(text) if text else None


@dataclass(frozen=True, slots=True)
class Planner:
    """An admin who changes the plan of a story."""

    story: Story
    admin: Caller

    @property
    def key(self) -> str:
        """The plan's key."""
        return self.story.account.plan

    async def document(self) -> dict[str, Any]:
        """The plan in force."""
        document: dict[str, Any] = (await self.admin.get(f"/v1/plans/{self.key}"))["document"]
        return document

    async def version(
        self, targets: Mapping[str, Any] | None = None, *, renamed: Mapping[str, str] | None = None, **changes: Any
    ) -> int:
        """The number of a new version: some targets by priority, some keys everywhere, some members are others."""
        document = await self.document() | changes
        for priority, row in (targets or {}).items():
            merged = document["targets"].get(priority, {}) | row
            document["targets"][priority] = {metric: target for metric, target in merged.items() if target}
        text = orjson.dumps(document)
        for old, new in (renamed or {}).items():
            text = text.replace(f'"{old}"'.encode(), f'"{new}"'.encode())
        made = await self.admin.post(f"/v1/plans/{self.key}/versions", 201, **orjson.loads(text))
        return int(made["version"])

    async def apply(self, version: int, status: int = 200, /, *, dry_run: bool = False, **order: Any) -> Any:
        """What applying a version of the story's plan answers."""
        path = f"/v1/plans/{self.key}/versions/{version}/apply"
        return await self.admin.post(path, status, dry_run=dry_run, **order)

    async def rows(self) -> dict[str, Any]:
        """All that is stored of tickets."""
        tables = {"tickets": "id", "deadlines": "id", "events": "id", "deliveries": "id"}
        queries = {table: f"SELECT * FROM {table} ORDER BY {key}" for table, key in tables.items()}  # noqa: S608
        return {table: await fetch(self.story.sessions, query) for table, query in queries.items()}

    async def dues(self) -> dict[str, datetime | None]:
        """When each open deadline that is not missed is due, by its id."""
        query = "SELECT id, due_at FROM deadlines WHERE state IN ('running', 'paused')"
        return {row["id"]: row["due_at"] for row in await fetch(self.story.sessions, query)}


def moves_of(applied: Any) -> list[Move]:
    """The moves of an answer, sorted."""
    return sorted(
        (f"{m['ticket_id']} {m['metric']}/{m['cycle']}", m["kind"], instant(m["from"]), instant(m["to"]))
        for m in applied["moves"]
    )
