"""``/v1/webhooks``: where events are sent. What became of them: ``deliveries.py``."""

from functools import partial
from typing import Annotated, Final

from fastapi import Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import acting, named, writer
from app.accounts.queries import account_by_id
from app.core.clock import database_now
from app.core.db.places import take_place
from app.core.db.session import transaction
from app.core.problems import (
    Conflict,
    Forbidden,
    IdempotencyMismatch,
    NotFound,
    PreconditionFailed,
    QuotaExceeded,
    RequestInFlight,
)
from app.core.schemas import Listing
from app.core.state import StateDep
from app.core.web.deps import ActorQuery, PrincipalDep, require_account
from app.core.web.http import IF_MATCH, Router, check_if_match, etag, reply, responses
from app.core.web.idempotency import IDEMPOTENT, Answer, once
from app.core.web.merge_patch import PatchDep, merge_patch, patch_body, patched
from app.core.web.paging import PageDep, listing
from app.webhooks import queries
from app.webhooks.api.presenters import delivery_document, managed
from app.webhooks.delivery_schemas import DeliveryDocument
from app.webhooks.rules.patterns import check_globs
from app.webhooks.rules.quotas import ENDPOINTS
from app.webhooks.schemas import (
    EndpointCreate,
    EndpointDocument,
    EndpointFields,
    EndpointTest,
    RotateSecret,
    SecretDocument,
)
from app.webhooks.usecases import endpoints
from app.webhooks.usecases.endpoints import endpoint_document, shown_to

router = Router(prefix="/v1", tags=["Webhooks"])
_ONCE: Final = responses(Forbidden, NotFound, RequestInFlight, IdempotencyMismatch)
_CREATED: Final = responses(Forbidden, NotFound, QuotaExceeded, RequestInFlight, IdempotencyMismatch)
_PATCH: Final = patch_body(EndpointFields, {"events": ["ticket.*"]}) | IF_MATCH


@router.post(
    "/webhooks",
    scope="webhooks:write",
    status_code=201,
    response_model=SecretDocument,
    responses=_CREATED,
    openapi_extra=IDEMPOTENT,
)
async def create_webhook(request: Request, state: StateDep, principal: PrincipalDep, body: EndpointCreate) -> Response:
    """Register an endpoint.

    The answer shows the signing secret once. An account's endpoint gets its own account's public events. 409 names the
    quota where the account has as many endpoints as it may.
    """
    account_id = body.account_id or principal.account_id
    if account_id:
        require_account(principal, account_id)
    endpoints.check_url(body.url, state.settings.allow_networks)
    check_globs(body.events)

    async def work(session: AsyncSession) -> Answer:
        await writer(session, principal, body.actor)
        if principal.is_support and account_id:
            await account_by_id(session, account_id)
        await take_place(session, ENDPOINTS, state.settings, account_id)
        now = await database_now(session)
        endpoint = await endpoints.create_endpoint(session, body, account_id=account_id, now=now)
        return Answer(endpoint_document(endpoint, endpoint.secrets[0]), headers=etag(endpoint.version))

    return await once(request, state, principal, work, may=lambda session: writer(session, principal, body.actor))


@router.get("/webhooks", scope="webhooks:read", response_model=Listing[EndpointDocument], responses=responses(NotFound))
async def list_webhooks(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    page: PageDep,
    account_id: Annotated[str | None, Query(max_length=40)] = None,
    actor: ActorQuery = None,
) -> Response:
    """List endpoints.

    All of them for support; an account's key sees its own account's. Viewers see of each URL only where it leads.
    """
    wanted = account_id or principal.account_id
    if wanted:
        require_account(principal, wanted)
    async with state.sessions() as session:
        who = await acting(session, principal, named(actor))
        rows = await queries.endpoints_page(session, page, wanted)
    return listing(request, page, rows, place=lambda row: (row.created_at, row.id), document=partial(shown_to, who))


@router.get(
    "/webhooks/{endpoint_id}", scope="webhooks:read", response_model=EndpointDocument, responses=responses(NotFound)
)
async def get_webhook(state: StateDep, principal: PrincipalDep, endpoint_id: str, actor: ActorQuery = None) -> Response:
    """Get an endpoint.

    Without its secrets. Viewers see of its URL only where it leads.
    """
    async with state.sessions() as session:
        endpoint = await queries.endpoint_by_id(session, principal, endpoint_id)
        who = await acting(session, principal, named(actor))
    return reply(shown_to(who, endpoint), headers=etag(endpoint.version))


@router.patch(
    "/webhooks/{endpoint_id}",
    scope="webhooks:write",
    response_model=EndpointDocument,
    responses=responses(Forbidden, NotFound, PreconditionFailed),
    openapi_extra=_PATCH,
)
async def change_webhook(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    endpoint_id: str,
    patch: PatchDep,
    actor: ActorQuery = None,
) -> Response:
    """Change an endpoint.

    A JSON Merge Patch (RFC 7396). What is already on its way goes to the new URL.
    """
    async with transaction(state.sessions) as session:
        endpoint, _ = await managed(session, principal, endpoint_id, actor)
        check_if_match(request, endpoint.version)
        present = {name: getattr(endpoint, name) for name in EndpointFields.model_fields}
        fields = patched(EndpointFields, merge_patch(present, patch))
        endpoints.check_url(fields.url, state.settings.allow_networks)
        await endpoints.change_endpoint(session, endpoint, fields, now=await database_now(session))
    return reply(endpoint_document(endpoint), headers=etag(endpoint.version))


@router.delete(
    "/webhooks/{endpoint_id}",
    scope="webhooks:write",
    status_code=204,
    response_class=Response,
    responses=responses(Forbidden, NotFound),
)
async def delete_webhook(
    state: StateDep, principal: PrincipalDep, endpoint_id: str, actor: ActorQuery = None
) -> Response:
    """Remove an endpoint.

    With its deliveries, also those that were not sent yet.
    """
    async with transaction(state.sessions) as session:
        endpoint, _ = await managed(session, principal, endpoint_id, actor)
        await endpoints.delete_endpoint(session, endpoint)
    return Response(status_code=204)


@router.post(
    "/webhooks/{endpoint_id}/rotate-secret",
    scope="webhooks:write",
    response_model=SecretDocument,
    responses=_ONCE,
    openapi_extra=IDEMPOTENT,
)
async def rotate_webhook_secret(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    endpoint_id: str,
    body: RotateSecret | None = None,
    actor: ActorQuery = None,
) -> Response:
    """Make a new signing secret.

    Messages are signed with the new secret and, until the overlap ends, with the ones before it: at most three in all.
    """
    overlap = (body or RotateSecret()).overlap

    async def work(session: AsyncSession) -> Answer:
        endpoint, _ = await managed(session, principal, endpoint_id, actor)
        secret = await endpoints.rotate_secret(session, endpoint, overlap, now=await database_now(session))
        return Answer(endpoint_document(endpoint, secret), status=200, headers=etag(endpoint.version))

    return await once(request, state, principal, work, may=lambda session: writer(session, principal, named(actor)))


@router.post(
    "/webhooks/{endpoint_id}/test",
    scope="webhooks:write",
    status_code=201,
    response_model=DeliveryDocument,
    responses=responses(Forbidden, NotFound, Conflict, RequestInFlight, IdempotencyMismatch),
    openapi_extra=IDEMPOTENT,
)
async def send_webhook_test(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    endpoint_id: str,
    body: EndpointTest | None = None,
    actor: ActorQuery = None,
) -> Response:
    """Send a test event.

    A `webhook.test` event, of no ticket, to this endpoint alone, whatever its globs; answers the delivery. With an
    `event_type`, the endpoint gets the example of that type in its own format and language, or through its projection,
    with the test's id and `"sandbox": true`. 409 while a hundred tests of it have not ended.
    """
    event_type = body.event_type if body else None

    async def work(session: AsyncSession) -> Answer:
        endpoint, who = await managed(session, principal, endpoint_id, actor)
        event_id = await endpoints.send_test(session, endpoint, event_type, who, now=await database_now(session))
        return Answer(delivery_document(await queries.delivery_of(session, endpoint_id, event_id)))

    return await once(request, state, principal, work, may=lambda session: writer(session, principal, named(actor)))


@router.post(
    "/webhooks/{endpoint_id}/enable",
    scope="webhooks:write",
    response_model=EndpointDocument,
    responses=responses(Forbidden, NotFound, PreconditionFailed),
    openapi_extra=IF_MATCH,
)
async def enable_webhook(
    request: Request, state: StateDep, principal: PrincipalDep, endpoint_id: str, actor: ActorQuery = None
) -> Response:
    """Enable an endpoint.

    It is sent to again, from now on. What failed meanwhile can be redelivered.
    """
    async with transaction(state.sessions) as session:
        endpoint, _ = await managed(session, principal, endpoint_id, actor)
        check_if_match(request, endpoint.version)
        await endpoints.enable_endpoint(session, endpoint, now=await database_now(session))
    return reply(endpoint_document(endpoint), headers=etag(endpoint.version))
