"""Who manages endpoints and their deliveries, and how a delivery is told."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import writer
from app.core.auth import Actor, Principal
from app.core.db.tables import Row
from app.core.schemas.shared import ActorRef
from app.core.text.messages import from_stored
from app.events.envelope import NO_ACCOUNT
from app.webhooks.delivery_schemas import Delivery, DeliveryWithAttempts
from app.webhooks.models import DeliveryRow, WebhookEndpointRow
from app.webhooks.queries import endpoint_by_id


async def managed(
    session: AsyncSession, principal: Principal, endpoint_id: str, actor: ActorRef | None
) -> tuple[WebhookEndpointRow, Actor]:
    """The endpoint, its row held, and who manages it: 404 and 403 for the others."""
    endpoint = await endpoint_by_id(session, principal, endpoint_id, lock=True)
    return endpoint, await writer(session, principal, actor)


def delivery_document(delivery: DeliveryRow) -> dict[str, Any]:
    """The public form of a delivery, with its last attempt."""
    document = Delivery.model_validate(_facts(delivery)).model_dump()
    return document | {"last_attempt": _read(document["last_attempt"], delivery.last_attempt)}


def attempts_document(delivery: DeliveryRow) -> dict[str, Any]:
    """The public form of a delivery with all attempts that are kept."""
    last = [delivery.last_attempt] if delivery.last_attempt else []
    attempts = [*(delivery.earlier_attempts or []), *last]
    document = DeliveryWithAttempts.model_validate(_facts(delivery) | {"attempts": attempts}).model_dump()
    told = [_read(shown, stored) for shown, stored in zip(document["attempts"], attempts, strict=True)]
    return document | {"attempts": told, "last_attempt": told[-1] if last else None}


def _read(shown: dict[str, Any] | None, stored: Row | None) -> dict[str, Any] | None:
    """An attempt whose error its reader gets in their language."""
    if shown is None or stored is None:
        return None
    attempt = {name: value for name, value in shown.items() if name != "error_message"}
    error = stored.get("error")
    return attempt | {"error": None if error is None else from_stored(error, stored.get("error_message"))}


def _facts(delivery: DeliveryRow) -> dict[str, Any]:
    account_id = None if delivery.account_id == NO_ACCOUNT else delivery.account_id
    return vars(delivery) | {"account_id": account_id, "attempt_count": delivery.attempts}
