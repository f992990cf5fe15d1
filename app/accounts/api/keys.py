"""``/v1/keys``: API keys. Admins make all kinds; an account's owners make those of their own account."""

from typing import Annotated, Final

from fastapi import Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import queries
from app.accounts.grants import beyond
from app.accounts.principals import manager, named, principal_of_key
from app.accounts.quotas import KEYS
from app.accounts.schemas import KeyCreate, KeyDocument, NewKeyDocument
from app.accounts.usecases import keys
from app.accounts.usecases.keys import key_document
from app.core.auth import Principal
from app.core.clock import database_now
from app.core.db.places import take_place
from app.core.db.session import transaction
from app.core.problems import Forbidden, IdempotencyMismatch, NotFound, QuotaExceeded, RequestInFlight
from app.core.schemas import Listing
from app.core.state import StateDep
from app.core.text.messages import _
from app.core.web.deps import ActorQuery, PrincipalDep, require_account
from app.core.web.http import Router, responses
from app.core.web.idempotency import IDEMPOTENT, Answer, once
from app.core.web.paging import PageDep, listing

router = Router(prefix="/v1/keys", tags=["Accounts"])
_CREATED: Final = responses(NotFound, QuotaExceeded, RequestInFlight, IdempotencyMismatch)


async def _check_grant(session: AsyncSession, principal: Principal, command: KeyCreate) -> None:
    """403 for a key that may more than its maker, whose own key is valid until this transaction ends."""
    faults = beyond(await principal_of_key(session, principal.key_id), command)
    if faults:
        raise Forbidden(_("A key cannot create a key with more rights than its own"), errors=faults)


def _of_own_account(principal: Principal, command: KeyCreate) -> KeyCreate:
    """What an owner asks for, in its own account: 404 for another's, 403 for admin and agent keys."""
    if principal.account_id is None:
        return command
    if command.kind in ("admin", "agent"):
        raise Forbidden(_("An account has no keys of the kind {kind}", kind=command.kind))
    require_account(principal, command.account_id or principal.account_id)
    return command.model_copy(update={"account_id": principal.account_id})


@router.post(
    "", scope="keys:write", status_code=201, response_model=NewKeyDocument, responses=_CREATED, openapi_extra=IDEMPOTENT
)
async def create_key(request: Request, state: StateDep, principal: PrincipalDep, body: KeyCreate) -> Response:
    """Make a key.

    Admins make all kinds, an account's owners those of their own account. No key may more than the one that makes it:
    a key with scopes hands on those alone, and one that expires makes none that lives longer. The answer shows the
    secret once; only its hash is kept. 409 names the quota where the account has as many keys in force as it may.
    """
    command = _of_own_account(principal, body)

    async def may(session: AsyncSession) -> None:
        await manager(session, principal, principal.account_id, body.actor)
        await _check_grant(session, principal, command)

    async def work(session: AsyncSession) -> Answer:
        await may(session)
        if command.account_id:
            await take_place(session, KEYS, state.settings, command.account_id)
        key, secret = await keys.create_key(session, command, now=await database_now(session))
        return Answer(key_document(key, secret))

    return await once(request, state, principal, work, may=may)


@router.get("", scope="keys:read", response_model=Listing[KeyDocument], responses=responses(NotFound))
async def list_keys(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    page: PageDep,
    account_id: Annotated[str | None, Query(max_length=40)] = None,
    actor: ActorQuery = None,
) -> Response:
    """List keys.

    Without their secrets, revoked ones too: all for admins, an owner sees its account's.
    """
    wanted = account_id or principal.account_id
    if wanted is not None:
        require_account(principal, wanted)
    async with state.sessions() as session:
        await manager(session, principal, None, named(actor))
        rows = await queries.keys_page(session, page, wanted)
    return listing(request, page, rows, place=lambda row: (row.created_at, row.id), document=key_document)


@router.delete("/{key_id}", scope="keys:write", status_code=204, response_class=Response, responses=responses(NotFound))
async def revoke_key(state: StateDep, principal: PrincipalDep, key_id: str, actor: ActorQuery = None) -> Response:
    """Revoke a key.

    It is refused from the next request on. Revoking it again changes nothing.
    """
    async with transaction(state.sessions) as session:
        key = await queries.key_by_id(session, key_id)
        if principal.account_id is not None and key.account_id != principal.account_id:
            raise NotFound
        await manager(session, principal, principal.account_id, named(actor))
        key = await queries.key_by_id(session, key_id, lock=True)
        await keys.revoke_key(session, key, now=await database_now(session))
    return Response(status_code=204)
