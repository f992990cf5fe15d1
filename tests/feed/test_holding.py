"""Whoever tells something records it by the last statement: from then on, the feed waits for the commit."""

from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any, Final, TypeAlias

import asyncpg
import httpx
import pytest

from tests.support.actors import Headers
from tests.support.stories import Begin, Caller, path_of

Sent: TypeAlias = list[tuple[int, str]]
METHODS: Final = ("execute", "fetch", "fetchrow", "fetchval", "prepare")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """The statements that are sent to the database, each with its connection."""
    seen: Sent = []
    for name in METHODS:
        monkeypatch.setattr(asyncpg.Connection, name, _noted(getattr(asyncpg.Connection, name), seen))
    return seen


def _noted(method: Callable[..., Awaitable[Any]], seen: Sent) -> Callable[..., Awaitable[Any]]:
    async def noted(self: Any, query: str, *values: Any, **options: Any) -> Any:
        seen.append((id(self), query))
        return await method(self, query, *values, **options)

    return noted


async def test_what_is_told_is_recorded_by_the_last_statement(
    begin: Begin, client: httpx.AsyncClient, admin: Headers, sent: Sent
) -> None:
    """Also where an answer is stored under an Idempotency-Key after it was told."""
    story, support = await begin("wati-business-plus"), Caller(client, admin)
    path = path_of(await story.open())
    endpoint = await support.post("/v1/webhooks", 201, url="https://receiver.example/", events=["*"])
    for where, body in (
        (f"{path}/links", {}),
        ("/v1/problems", {"title": "Mail is late"}),
        ("/v1/articles", {"title": "Mail", "body": "It is late.", "status": "published"}),
        (f"/v1/webhooks/{endpoint['id']}/test", {}),
        (f"{path}/coaching", {"body": "Ask first.", "engineer_id": story.engineer_id}),
    ):
        sent.clear()
        answer = await support.send("POST", where, body, idempotency_key=f"key {where}")
        assert answer.is_success, answer.text
        assert _after(sent) == ["COMMIT;"], where


def _after(sent: Sent) -> list[str]:
    """What follows on the statements that record events."""
    [connection] = {number for number, query in sent if "INSERT INTO events " in query}
    own = [query for number, query in sent if number == connection]
    return [later for query, later in pairwise(own) if "INSERT INTO events " in query]
