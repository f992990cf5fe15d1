from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from ipaddress import ip_network
from typing import Any

import aiohttp
import httpx
import pytest
from sqlalchemy import select

from app.core.clock import wall_now
from app.core.db.engine import Sessions
from app.core.db.session import transaction
from app.core.db.statements.bulk import insert_rows
from app.core.db.tables import Row
from app.core.ids import new_id
from app.core.outgoing.connector import make_http, make_session
from app.core.settings import Settings
from app.events.models import EventRow
from app.webhooks.models import DeliveryRow, WebhookEndpointRow
from app.webhooks.outbox.fanout import fan_out
from app.webhooks.schemas import WebhookEndpointFields
from app.webhooks.usecases.endpoints import create_endpoint
from tests.webhooks.receiver import Receiver, receiving

MakeEndpoint = Callable[..., Awaitable[WebhookEndpointRow]]
Tell = Callable[..., Awaitable[list[Row]]]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings that allow calls to loopback."""
    return settings.model_copy(update={"allow_networks": [ip_network("127.0.0.0/8")]})


@pytest.fixture
async def outgoing(settings: Settings) -> AsyncIterator[aiohttp.ClientSession]:
    async with make_session(settings) as session:
        yield session


@pytest.fixture
async def http(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The real client, allowed to call loopback."""
    async with make_http(settings) as client:
        yield client


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
def make_endpoint(sessions: Sessions) -> MakeEndpoint:
    """An endpoint in the database: an operator's, for everything, unless told otherwise."""

    async def make(url: str, account_id: str | None = None, events: list[str] | None = None) -> WebhookEndpointRow:
        fields = WebhookEndpointFields(url=url, events=events or ["*"])
        async with transaction(sessions) as session:
            return await create_endpoint(session, fields, account_id=account_id, now=wall_now())

    return make


def event_row(event_type: str = "ticket.opened", account_id: str = "acc_1", audience: str = "public") -> Row:
    return {
        "account_id": account_id,
        "id": new_id("evt"),
        "ticket_id": "tkt_1",
        "ticket": None,
        "sequence": None,
        "type": event_type,
        "timestamp": wall_now(),
        "actor": {"kind": "service"},
        "audience": audience,
        "sandbox": False,
        "data": {"title": "Nothing works", "tags": ["a"]},
    }


@pytest.fixture
def tell(sessions: Sessions) -> Tell:
    """Record events and fan them out, in one committed transaction."""

    async def record(*rows: Row) -> list[Row]:
        told = list(rows or [event_row()])
        async with transaction(sessions) as session:
            await insert_rows(session, EventRow, told)
            await fan_out(session, told)
        return told

    return record


async def deliveries(sessions: Sessions) -> list[Any]:
    """All deliveries, oldest first."""
    async with sessions() as session:
        return list((await session.scalars(select(DeliveryRow).order_by(DeliveryRow.id))).all())


async def delivery(sessions: Sessions) -> DeliveryRow:
    """The only delivery."""
    (only,) = await deliveries(sessions)
    found: DeliveryRow = only
    return found


def seconds_between(earlier: datetime, later: datetime | None) -> float:
    assert later is not None
    return (later - earlier).total_seconds()
