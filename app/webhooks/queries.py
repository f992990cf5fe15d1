"""Reading endpoints and deliveries. What the caller may not see is ``NotFound``."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from app.core.auth import Principal
from app.core.db.statements.rows import row_by_id
from app.core.problems import NotFound
from app.core.web.kit.paging import Filter, Page, Slice, filtered, in_order
from app.webhooks.models import DeliveryRow, WebhookEndpointRow


async def endpoint_by_id(
    session: AsyncSession, principal: Principal, endpoint_id: str, *, lock: bool = False
) -> WebhookEndpointRow:
    """The endpoint; with ``lock`` its row is held until the transaction ends."""
    return await row_by_id(session, WebhookEndpointRow, endpoint_id, lock=lock, only=principal.only)


async def endpoints_page(session: AsyncSession, page: Page, account_id: str | None) -> Sequence[WebhookEndpointRow]:
    """A page of endpoints, the oldest first, and one more; of one account, or all."""
    return await in_order(session, WebhookEndpointRow, page, account_id=account_id)


async def deliveries_page(session: AsyncSession, page: Page, endpoint_id: str, state: str | None) -> Slice[DeliveryRow]:
    """A page of an endpoint's deliveries, the newest first, and one more."""
    filters: list[Filter] = [lambda columns: columns.state == state] if state else []
    return await filtered(
        session, DeliveryRow, [DeliveryRow.endpoint_id == endpoint_id], filters, page, "created_at", "id"
    )


async def locked_delivery(session: AsyncSession, principal: Principal, delivery_id: str) -> DeliveryRow:
    """The delivery; its row is held until the transaction ends. One of an endpoint of somebody else's is not locked."""
    query = select(DeliveryRow).where(DeliveryRow.id == delivery_id)
    if principal.only is not None:
        own = select(WebhookEndpointRow.id).where(WebhookEndpointRow.account_id == principal.only)
        query = query.where(DeliveryRow.endpoint_id.in_(own))
    return _found((await session.scalars(query.with_for_update(of=DeliveryRow))).one_or_none())


async def delivery_with_attempts(session: AsyncSession, principal: Principal, delivery_id: str) -> DeliveryRow:
    """The delivery with its earlier attempts too."""
    query = select(DeliveryRow).where(DeliveryRow.id == delivery_id).options(undefer(DeliveryRow.earlier_attempts))
    delivery = _found((await session.scalars(query)).one_or_none())
    await endpoint_by_id(session, principal, delivery.endpoint_id)
    return delivery


def _found(delivery: DeliveryRow | None) -> DeliveryRow:
    if delivery is None:
        raise NotFound
    return delivery


async def delivery_of(session: AsyncSession, endpoint_id: str, event_id: str) -> DeliveryRow:
    """The delivery of this event to this endpoint; quick for a recent one."""
    query = select(DeliveryRow).where(DeliveryRow.endpoint_id == endpoint_id, DeliveryRow.event_id == event_id)
    return (await session.scalars(query.order_by(DeliveryRow.created_at.desc()).limit(1))).one()
