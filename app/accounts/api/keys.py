"""``/v1/keys``: API keys. Admins make all kinds; an account's owners make those of their own account."""

from collections.abc import Sequence

from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import queries
from app.accounts.grants import beyond, takes_over
from app.accounts.key_schemas import Key, KeyPatch, KeyWithSecret, NewKey
from app.accounts.models import ApiKeyRow
from app.accounts.principals import manager, principal_of_key
from app.accounts.quotas import KEYS
from app.accounts.usecases import keys
from app.accounts.usecases.keys import key_document
from app.core.auth import Principal
from app.core.clock import database_now
from app.core.limits.places import take_place
from app.core.problems import Conflict, Forbidden, NotFound, QuotaExceeded
from app.core.schemas.merging import merge_patch
from app.core.text.messages import _
from app.core.web.kit.deps import require_account
from app.core.web.kit.merge_patch import PatchDep, actor_in, patched
from app.core.web.kit.operations import AccountScope, ActorDep, CallDep, Document, ResourceRouter
from app.core.web.kit.paging import PageDep, made

router = ResourceRouter("keys", prefix="/v1/keys", tags=["Accounts"])


async def _check_grant(session: AsyncSession, principal: Principal, command: NewKey) -> None:
    """403 for a key with more rights than its maker's, which stays valid until this transaction ends."""
    faults = beyond(await principal_of_key(session, principal.key_id), command)
    if faults:
        raise Forbidden(_("A key cannot create a key with more rights than its own"), errors=faults)


def _of_own_account(principal: Principal, command: NewKey) -> NewKey:
    """What an owner asks for, in its own account: 404 for another's, 403 for admin and agent keys."""
    if principal.account_id is None:
        return command
    if command.kind in ("admin", "agent"):
        raise Forbidden(_("An account has no keys of the kind {kind}", kind=command.kind))
    require_account(principal, command.account_id or principal.account_id)
    return command.model_copy(update={"account_id": principal.account_id})


@router.create("", KeyWithSecret, problems=[NotFound, QuotaExceeded])
async def create_key(call: CallDep, body: NewKey) -> Response:
    """Create a key.

    Admins make all kinds, an account's owners those of their own account. No key can have more rights than the one that
    creates it: a key with scopes can grant only those, and one that expires cannot create one that is valid for longer.
    The answer shows the
    secret once; only its hash is kept. 409 names the quota if the account has as many valid keys as it is allowed.
    """
    principal, command = call.principal, _of_own_account(call.principal, body)

    async def may(session: AsyncSession) -> None:
        await manager(session, principal, principal.account_id, body.actor)
        await _check_grant(session, principal, command)

    async def create(session: AsyncSession, _: None) -> Document:
        if command.account_id:
            await take_place(session, KEYS, call.state.settings, command.account_id)
        by_support, now = call.principal.is_support, await database_now(session)
        return key_document(*await keys.create_key(session, command, now=now, by_support=by_support))

    return await call.once_as(may, create)


@router.list("", Key, problems=[NotFound])
async def list_keys(call: CallDep, page: PageDep, account_id: AccountScope, actor: ActorDep) -> Response:
    """List keys.

    Without their secrets, but including revoked ones. Admins see all keys, owners those of their account.
    """

    async def query(session: AsyncSession) -> Sequence[ApiKeyRow]:
        await manager(session, call.principal, None, actor)
        return await queries.keys_page(session, page, account_id)

    return await call.page(page, query, place=made, document=key_document)


@router.update(
    "/{key_id}", Key, KeyPatch, {"allowed_origins": ["https://app.example.com"]}, problems=[Conflict], if_match=False
)
async def update_key(call: CallDep, key_id: str, patch: PatchDep) -> Response:
    """Update a widget key.

    A JSON Merge Patch (RFC 7396) of how a widget key is set up, so that the key in a page can stay while the keys of
    the host product change. An entry of `jwt_keys` with neither `key` nor `jwk` keeps the key that is stored under its
    `kid`. 403 for a key with more rights than the one that changes it, 409 for keys of other kinds, and for a key that
    is revoked.
    """
    principal = call.principal

    async def update(session: AsyncSession) -> Document:
        await _own_key(session, principal, key_id)
        await manager(session, principal, principal.account_id, actor_in(patch))
        key = await queries.key_by_id(session, key_id, lock=True)
        if key.kind != "widget" or key.revoked_at:
            raise Conflict(_("Only a widget key that is not revoked can be changed"))
        if takes_over(await principal_of_key(session, principal.key_id), key.scopes, key.expires_at):
            raise Forbidden(_("A key cannot change a key with more rights than its own"))
        before = {name: getattr(key, name) for name in KeyPatch.model_fields if name != "actor"}
        before["jwt_keys"] = [{"kid": each["kid"], "alg": each["alg"]} for each in before["jwt_keys"]]
        await keys.update_key(session, key, patched(KeyPatch, merge_patch(before, patch), before=before))
        return key_document(key)

    return await call.write(update)


async def _own_key(session: AsyncSession, principal: Principal, key_id: str) -> None:
    """404 unless the key exists for the caller."""
    key = await queries.key_by_id(session, key_id)
    if principal.account_id is not None and key.account_id != principal.account_id:
        raise NotFound


@router.delete("/{key_id}")
async def delete_key(call: CallDep, key_id: str, actor: ActorDep) -> Response:
    """Delete a key.

    The key is revoked, and refused from the next request on. Deleting it again changes nothing.
    """
    principal = call.principal

    async def revoke(session: AsyncSession) -> None:
        await _own_key(session, principal, key_id)
        await manager(session, principal, principal.account_id, actor)
        key = await queries.key_by_id(session, key_id, lock=True)
        await keys.delete_key(session, key, now=await database_now(session))

    return await call.delete(revoke)
