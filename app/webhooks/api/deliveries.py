"""``/v1/deliveries``: what became of the events that an endpoint was to get, and sending them again."""

from typing import Annotated

from fastapi import Query, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import as_writer, writer
from app.core.clock import database_now
from app.core.problems import Conflict, QuotaExceeded
from app.core.web.kit.operations import ActorDep, CallDep, Document, ResourceRouter
from app.core.web.kit.paging import PageDep, Slice, made
from app.webhooks import queries
from app.webhooks.api.presenters import attempts_document, delivery_document, managed
from app.webhooks.delivery_schemas import Delivery, DeliveryWithAttempts, Replay, ReplayPeriod
from app.webhooks.models import DeliveryRow
from app.webhooks.schemas import DeliveryState
from app.webhooks.usecases import resend

router = ResourceRouter("webhooks", prefix="/v1", tags=["Webhooks"])


@router.list("/webhooks/{endpoint_id}/deliveries", Delivery)
async def list_webhook_deliveries(
    call: CallDep,
    endpoint_id: str,
    page: PageDep,
    status: Annotated[DeliveryState | None, Query(alias="state")] = None,
) -> Response:
    """List an endpoint's deliveries.

    The newest first, each with its last attempt. Deliveries are kept for thirty days after they end.
    """

    async def query(session: AsyncSession) -> Slice[DeliveryRow]:
        await queries.endpoint_by_id(session, call.principal, endpoint_id)
        return await queries.deliveries_page(session, page, endpoint_id, status)

    return await call.page(page, query, place=made, document=delivery_document)


@router.show("/deliveries/{delivery_id}", DeliveryWithAttempts)
async def get_delivery(call: CallDep, delivery_id: str) -> Response:
    """Get a delivery.

    With all its attempts, including those before it was sent again: what was sent, what came back, and when it is
    retried.
    """

    async def get(session: AsyncSession) -> Document:
        return attempts_document(await queries.delivery_with_attempts(session, call.principal, delivery_id))

    return await call.read(get)


@router.action("/deliveries/{delivery_id}/redeliver", Delivery, problems=[Conflict])
async def resend_delivery(call: CallDep, delivery_id: str, actor: ActorDep) -> Response:
    """Resend a delivery.

    At once, with the same `webhook-id` and a fresh series of attempts.
    """

    async def send(session: AsyncSession) -> Document:
        delivery = await queries.locked_delivery(session, call.principal, delivery_id)
        endpoint, _ = await managed(session, call.principal, delivery.endpoint_id, actor)
        await resend.redeliver(session, delivery, endpoint, now=await database_now(session))
        return delivery_document(delivery)

    return await call.write(send)


@router.action(
    "/webhooks/{endpoint_id}/replay",
    Replay,
    status=202,
    problems=[Conflict, QuotaExceeded],
    repeatable=True,
)
async def replay_webhook(call: CallDep, endpoint_id: str, body: ReplayPeriod) -> Response:
    """Replay the events of a period.

    All events recorded in it that the endpoint wants, including those that it never got because it was disabled or did
    not exist yet, or whose deliveries are past their retention. Each keeps its original `webhook-id`, and those of a
    ticket come in order. At most 31 days and 10,000 events at once: 422 says how many there are. 409 names the quota if
    so many pending deliveries would exceed it.
    """

    async def replay(session: AsyncSession) -> Document:
        endpoint = await queries.endpoint_by_id(session, call.principal, endpoint_id)
        await writer(session, call.principal, body.actor)
        return await resend.replay(session, call.state.settings, endpoint, body, now=await database_now(session))

    return await call.once(replay, may=as_writer(call.principal, body.actor))
