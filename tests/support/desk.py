"""Plans, tickets and endpoints for tests, made by the use cases themselves at a chosen instant."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import Acting
from app.core.auth import Actor
from app.core.clock import database_now
from app.core.db.engine import Sessions, make_engine
from app.core.db.session import driver, make_sessions, run, transaction
from app.core.db.tables import Row
from app.core.signals import WakeUps
from app.plans.document.parsing.documents import parse, parse_yaml
from app.plans.store import BUILTIN
from app.tickets.schemas import NewTicket
from app.tickets.usecases.open import open_ticket
from app.webhooks.models import WebhookEndpointRow
from app.webhooks.schemas import WebhookEndpointFields
from app.webhooks.usecases.endpoints import create_endpoint
from tests.support.documents import store_version
from tests.support.tickets import TICKET

AUTOMATION: Final = Acting(Actor("automation", "key_test"), None)


async def store_plan(sessions: Sessions, shipped: str, **changes: Any) -> str:
    """A version of a shipped plan, with some members replaced; its key."""
    document = parse_yaml((BUILTIN / f"{shipped}.yaml").read_text(encoding="utf-8")).canonical()
    async with transaction(sessions) as session:
        stored = await store_version(session, parse(document | {"trial": None} | changes), await database_now(session))
    return stored.key


async def open_at(sessions: Sessions, account_id: str, *instants: datetime, **fields: Any) -> list[str]:
    """Tickets opened at these instants, in one transaction; their ids."""
    command = NewTicket.model_validate(TICKET | fields)

    async def work(session: AsyncSession) -> list[str]:
        edits = [
            await open_ticket(session, command, account_id=account_id, acting=AUTOMATION, now=instant)
            for instant in instants
        ]
        return [edit.ticket.id for edit in edits]

    return await run(sessions, work)  # again when one of the random numbers is taken


async def make_endpoint(sessions: Sessions, url: str, *events: str) -> WebhookEndpointRow:
    """An operator's endpoint for these events of all accounts."""
    fields = WebhookEndpointFields(url=url, events=list(events))
    async with transaction(sessions) as session:
        return await create_endpoint(session, fields, account_id=None, now=await database_now(session))


async def now_of(sessions: Sessions) -> datetime:
    """The database's clock."""
    async with sessions() as session:
        return await database_now(session)


async def fetch(sessions: Sessions, query: str, *arguments: Any) -> Sequence[Row]:
    """The rows of a statement, with JSON columns as Python values."""
    async with transaction(sessions) as session:
        return [dict(row) for row in await (await driver(session)).fetch(query, *arguments)]


@asynccontextmanager
async def connected(url: str, pool_size: int = 4) -> AsyncIterator[Sessions]:
    """Sessions with connections of their own: what another process has."""
    engine = make_engine(url, pool_size=pool_size)
    try:
        yield make_sessions(engine, WakeUps())
    finally:
        await engine.dispose()
