"""Addresses from which mails came back, over HTTP: which there are, and that one takes mail again."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Path, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.queries import account_by_id
from app.core.problems import NotFound
from app.core.web.kit.operations import AccountPath, ResourceRouter, SupportCall
from app.core.web.kit.paging import PageDep
from app.notices.bounces import bounces_page, lift
from app.notices.models import BouncedAddressRow
from app.notices.schemas import BouncedAddress

router = ResourceRouter("accounts", prefix="/v1/accounts/{account_id}/bounces", tags=["Accounts"])
_EmailPath = Annotated[str, Path(max_length=254, examples=["ana@example.com"])]


@router.list("", BouncedAddress, summary="List bounced addresses")
async def list_bounced_addresses(call: SupportCall, account_id: AccountPath, page: PageDep) -> Response:
    """Addresses of the account's customers from which a mail came back, those marked first at the head."""

    async def find(session: AsyncSession) -> Sequence[BouncedAddressRow]:
        await _require(session, call, account_id)
        return await bounces_page(session, account_id, page)

    def document(row: BouncedAddressRow) -> dict[str, object]:
        return BouncedAddress.model_validate(row, from_attributes=True).model_dump()

    return await call.page(page, find, place=lambda row: (row.bounced_at, row.email), document=document)


@router.delete("/{email}", summary="Delete a bounce")
async def delete_bounce(call: SupportCall, account_id: AccountPath, email: _EmailPath) -> Response:
    """Mails go to the address again, and first those that were held. It is lifted too by an e-mail from there."""

    async def work(session: AsyncSession) -> None:
        await _require(session, call, account_id)
        if not await lift(session, account_id, email):
            raise NotFound

    return await call.delete(work)


async def _require(session: AsyncSession, call: SupportCall, account_id: str) -> None:
    if not call.principal.sees(account_id):
        raise NotFound
    await account_by_id(session, account_id)
