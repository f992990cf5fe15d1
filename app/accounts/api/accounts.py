"""``/v1/accounts``: customers and what they have bought."""

from typing import Annotated, Final

from fastapi import Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import queries
from app.accounts.schemas import AccountCreate, AccountDocument, AccountFields
from app.accounts.usecases import customers
from app.accounts.usecases.customers import account_document
from app.core.clock import database_now
from app.core.db.session import transaction
from app.core.problems import IdempotencyMismatch, NotFound, PreconditionFailed, RequestInFlight
from app.core.schemas import Listing
from app.core.state import StateDep
from app.core.web.deps import PrincipalDep, require_account, require_admin
from app.core.web.http import IF_MATCH, Router, check_if_match, etag, reply, responses
from app.core.web.idempotency import IDEMPOTENT, Answer, by_key_alone, once
from app.core.web.merge_patch import PatchDep, merge_patch, patch_body, patched
from app.core.web.paging import PageDep, listing

router = Router(prefix="/v1/accounts", tags=["Accounts"])
_CREATED: Final = responses(RequestInFlight, IdempotencyMismatch)
_PATCH: Final = patch_body(AccountFields, {"plan": "zmanda-premium", "tam": None}) | IF_MATCH


@router.post(
    "",
    scope="accounts:write",
    status_code=201,
    response_model=AccountDocument,
    responses=_CREATED,
    openapi_extra=IDEMPOTENT,
)
async def create_account(request: Request, state: StateDep, principal: PrincipalDep, body: AccountCreate) -> Response:
    """Make an account.

    Admin keys only. The plan's terms hold for tickets that are opened from now on.
    """
    require_admin(principal)

    async def work(session: AsyncSession) -> Answer:
        account = await customers.create_account(session, body, now=await database_now(session))
        return Answer(account_document(account), headers=etag(account.version))

    return await once(request, state, principal, work, may=by_key_alone)


@router.get("", scope="accounts:read", response_model=Listing[AccountDocument], responses=responses())
async def list_accounts(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    page: PageDep,
    external_ref: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """List accounts.

    All of them for support; an account's key sees its own.
    """
    async with state.sessions() as session:
        rows = await queries.accounts_page(session, page, only=principal.account_id, external_ref=external_ref)
    return listing(request, page, rows, place=lambda row: (row.created_at, row.account_id), document=account_document)


@router.get("/{account_id}", scope="accounts:read", response_model=AccountDocument, responses=responses(NotFound))
async def get_account(state: StateDep, principal: PrincipalDep, account_id: str) -> Response:
    """Get an account."""
    require_account(principal, account_id)
    async with state.sessions() as session:
        account = await queries.account_by_id(session, account_id)
    return reply(account_document(account), headers=etag(account.version))


@router.patch(
    "/{account_id}",
    scope="accounts:write",
    response_model=AccountDocument,
    responses=responses(NotFound, PreconditionFailed),
    openapi_extra=_PATCH,
)
async def change_account(
    request: Request, state: StateDep, principal: PrincipalDep, account_id: str, patch: PatchDep
) -> Response:
    """Change an account.

    A JSON Merge Patch (RFC 7396); admin keys only. Open tickets keep the terms with which they were opened.
    """
    require_account(principal, account_id)
    require_admin(principal)
    async with transaction(state.sessions) as session:
        account = await queries.account_by_id(session, account_id, lock=True)
        check_if_match(request, account.version)
        before = customers.fields_of(account)
        fields = patched(AccountFields, merge_patch(before, patch), before=before)
        await customers.change_account(session, account, fields, now=await database_now(session))
    return reply(account_document(account), headers=etag(account.version))
