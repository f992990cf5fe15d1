"""A write that checks the key in its transaction does nothing for whom it is not, also where the key is known."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from asyncpg import Connection

from app.core.db.engine import Sessions
from app.core.db.session import Again, driver, transaction
from app.core.web import callers
from tests.support.actors import make_key
from tests.support.desk import fetch
from tests.support.stories import TICKET, Begin, Caller, Story, path_of
from tests.support.waiting import until_blocked

COUNT = "SELECT (SELECT count(*) FROM tickets) + (SELECT count(*) FROM stored_answers) AS rows"
REVOKE = "UPDATE api_keys SET revoked_at = now() WHERE account_id = $1 RETURNING id"
NARROW = """UPDATE api_keys SET scopes = '["events:read"]' WHERE account_id = $1 RETURNING id"""
RANK = "UPDATE api_keys SET role = $2 WHERE account_id = $1 RETURNING id"
KEYED = {"Idempotency-Key": "once"}
SENT: dict[str, tuple[Any, dict[str, str], int]] = {
    "a ticket": (TICKET, {}, 201),
    "a ticket with an Idempotency-Key": (TICKET, KEYED, 201),
    "a repeated ticket": (TICKET, KEYED, 201),
    "what is no ticket": ({"title": 5}, {}, 422),
    "what names nobody": (TICKET | {"actor": {"email": "nobody@example.com"}}, {}, 403),
}


@pytest.fixture
async def story(begin: Begin) -> Story:
    return await begin("zmanda-premium")


async def _status(caller: Caller, sent: str) -> int:
    body, headers, _ = SENT[sent]
    return (await caller.send("POST", "/v1/tickets", body, **headers)).status_code


@pytest.mark.parametrize(("change", "refused"), [(REVOKE, 401), (NARROW, 403)], ids=["revoked", "without the scope"])
async def test_a_key_that_is_known_and_changed_writes_nothing(
    story: Story, sessions: Sessions, change: str, refused: int
) -> None:
    for sent, (_, _, status) in SENT.items():
        assert (sent, await _status(story.customer, sent)) == (sent, status)
    before = await fetch(sessions, COUNT)
    await fetch(sessions, change, story.account.account_id)
    for sent in SENT:
        assert (sent, await _status(story.customer, sent)) == (sent, refused)
    assert await fetch(sessions, COUNT) == before


async def test_a_key_that_is_revoked_while_its_body_comes_writes_nothing(story: Story, sessions: Sessions) -> None:
    """Also where the process has never seen it before: it is asked for again."""
    key = await make_key(sessions, account_id=story.account.account_id, role="owner")

    async def body() -> AsyncIterator[bytes]:
        yield b" "
        await fetch(sessions, REVOKE, story.account.account_id)
        yield orjson.dumps(TICKET)

    before = await fetch(sessions, COUNT)
    headers = key | {"Content-Type": "application/json"}
    answer = await story.customer.client.post("/v1/tickets", content=body(), headers=headers)
    assert (answer.status_code, await fetch(sessions, COUNT)) == (401, before)


WAITING = {
    "which the first statement checks": ("SELECT FROM tickets FOR UPDATE", "{ticket}/messages", {"body": "Hello?"}),
    "which is checked before": ("SELECT FROM webhook_endpoints FOR UPDATE", "{endpoint}/enable", None),
}


@pytest.mark.parametrize("kind", WAITING)
async def test_a_write_that_waits_for_a_lock_until_its_key_is_revoked_writes_nothing(
    story: Story, sessions: Sessions, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    held, path, body = WAITING[kind]
    endpoint = await story.customer.post("/v1/webhooks", 201, url="https://receiver.example/")
    path = path.format(ticket=path_of(await story.open()), endpoint=f"/v1/webhooks/{endpoint['id']}")
    monkeypatch.setattr(callers, "FRESH", 0)
    async with transaction(sessions) as session:
        await (await driver(session)).execute(held)
        waiting = asyncio.create_task(story.customer.send("POST", path, body))
        await until_blocked(sessions)
        await fetch(sessions, REVOKE, story.account.account_id)
    answer = await waiting
    assert (answer.status_code, "ratelimit" in answer.headers) == (401, False)
    written = "SELECT (SELECT count(*) FROM messages) + (SELECT sum(version) - 1 FROM webhook_endpoints) AS number"
    assert await fetch(sessions, written) == [{"number": 0}]


async def test_a_transaction_that_is_begun_again_checks_the_key_again(
    story: Story, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"{path_of(await story.open())}/messages"

    async def lose(*_arguments: Any) -> None:
        monkeypatch.undo()
        await fetch(sessions, REVOKE, story.account.account_id)
        raise Again

    monkeypatch.setattr("app.core.web.kit.idempotency.write", lose)
    assert (await story.customer.send("POST", path, {"body": "Hello?"})).status_code == 401
    assert await fetch(sessions, "SELECT FROM messages") == []


async def test_a_changed_role_holds_for_the_next_write(story: Story, sessions: Sessions) -> None:
    assert await _status(story.customer, "a ticket") == 201
    await fetch(sessions, RANK, story.account.account_id, "viewer")
    assert await _status(story.customer, "a ticket") == 403
    await fetch(sessions, RANK, story.account.account_id, "editor")
    assert await _status(story.customer, "a ticket") == 201


async def test_a_ticket_takes_five_round_trips(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    await story.open()  # the plan and the key are remembered from now on
    sent: list[str] = []
    for name in ("execute", "fetchrow"):
        monkeypatch.setattr(Connection, name, _noting(getattr(Connection, name), sent))
    assert await _status(story.customer, "a ticket with an Idempotency-Key") == 201
    assert [statement.split()[0] for statement in sent] == ["BEGIN;", "SELECT", "SELECT", "WITH", "COMMIT;"]


def _noting(real: Any, sent: list[str]) -> Any:
    async def noting(self: Any, query: str, *arguments: Any, **options: Any) -> Any:
        sent.append(query)
        return await real(self, query, *arguments, **options)

    return noting
