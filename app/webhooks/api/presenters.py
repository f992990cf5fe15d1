"""Who manages endpoints and their deliveries, and how a delivery is told."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import writer
from app.core.auth import Actor, Principal
from app.core.schemas.shared import ActorRef
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
    return Delivery.model_validate(_facts(delivery)).model_dump()


def attempts_document(delivery: DeliveryRow) -> dict[str, Any]:
    """The public form of a delivery with all attempts that are kept."""
    last = [delivery.last_attempt] if delivery.last_attempt else []
    attempts = [*(delivery.earlier_attempts or []), *last]
    return DeliveryWithAttempts.model_validate(_facts(delivery) | {"attempts": attempts}).model_dump()


def _facts(delivery: DeliveryRow) -> dict[str, Any]:
    account_id = None if delivery.account_id == NO_ACCOUNT else delivery.account_id
    return vars(delivery) | {"account_id": account_id, "attempt_count": delivery.attempts}
