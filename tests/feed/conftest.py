"""Events of accounts and tickets that are only names: the feed looks at nothing else."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.engine import Sessions
from app.core.db.session import ring_after_commit, transaction
from app.core.db.statements.bulk import write
from app.core.db.tables import Row
from app.core.state import State
from app.events.event import Event
from app.events.log import event_row, recorded
from app.events.types import EventData, ExpertAccepted, WebhookTest
from app.feed.reading import Page, Wanted, read

OURS: Final = "acc_01k9w3b5t8e2r9h6x4m7q1z0va"
THEIRS: Final = "acc_01k9w3b5t8e2r9h6x4m7q1z0vb"
AT: Final = datetime(2026, 11, 20, 20, 30, tzinfo=UTC)
EVERYTHING: Final = Wanted(None, ("public", "internal"))
INTERNAL: Final = ExpertAccepted(alert_id="alr_1", engineer_id="eng_1")


def row(account_id: str = OURS, ticket_id: str | None = None, sequence: int | None = None, **more: Any) -> Row:
    data: EventData = more.pop("data", WebhookTest(endpoint_id="wh_1"))
    event = Event(AT, data)
    return event_row(event, account_id=account_id, ticket_id=ticket_id, sequence=sequence, **{"sandbox": False} | more)


async def told_in(session: AsyncSession, *rows: Row) -> list[str]:
    await write(session, recorded(rows))
    ring_after_commit(session, "events")
    return [each["id"] for each in rows]


Tell = Callable[..., Awaitable[list[str]]]


@pytest.fixture
def tell(sessions: Sessions) -> Tell:
    """Records events in a transaction of their own; their ids."""

    async def told(*rows: Row) -> list[str]:
        async with transaction(sessions) as session:
            return await told_in(session, *(rows or (row(),)))

    return told


def ids(page: Page | Sequence[Row]) -> list[str]:
    return [each["id"] for each in (page.rows if isinstance(page, Page) else page)]


async def everything(state: State, after: int = 0, limit: int = 50) -> tuple[list[str], int]:
    """All that can be read behind a position, and how far that is."""
    found: list[str] = []
    upto = await state.feed.decided()
    while True:
        page = await read(state.engine, EVERYTHING, after=after, upto=upto, limit=limit)
        found, after = [*found, *ids(page)], page.after
        if not page.more:
            return found, after


@pytest.fixture
async def start(state: State, tell: Tell) -> int:
    """The position of an event before the test's own: a sequence does not go back with the rows."""
    await tell()
    return await state.feed.decided()
