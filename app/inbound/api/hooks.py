"""``/v1/hooks``: where automation posts to, and what became of what it posted."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated

from fastapi import Path, Query, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import as_writer, writer
from app.accounts.queries import account_by_id
from app.core.auth import Actor, Principal
from app.core.clock import database_now
from app.core.db.session import snapshot
from app.core.limits.places import take_place
from app.core.problems import Conflict, NotFound, QuotaExceeded, TooManyRequests
from app.core.schemas.mailboxes import STORED
from app.core.schemas.shared import ActorRef
from app.core.web.kit.merge_patch import PatchDep
from app.core.web.kit.operations import AccountScope, ActorDep, CallDep, Document, ResourceRouter, account_of
from app.core.web.kit.paging import PageDep, Slice, made
from app.core.workers.offload import owner_of
from app.inbound.api.payload_replies import payload_reply
from app.inbound.documents import (
    Hook,
    HookWithSecret,
    Receipt,
    ReceiptState,
    ReceiptWithPayload,
    Trial,
)
from app.inbound.models import HookRow, ReceiptRow
from app.inbound.payloads import payloads_of
from app.inbound.quotas import HOOKS
from app.inbound.read import hooks as queries
from app.inbound.schemas import HookFields, NewHook, TrialPayload
from app.inbound.usecases import hooks
from app.inbound.usecases.dry_run import tried_batch, what_would_be
from app.inbound.usecases.hooks import hook_document, payload_document, receipt_document
from app.inbound.usecases.mail_case import MailHook
from app.inbound.usecases.try_mail import tried_mail, what_mail_would_do
from app.tickets.usecases.tags import take_tags

router = ResourceRouter("hooks", prefix="/v1/hooks", tags=["Hooks"])
HookPath = Annotated[str, Path(max_length=40, description="The hook's id")]
ReceiptPath = Annotated[str, Path(max_length=40, description="The receipt's id")]


async def _locked(session: AsyncSession, principal: Principal, hook_id: str, actor: ActorRef | None) -> HookRow:
    hook = await queries.hook_by_id(session, principal, hook_id, lock=True)
    await writer(session, principal, actor)
    return hook


async def _shown(session: AsyncSession, hook: HookRow, secret: str | None = None) -> Document:
    kept = await payloads_of(session, [hook])
    return hook_document(hook, secret, kept.get(hook.id))


@router.create("", HookWithSecret, problems=[NotFound, Conflict, QuotaExceeded])
async def create_hook(call: CallDep, body: NewHook) -> Response:
    """Create a hook.

    The answer shows its key, or the secret of its signatures, once. `POST /v1/keys` makes more keys for it. 409 names
    the quota if the account has as many hooks as it is allowed.
    """
    account_id = account_of(call.principal, body.account_id)
    hooks.check_reach(call.principal, body, account_id)

    async def create(session: AsyncSession, _: Actor) -> Document:
        account = await account_by_id(session, account_id)
        await take_place(session, HOOKS, call.state.settings, account_id)
        await take_tags(session, call.state.settings, account_id, body.tags)
        return hook_document(*await hooks.create_hook(session, body, account, now=await database_now(session)))

    return await call.once_as(as_writer(call.principal, body.actor), create)


@router.list("", Hook, problems=[NotFound])
async def list_hooks(call: CallDep, page: PageDep, account_id: AccountScope) -> Response:
    """List hooks.

    All of them for support; an account's key sees its own account's.
    """

    async def documents(session: AsyncSession, rows: Sequence[HookRow]) -> Callable[[HookRow], Document]:
        kept = await payloads_of(session, rows)
        return lambda row: hook_document(row, payloads=kept.get(row.id))

    query = partial(queries.hooks_page, page=page, account_id=account_id, principal=call.principal)
    return await call.page_with(page, query, place=made, documents=documents)


@router.show("/{hook_id}", Hook)
async def get_hook(call: CallDep, hook_id: HookPath) -> Response:
    """Get a hook.

    Without its secrets.
    """

    async def get(session: AsyncSession) -> Document:
        return await _shown(session, await queries.hook_by_id(session, call.principal, hook_id))

    return await call.read(get)


@router.update("/{hook_id}", HookWithSecret, HookFields, {"on_resolve": "note"}, problems=[Conflict, QuotaExceeded])
async def update_hook(call: CallDep, hook_id: HookPath, patch: PatchDep, actor: ActorDep) -> Response:
    """Update a hook.

    A JSON Merge Patch (RFC 7396). Payloads that are waiting are processed by the new settings. Another scheme gets a
    new key or secret, which the answer shows once.
    """

    async def change(session: AsyncSession) -> Document:
        hook = await _locked(session, call.principal, hook_id, actor)
        fields = call.patched(patch, HookFields, hook.fields, hook.version)
        hooks.check_reach(call.principal, fields, hook.account_id)
        account = await account_by_id(session, hook.account_id)
        await take_tags(session, call.state.settings, hook.account_id, {*fields.tags} - {*hook.fields.get("tags", ())})
        secret = await hooks.update_hook(session, hook, fields, account, now=await database_now(session))
        return await _shown(session, hook, secret)

    return await call.write(change)


@router.delete("/{hook_id}")
async def delete_hook(call: CallDep, hook_id: HookPath, actor: ActorDep) -> Response:
    """Delete a hook.

    Its receipts are removed too, including those not processed yet. Its tickets stay.
    """

    async def delete(session: AsyncSession) -> None:
        hook = await _locked(session, call.principal, hook_id, actor)
        await hooks.delete_hook(session, hook, now=await database_now(session))

    return await call.delete(delete)


@router.action("/{hook_id}/rotate-secret", HookWithSecret, problems=[Conflict], repeatable=True)
async def rotate_hook_secret(call: CallDep, hook_id: HookPath, actor: ActorDep) -> Response:
    """Rotate the key or secret of a hook.

    The previous one stays valid until the next rotation, so that the sender can be reconfigured in between.
    """

    async def rotate(session: AsyncSession) -> Document:
        hook = await _locked(session, call.principal, hook_id, actor)
        return await _shown(session, hook, await hooks.rotate_secret(session, hook, now=await database_now(session)))

    return await call.once(rotate, may=as_writer(call.principal, actor))


@router.action("/{hook_id}/try", Trial, problems=[Conflict, TooManyRequests])
async def try_hook(call: CallDep, hook_id: HookPath, body: TrialPayload, actor: ActorDep) -> Response:
    """Try a payload.

    Shows what the payload would do if it came now: how each alert is read, which tickets would be opened, with which
    priority; of an e-mail, whose it is, and what its ticket would have of it. Nothing is stored. 429 when too many of
    an account's heavy payloads are waiting, 503 when too many are waiting in all.
    """

    async def find(session: AsyncSession) -> HookRow:
        hook = await queries.hook_by_id(session, call.principal, hook_id)
        await writer(session, call.principal, actor)
        return hook

    hook = await call.ask(find)
    fields = HookFields.model_validate(hook.fields, context=STORED)
    if (body.format or fields.format) == "email":
        return await _try_mail(call, MailHook(hook.account_id, hook.id, fields, receipt_id=""), body)
    batch = await tried_batch(call.state.offload, owner_of(call.principal), fields, body)

    async def tell(session: AsyncSession) -> Document:
        return await what_would_be(session, hook, await account_by_id(session, hook.account_id), batch)

    return await call.read(tell, snapshot)


async def _try_mail(call: CallDep, hook: MailHook, body: TrialPayload) -> Response:
    mail = await tried_mail(call.state.offload, owner_of(call.principal), body)

    async def tell(session: AsyncSession) -> Document:
        return await what_mail_would_do(session, hook, mail, call.principal)

    return await call.read(tell, snapshot)


@router.list("/{hook_id}/receipts", Receipt)
async def list_hook_receipts(
    call: CallDep,
    hook_id: HookPath,
    page: PageDep,
    status: Annotated[ReceiptState | None, Query(alias="state")] = None,
) -> Response:
    """List a hook's receipts.

    The newest first, each with what its alerts did; kept for 30 days.
    """

    async def query(session: AsyncSession) -> Slice[ReceiptRow]:
        hook = await queries.hook_by_id(session, call.principal, hook_id)
        return await queries.receipts_page(session, page, hook, status)

    document = partial(receipt_document, principal=call.principal)
    return await call.page(page, query, place=lambda row: (row.received_at, row.id), document=document)


@router.show("/{hook_id}/receipts/{receipt_id}", ReceiptWithPayload)
async def get_hook_receipt(call: CallDep, hook_id: HookPath, receipt_id: ReceiptPath) -> Response:
    """Get a receipt.

    Including the payload as it came. E-mails as they came are for support alone (403).
    """
    async with snapshot(call.state.sessions) as session:
        hook = await queries.hook_by_id(session, call.principal, hook_id)
        receipt = await queries.receipt_by_id(session, hook, receipt_id)
        document = payload_document(receipt, call.principal)
        payload = await queries.payload_of(session, receipt)
    return await payload_reply(document, payload, call.request)


@router.action("/{hook_id}/receipts/{receipt_id}/process", Receipt, problems=[Conflict])
async def process_hook_receipt(call: CallDep, hook_id: HookPath, receipt_id: ReceiptPath, actor: ActorDep) -> Response:
    """Process a failed receipt again.

    Use this once the hook's mapping is corrected. Whatever has been received about an alert since then stays.
    """

    async def process(session: AsyncSession) -> Document:
        hook = await _locked(session, call.principal, hook_id, actor)
        receipt = await queries.receipt_by_id(session, hook, receipt_id)
        await hooks.process_again(session, receipt)
        return receipt_document(receipt, call.principal)

    return await call.write(process)
