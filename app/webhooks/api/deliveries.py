"""``/v1/deliveries``: what became of the events that an endpoint was to get, and sending them again."""

from typing import Annotated

from fastapi import Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import writer
from app.core.clock import database_now
from app.core.db.session import transaction
from app.core.problems import Conflict, Forbidden, IdempotencyMismatch, NotFound, QuotaExceeded, RequestInFlight
from app.core.schemas import Listing
from app.core.state import StateDep
from app.core.web.deps import ActorQuery, PrincipalDep
from app.core.web.http import Router, reply, responses
from app.core.web.idempotency import IDEMPOTENT, Answer, once
from app.core.web.paging import PageDep, listing
from app.webhooks import queries
from app.webhooks.api.presenters import attempts_document, delivery_document, managed
from app.webhooks.delivery_schemas import AttemptsDocument, DeliveryDocument, ReplayDocument, ReplayPeriod
from app.webhooks.schemas import DeliveryState
from app.webhooks.usecases import resend

router = Router(prefix="/v1", tags=["Webhooks"])


@router.get(
    "/webhooks/{endpoint_id}/deliveries",
    scope="webhooks:read",
    response_model=Listing[DeliveryDocument],
    responses=responses(NotFound),
)
async def list_webhook_deliveries(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    endpoint_id: str,
    page: PageDep,
    status: Annotated[DeliveryState | None, Query(alias="state")] = None,
) -> Response:
    """List an endpoint's deliveries.

    The newest first, each with its last attempt. They are kept for thirty days after they ended.
    """
    async with state.sessions() as session:
        await queries.endpoint_by_id(session, principal, endpoint_id)
        rows = await queries.deliveries_page(session, page, endpoint_id, status)
    return listing(request, page, rows, place=lambda row: (row.created_at, row.id), document=delivery_document)


@router.get(
    "/deliveries/{delivery_id}", scope="webhooks:read", response_model=AttemptsDocument, responses=responses(NotFound)
)
async def get_delivery(state: StateDep, principal: PrincipalDep, delivery_id: str) -> Response:
    """Get a delivery.

    With its attempts, those before it was sent again included: what was sent, what came back, when it is tried again.
    """
    async with state.sessions() as session:
        delivery = await queries.delivery_with_attempts(session, principal, delivery_id)
    return reply(attempts_document(delivery))


@router.post(
    "/deliveries/{delivery_id}/redeliver",
    scope="webhooks:write",
    response_model=DeliveryDocument,
    responses=responses(Forbidden, NotFound, Conflict),
)
async def redeliver(state: StateDep, principal: PrincipalDep, delivery_id: str, actor: ActorQuery = None) -> Response:
    """Send a delivery again.

    At once, with the same `webhook-id` and a new row of attempts.
    """
    async with transaction(state.sessions) as session:
        delivery = await queries.locked_delivery(session, delivery_id)
        endpoint, _ = await managed(session, principal, delivery.endpoint_id, actor)
        await resend.redeliver(session, delivery, endpoint, now=await database_now(session))
    return reply(delivery_document(delivery))


@router.post(
    "/webhooks/{endpoint_id}/replay",
    scope="webhooks:write",
    status_code=202,
    response_model=ReplayDocument,
    responses=responses(Forbidden, NotFound, Conflict, QuotaExceeded, RequestInFlight, IdempotencyMismatch),
    openapi_extra=IDEMPOTENT,
)
async def replay_webhook(
    request: Request, state: StateDep, principal: PrincipalDep, endpoint_id: str, body: ReplayPeriod
) -> Response:
    """Send a period again.

    All events recorded in it that the endpoint wants, also those that it never got because it was disabled, did not
    exist yet, or their deliveries are past their retention. Each comes with its `webhook-id` of then; a ticket's come
    in order. At most 31 days and 10,000 events at once: 422 says how many there are. 409 names the quota where the
    account has no room for so many deliveries that are pending.
    """

    async def work(session: AsyncSession) -> Answer:
        endpoint = await queries.endpoint_by_id(session, principal, endpoint_id)
        await writer(session, principal, body.actor)
        now = await database_now(session)
        return Answer(await resend.replay(session, state.settings, endpoint, body, now=now), status=202)

    return await once(request, state, principal, work, may=lambda session: writer(session, principal, body.actor))
