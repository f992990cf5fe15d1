"""What a ticket costs: only one that needs an expert pays for the roster."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from asyncpg import Connection

from app.core.auth import Principal
from app.core.db.session import transaction
from app.tickets.schemas import NewMessage, NewTicket
from app.tickets.usecases.caller import Caller
from app.tickets.usecases.message import post_message
from app.tickets.usecases.open import open_ticket
from tests.support.stories import ANA, P1, TICKET, Begin, Story


@contextmanager
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The statements that use cases send by asyncpg's own connection in the meantime."""
    statements: list[str] = []
    with monkeypatch.context() as patch:
        for name in ("execute", "fetch", "fetchrow", "fetchval"):
            patch.setattr(Connection, name, _noting(getattr(Connection, name), statements))
        yield statements


def _noting(real: Any, statements: list[str]) -> Any:
    async def noting(self: Any, query: str, *arguments: Any, **options: Any) -> Any:
        statements.append(query)
        return await real(self, query, *arguments, **options)

    return noting


async def open_one(story: Story, **fields: Any) -> str:
    command = NewTicket.model_validate(TICKET | fields)
    async with transaction(story.sessions) as session:
        work = await open_ticket(session, command, account_id=story.account.account_id, acting=ANA)
    return work.ticket.id


async def post(story: Story, ticket_id: str) -> None:
    async with transaction(story.sessions) as session:
        await post_message(
            session, Caller(Principal("admin", "key_test"), lambda _: None), ticket_id, NewMessage(body="Hello")
        )


async def test_only_what_needs_an_expert_pays_for_the_roster(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    story = await begin("google-premium")
    await open_one(story, priority="P3")  # the plan is remembered from now on
    with sent(monkeypatch) as opening:
        p3 = await open_one(story, priority="P3")
    with sent(monkeypatch) as posting:
        await post(story, p3)
    with sent(monkeypatch) as alerting:
        p1 = await open_one(story, **P1)
    with sent(monkeypatch) as posting_to_p1:
        await post(story, p1)
    assert (len(opening), len(posting)) == (4, 5)  # BEGIN and COMMIT among them
    assert (len(alerting), len(posting_to_p1)) == (7, 5)
    assert not any("engineers" in statement or "advisory" in statement for statement in opening + posting)


async def test_events_are_recorded_by_the_last_statement(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """The feed of everybody waits from then on: not while the answer is read, however busy the process is."""
    story = await begin("google-premium")
    path = f"/v1/tickets/{(await story.open(priority='P3'))['id']}"
    with sent(monkeypatch) as statements:
        await story.product.post(f"{path}/status", status="open")
    telling = [place for place, statement in enumerate(statements) if "INSERT INTO events" in statement]
    reading = [place for place, statement in enumerate(statements) if "FROM problem_tickets" in statement]
    assert [len(telling), len(reading)] == [1, 1], statements
    assert telling > reading
    assert statements[telling[0] + 1 :] == ["COMMIT;"]
