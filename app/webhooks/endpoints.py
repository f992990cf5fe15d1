"""What is done with endpoints: made, changed, disabled, tried."""

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.webhooks.models import WebhookEndpoint


async def disable(session: AsyncSession, endpoint_id: str, reason: str) -> None:
    """Send an endpoint nothing more, until its owner enables it again; what is due for it will fail."""
    await session.execute(
        update(WebhookEndpoint)
        .where(WebhookEndpoint.id == endpoint_id, WebhookEndpoint.enabled)
        .values(
            enabled=False,
            disabled_reason=reason,
            version=WebhookEndpoint.version + 1,
            updated_at=func.clock_timestamp(),
        )
    )
