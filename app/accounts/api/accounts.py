"""``/v1/accounts``: customers and what they have bought."""

from functools import partial
from typing import Annotated

from fastapi import Query, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import queries
from app.accounts.models import AccountRow
from app.accounts.principals import manager
from app.accounts.schemas import Account, AccountFields, AccountPatch, NewAccount
from app.accounts.usecases import customers
from app.accounts.usecases.customers import account_document, account_documents
from app.core.clock import database_now
from app.core.web.kit.merge_patch import PatchDep, actor_in
from app.core.web.kit.operations import AccountPath, AdminCall, CallDep, Document, ResourceRouter
from app.core.web.kit.paging import PageDep

router = ResourceRouter("accounts", prefix="/v1/accounts", tags=["Accounts"])


@router.create("", Account)
async def create_account(call: AdminCall, body: NewAccount) -> Response:
    """Create an account.

    Admin keys only. The plan's terms apply to tickets that are opened from now on.
    """

    async def create(session: AsyncSession) -> Document:
        account = await customers.create_account(session, body, now=await database_now(session))
        return await account_document(session, account, call.principal)

    return await call.once(create)


@router.list("", Account)
async def list_accounts(
    call: CallDep, page: PageDep, external_ref: Annotated[str | None, Query(max_length=200)] = None
) -> Response:
    """List accounts.

    All of them for support; an account's key sees its own, without the addresses of its contacts.
    """
    query = partial(queries.accounts_page, page=page, only=call.principal.account_id, external_ref=external_ref)
    documents = partial(account_documents, principal=call.principal)
    return await call.page_with(page, query, place=lambda row: (row.created_at, row.account_id), documents=documents)


@router.show("/{account_id}", Account)
async def get_account(call: CallDep, account_id: AccountPath) -> Response:
    """Get an account.

    An account's key sees its own, without the addresses of its contacts.
    """

    async def get(session: AsyncSession) -> Document:
        account = await queries.account_by_id(session, account_id)
        return await account_document(session, account, call.principal)

    return await call.read(get)


@router.update("/{account_id}", Account, AccountPatch, {"plan": "zmanda-premium", "tam": None})
async def update_account(call: CallDep, account_id: AccountPath, patch: PatchDep) -> Response:
    """Update an account.

    A JSON Merge Patch (RFC 7396). For admins; the account's owners change its `region_lock`, `call_link` and `locale`.
    Open tickets keep the terms under which they were opened.
    """
    actor = actor_in(patch)
    changes = {name: value for name, value in patch.items() if name != "actor"}

    async def account(session: AsyncSession) -> AccountRow:
        await manager(session, call.principal, account_id, actor)  # another account's is 404 before, whoever asks
        if not call.principal.is_support:
            customers.check_own(changes)
        return await queries.account_by_id(session, account_id, lock=True)

    async def change(session: AsyncSession) -> Document:
        row = await account(session)
        fields = call.patched(changes, AccountFields, customers.fields_of(row), row.version)
        await customers.update_account(session, row, fields, now=await database_now(session))
        return await account_document(session, row, call.principal)

    return await call.write(change)
