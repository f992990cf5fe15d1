"""``/v1/hooks``: where automation posts to, and what became of what it posted."""

from typing import Annotated, Final

from fastapi import Path, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import named, writer
from app.accounts.queries import account_by_id
from app.core.auth import Principal
from app.core.clock import database_now
from app.core.db.places import take_place
from app.core.db.session import snapshot, transaction
from app.core.mailboxes import STORED
from app.core.problems import (
    Conflict,
    Fault,
    Forbidden,
    IdempotencyMismatch,
    Invalid,
    NotFound,
    PreconditionFailed,
    QuotaExceeded,
    RequestInFlight,
    TooManyRequests,
)
from app.core.schemas import EmailRef, Listing
from app.core.state import StateDep
from app.core.text.messages import _
from app.core.web.deps import ActorQuery, PrincipalDep, require_account
from app.core.web.http import IF_MATCH, Router, check_if_match, etag, reply, responses
from app.core.web.idempotency import IDEMPOTENT, Answer, once
from app.core.web.merge_patch import PatchDep, merge_patch, patch_body, patched
from app.core.web.paging import PageDep, listing
from app.core.workers.offload import owner_of
from app.inbound.documents import (
    HookDocument,
    HookSecretDocument,
    PayloadDocument,
    ReceiptDocument,
    ReceiptState,
    TriedDocument,
)
from app.inbound.models import Hook
from app.inbound.payloads import payloads_of
from app.inbound.quotas import HOOKS
from app.inbound.read import hooks as queries
from app.inbound.schemas import HookCreate, HookFields, TryPayload
from app.inbound.usecases import hooks
from app.inbound.usecases.dry_run import tried_batch, what_would_be
from app.inbound.usecases.hooks import hook_document, payload_document, receipt_document

router = Router(prefix="/v1/hooks", tags=["Hooks"])
HookPath = Annotated[str, Path(max_length=40, description="The hook's id")]
ReceiptPath = Annotated[str, Path(max_length=40, description="The receipt's id")]
_ONCE: Final = responses(Forbidden, NotFound, Conflict, RequestInFlight, IdempotencyMismatch)
_CREATED: Final = responses(Forbidden, NotFound, Conflict, QuotaExceeded, RequestInFlight, IdempotencyMismatch)
_PATCH: Final = patch_body(HookFields, {"on_resolve": "note"}) | IF_MATCH


async def _locked(session: AsyncSession, principal: Principal, hook_id: str, actor: EmailRef | None) -> Hook:
    hook = await queries.hook_by_id(session, principal, hook_id, lock=True)
    await writer(session, principal, named(actor))
    return hook


@router.post(
    "",
    scope="hooks:write",
    status_code=201,
    response_model=HookSecretDocument,
    responses=_CREATED,
    openapi_extra=IDEMPOTENT,
)
async def create_hook(request: Request, state: StateDep, principal: PrincipalDep, body: HookCreate) -> Response:
    """Make a hook.

    The answer shows its key, or the secret of its signatures, once. `POST /v1/keys` makes more keys for it. 409
    names the quota where the account has as many hooks as it may.
    """
    account_id = body.account_id or principal.account_id
    if account_id is None:
        raise Invalid(errors=[Fault(pointer="/account_id", detail=_("A hook needs an account"))])
    require_account(principal, account_id)

    async def work(session: AsyncSession) -> Answer:
        await writer(session, principal, body.actor)
        account = await account_by_id(session, account_id)
        await take_place(session, HOOKS, state.settings, account_id)
        hook, secret = await hooks.create_hook(session, body, account, now=await database_now(session))
        return Answer(hook_document(hook, secret), headers=etag(hook.version))

    return await once(request, state, principal, work, may=lambda session: writer(session, principal, body.actor))


@router.get("", scope="hooks:read", response_model=Listing[HookDocument], responses=responses(NotFound))
async def list_hooks(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    page: PageDep,
    account_id: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """List hooks.

    All of them for support; an account's key sees its own account's.
    """
    wanted = account_id or principal.account_id
    if wanted:
        require_account(principal, wanted)
    async with state.sessions() as session:
        rows = await queries.hooks_page(session, page, wanted)
        kept = await payloads_of(session, rows)
    return listing(
        request,
        page,
        rows,
        place=lambda row: (row.created_at, row.id),
        document=lambda row: hook_document(row, payloads=kept.get(row.id)),
    )


@router.get("/{hook_id}", scope="hooks:read", response_model=HookDocument, responses=responses(NotFound))
async def get_hook(state: StateDep, principal: PrincipalDep, hook_id: HookPath) -> Response:
    """Get a hook.

    Without its secrets.
    """
    async with state.sessions() as session:
        hook = await queries.hook_by_id(session, principal, hook_id)
        kept = await payloads_of(session, [hook])
    return reply(hook_document(hook, payloads=kept.get(hook.id)), headers=etag(hook.version))


@router.patch(
    "/{hook_id}",
    scope="hooks:write",
    response_model=HookSecretDocument,
    responses=responses(Forbidden, NotFound, Conflict, PreconditionFailed),
    openapi_extra=_PATCH,
)
async def change_hook(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    hook_id: HookPath,
    patch: PatchDep,
    actor: ActorQuery = None,
) -> Response:
    """Change a hook.

    A JSON Merge Patch (RFC 7396). What waits is processed by what the hook says then. Another scheme gets a new key or
    secret, which the answer shows once.
    """
    async with transaction(state.sessions) as session:
        hook = await _locked(session, principal, hook_id, actor)
        check_if_match(request, hook.version)
        fields = patched(HookFields, merge_patch(hook.fields, patch), before=hook.fields)
        account = await account_by_id(session, hook.account_id)
        secret = await hooks.change_hook(session, hook, fields, account, now=await database_now(session))
        kept = await payloads_of(session, [hook])
    return reply(hook_document(hook, secret, kept.get(hook.id)), headers=etag(hook.version))


@router.delete(
    "/{hook_id}",
    scope="hooks:write",
    status_code=204,
    response_class=Response,
    responses=responses(Forbidden, NotFound),
)
async def delete_hook(
    state: StateDep, principal: PrincipalDep, hook_id: HookPath, actor: ActorQuery = None
) -> Response:
    """Remove a hook.

    With its receipts, also those that were not processed yet. Its tickets stay.
    """
    async with transaction(state.sessions) as session:
        hook = await _locked(session, principal, hook_id, actor)
        await hooks.delete_hook(session, hook, now=await database_now(session))
    return Response(status_code=204)


@router.post(
    "/{hook_id}/rotate-secret",
    scope="hooks:write",
    response_model=HookSecretDocument,
    responses=_ONCE,
    openapi_extra=IDEMPOTENT,
)
async def rotate_hook_secret(
    request: Request, state: StateDep, principal: PrincipalDep, hook_id: HookPath, actor: ActorQuery = None
) -> Response:
    """Make a new key or secret.

    The one before holds until the next rotation, so that the sender can be changed in between.
    """

    async def work(session: AsyncSession) -> Answer:
        hook = await _locked(session, principal, hook_id, actor)
        secret = await hooks.rotate_secret(session, hook, now=await database_now(session))
        kept = await payloads_of(session, [hook])
        return Answer(hook_document(hook, secret, kept.get(hook.id)), status=200, headers=etag(hook.version))

    return await once(request, state, principal, work, may=lambda session: writer(session, principal, named(actor)))


@router.post(
    "/{hook_id}/try",
    scope="hooks:write",
    response_model=TriedDocument,
    responses=responses(Forbidden, NotFound, Conflict, TooManyRequests),
)
async def try_hook(
    state: StateDep, principal: PrincipalDep, hook_id: HookPath, body: TryPayload, actor: ActorQuery = None
) -> Response:
    """Try a payload.

    What it would do if it came now: what each alert is taken for, which tickets would be opened, with which priority.
    Nothing is stored. 429 when too many of an account's heavy payloads wait, 503 when too many wait in all.
    """
    async with state.sessions() as session:
        hook = await queries.hook_by_id(session, principal, hook_id)
        await writer(session, principal, named(actor))
    batch = await tried_batch(
        state.offload, owner_of(principal), HookFields.model_validate(hook.fields, context=STORED), body
    )
    async with snapshot(state.sessions) as session:
        account = await account_by_id(session, hook.account_id)
        tried = await what_would_be(session, hook, account, batch)
    return reply(tried)


@router.get(
    "/{hook_id}/receipts", scope="hooks:read", response_model=Listing[ReceiptDocument], responses=responses(NotFound)
)
async def list_hook_receipts(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    hook_id: HookPath,
    page: PageDep,
    status: Annotated[ReceiptState | None, Query(alias="state")] = None,
) -> Response:
    """List what a hook received.

    The newest first, each with what its alerts did; kept for 30 days.
    """
    async with state.sessions() as session:
        hook = await queries.hook_by_id(session, principal, hook_id)
        rows = await queries.receipts_page(session, page, hook, status)
    return listing(request, page, rows, place=lambda row: (row.received_at, row.id), document=receipt_document)


@router.get(
    "/{hook_id}/receipts/{receipt_id}",
    scope="hooks:read",
    response_model=PayloadDocument,
    responses=responses(NotFound),
)
async def get_hook_receipt(
    state: StateDep, principal: PrincipalDep, hook_id: HookPath, receipt_id: ReceiptPath
) -> Response:
    """Get what a hook received.

    With the payload as it came.
    """
    async with state.sessions() as session:
        hook = await queries.hook_by_id(session, principal, hook_id)
        receipt = await queries.receipt_by_id(session, hook, receipt_id)
    return reply(payload_document(receipt))


@router.post(
    "/{hook_id}/receipts/{receipt_id}/process",
    scope="hooks:write",
    response_model=ReceiptDocument,
    responses=responses(Forbidden, NotFound, Conflict),
)
async def process_hook_receipt(
    state: StateDep, principal: PrincipalDep, hook_id: HookPath, receipt_id: ReceiptPath, actor: ActorQuery = None
) -> Response:
    """Process a failed receipt again.

    Once the hook's mapping is mended. What has been heard of an alert since is not undone.
    """
    async with transaction(state.sessions) as session:
        hook = await _locked(session, principal, hook_id, actor)
        receipt = await queries.receipt_by_id(session, hook, receipt_id)
        await hooks.process_again(session, receipt)
    return reply(receipt_document(receipt))
