"""What endpoints subscribe to: for each, the event types that its globs stand for, so that an event finds it by index.

An endpoint says which globs and which catalogue of types its subscriptions were made from (``subscribed``). Those of
another version's catalogue, and those whose globs another version has written, are made anew at the start of a process
and every minute.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.db.tables import Row
from app.events.envelope import NO_ACCOUNT
from app.events.types import EVENT_TYPES
from app.webhooks.models import WebhookEndpointRow
from app.webhooks.rules.patterns import types_of

_BATCH: Final = 500
"""Endpoints of one transaction: their rows are held for some milliseconds."""
_CATALOGUE: Final = sha256(" ".join(EVENT_TYPES).encode()).hexdigest()
_MARK: Final = "md5($1 || events::text)"
_STALE: Final = f"""
SELECT id, account_id, events FROM webhook_endpoints WHERE subscribed IS DISTINCT FROM {_MARK}
ORDER BY id LIMIT {_BATCH} FOR UPDATE
"""  # noqa: S608  our own text
_REMOVE: Final = (
    "DELETE FROM webhook_subscriptions WHERE account_id = ANY ($1::text[]) AND endpoint_id = ANY ($2::text[])"
)
_ADD: Final = """
INSERT INTO webhook_subscriptions (account_id, type, endpoint_id)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
"""
_SUBSCRIBED: Final = f"UPDATE webhook_endpoints SET subscribed = {_MARK} WHERE id = ANY ($2::text[])"  # noqa: S608  our own text


async def subscribe(session: AsyncSession, endpoint: WebhookEndpointRow) -> None:
    """Make the subscriptions of an endpoint from its globs. It is flushed, and its row is held."""
    await _subscribe(session, [{"id": endpoint.id, "account_id": endpoint.account_id, "events": endpoint.events}])


async def unsubscribe(session: AsyncSession, endpoint: WebhookEndpointRow) -> None:
    """Remove the subscriptions of an endpoint."""
    await (await driver(session)).execute(_REMOVE, [endpoint.account_id or NO_ACCOUNT], [endpoint.id])


async def refresh_subscriptions(sessions: Sessions) -> int:
    """Make the subscriptions of the endpoints that do not have those of this version's catalogue; how many had not."""
    done = 0
    while True:
        async with transaction(sessions) as session:
            endpoints = await (await driver(session)).fetch(_STALE, _CATALOGUE)
            await _subscribe(session, endpoints)
        done += len(endpoints)
        if len(endpoints) < _BATCH:
            return done


async def _subscribe(session: AsyncSession, endpoints: Sequence[Row]) -> None:
    """In three statements, whatever the number of endpoints."""
    if not endpoints:
        return
    ids = [endpoint["id"] for endpoint in endpoints]
    owners = [endpoint["account_id"] or NO_ACCOUNT for endpoint in endpoints]
    wanted = [
        (owner, event_type, endpoint["id"])
        for owner, endpoint in zip(owners, endpoints, strict=True)
        for event_type in types_of(endpoint["events"])
    ]
    connection = await driver(session)
    await connection.execute(_REMOVE, list(set(owners)), ids)
    if wanted:
        await connection.execute(_ADD, *zip(*wanted, strict=True))
    await connection.execute(_SUBSCRIBED, _CATALOGUE, ids)
