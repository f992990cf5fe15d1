"""``/v1/webhooks``: where events are sent. What became of them: ``deliveries.py``."""

from collections.abc import Callable, Sequence
from functools import partial

from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import acting, as_writer
from app.accounts.queries import account_by_id
from app.core.auth import Actor
from app.core.clock import database_now
from app.core.limits.places import take_place
from app.core.problems import Conflict, NotFound, QuotaExceeded
from app.core.web.kit.deps import require_account
from app.core.web.kit.merge_patch import PatchDep
from app.core.web.kit.operations import AccountScope, ActorDep, CallDep, Document, ResourceRouter
from app.core.web.kit.paging import PageDep, made
from app.webhooks import queries
from app.webhooks.api.presenters import delivery_document, managed
from app.webhooks.delivery_schemas import Delivery
from app.webhooks.models import WebhookEndpointRow
from app.webhooks.rules.patterns import check_globs
from app.webhooks.rules.quotas import ENDPOINTS
from app.webhooks.schemas import (
    NewWebhookEndpoint,
    SecretRotation,
    WebhookEndpoint,
    WebhookEndpointFields,
    WebhookEndpointTest,
    WebhookEndpointWithSecret,
)
from app.webhooks.usecases import endpoints
from app.webhooks.usecases.endpoints import endpoint_document, shown_to

router = ResourceRouter("webhooks", prefix="/v1/webhooks", tags=["Webhooks"])


@router.create("", WebhookEndpointWithSecret, problems=[NotFound, QuotaExceeded])
async def create_webhook(call: CallDep, body: NewWebhookEndpoint) -> Response:
    """Create an endpoint.

    The answer shows the signing secret once. An account's endpoint gets its own account's public events. 409 names the
    quota if the account has as many endpoints as it is allowed.
    """
    account_id = body.account_id or call.principal.account_id  # None: the operator's own, of all accounts
    if account_id:
        require_account(call.principal, account_id)
    endpoints.check_url(body.url, call.state.settings.allow_networks)
    check_globs(body.events)

    async def create(session: AsyncSession, _: Actor) -> Document:
        if call.principal.is_support and account_id:
            await account_by_id(session, account_id)
        await take_place(session, ENDPOINTS, call.state.settings, account_id)
        now = await database_now(session)
        endpoint = await endpoints.create_endpoint(session, body, account_id=account_id, now=now)
        return endpoint_document(endpoint, endpoint.secrets[0])

    return await call.once_as(as_writer(call.principal, body.actor), create)


@router.list("", WebhookEndpoint, problems=[NotFound])
async def list_webhooks(call: CallDep, page: PageDep, account_id: AccountScope, actor: ActorDep) -> Response:
    """List endpoints.

    All of them for support; an account's key sees its own account's. Viewers see only the host of each URL.
    """

    async def documents(
        session: AsyncSession, _: Sequence[WebhookEndpointRow]
    ) -> Callable[[WebhookEndpointRow], Document]:
        return partial(shown_to, await acting(session, call.principal, actor))

    query = partial(queries.endpoints_page, page=page, account_id=account_id)
    return await call.page_with(page, query, place=made, documents=documents)


@router.show("/{endpoint_id}", WebhookEndpoint)
async def get_webhook(call: CallDep, endpoint_id: str, actor: ActorDep) -> Response:
    """Get an endpoint.

    Without its secrets. Viewers see only the host of its URL.
    """

    async def get(session: AsyncSession) -> Document:
        endpoint = await queries.endpoint_by_id(session, call.principal, endpoint_id)
        return shown_to(await acting(session, call.principal, actor), endpoint)

    return await call.read(get)


@router.update("/{endpoint_id}", WebhookEndpoint, WebhookEndpointFields, {"events": ["ticket.*"]})
async def update_webhook(call: CallDep, endpoint_id: str, patch: PatchDep, actor: ActorDep) -> Response:
    """Update an endpoint.

    A JSON Merge Patch (RFC 7396). Deliveries already under way go to the new URL. `{"enabled": false}` disables the
    endpoint, and `{"enabled": true}` enables it again, as `enable` does.
    """

    async def change(session: AsyncSession) -> Document:
        endpoint, who = await managed(session, call.principal, endpoint_id, actor)
        before = {name: getattr(endpoint, name) for name in WebhookEndpointFields.model_fields}
        fields = call.patched(patch, WebhookEndpointFields, before, endpoint.version)
        endpoints.check_url(fields.url, call.state.settings.allow_networks)
        await endpoints.update_endpoint(session, endpoint, fields, who, now=await database_now(session))
        return endpoint_document(endpoint)

    return await call.write(change)


@router.delete("/{endpoint_id}")
async def delete_webhook(call: CallDep, endpoint_id: str, actor: ActorDep) -> Response:
    """Delete an endpoint.

    Its deliveries are removed too, including those not sent yet; of more than ten thousand, the rest within hours.
    """

    async def delete(session: AsyncSession) -> None:
        endpoint, _ = await managed(session, call.principal, endpoint_id, actor)
        await endpoints.delete_endpoint(session, endpoint)

    return await call.delete(delete)


@router.action("/{endpoint_id}/rotate-secret", WebhookEndpointWithSecret, repeatable=True)
async def rotate_webhook_secret(
    call: CallDep, endpoint_id: str, actor: ActorDep, body: SecretRotation | None = None
) -> Response:
    """Rotate the signing secret of an endpoint.

    Messages are signed with the new secret and, until the overlap ends, with the ones before it: at most three in all.
    """
    overlap = (body or SecretRotation()).overlap

    async def rotate(session: AsyncSession) -> Document:
        endpoint, _ = await managed(session, call.principal, endpoint_id, actor)
        secret = await endpoints.rotate_secret(session, endpoint, overlap, now=await database_now(session))
        return endpoint_document(endpoint, secret)

    return await call.once(rotate, may=as_writer(call.principal, actor))


@router.action("/{endpoint_id}/test", Delivery, status=201, problems=[Conflict], repeatable=True)
async def send_webhook_test(
    call: CallDep, endpoint_id: str, actor: ActorDep, body: WebhookEndpointTest | None = None
) -> Response:
    """Send a test event.

    A `webhook.test` event, of no ticket, to this endpoint alone, whatever its globs; answers the delivery. With an
    `event_type`, the endpoint gets the example of that type in its own format and language, or through its projection,
    with the test's id and `"sandbox": true`. 409 while a hundred of its tests are pending.
    """
    event_type = body.event_type if body else None

    async def send(session: AsyncSession) -> Document:
        endpoint, who = await managed(session, call.principal, endpoint_id, actor)
        event_id = await endpoints.send_test(session, endpoint, event_type, who, now=await database_now(session))
        return delivery_document(await queries.delivery_of(session, endpoint_id, event_id))

    return await call.once(send, may=as_writer(call.principal, actor))


@router.action("/{endpoint_id}/enable", WebhookEndpoint, if_match=True)
async def enable_webhook(call: CallDep, endpoint_id: str, actor: ActorDep) -> Response:
    """Enable an endpoint.

    The endpoint gets events again from now on. Failed deliveries can be redelivered.
    """

    async def enable(session: AsyncSession) -> Document:
        endpoint, _ = await managed(session, call.principal, endpoint_id, actor)
        call.require_match(endpoint.version)
        await endpoints.enable_endpoint(session, endpoint, now=await database_now(session))
        return endpoint_document(endpoint)

    return await call.write(enable)
