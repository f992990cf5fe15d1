"""Reading hooks and receipts. What the caller may not see is ``NotFound``.

A hook that has the e-mails of all accounts is for support alone, whichever account it belongs to.
"""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Principal
from app.core.db.session import driver
from app.core.db.statements.rows import row_by_id
from app.core.pieces import Pieces
from app.core.problems import NotFound
from app.core.web.kit.paging import Filter, Page, Slice, filtered, in_order
from app.inbound import bodies
from app.inbound.models import HookRow, ReceiptRow


async def hook_by_id(session: AsyncSession, principal: Principal, hook_id: str, *, lock: bool = False) -> HookRow:
    """The hook; with ``lock`` its row is held until the transaction ends."""
    hook = await row_by_id(session, HookRow, hook_id, lock=lock, only=principal.only)
    if not principal.spans_accounts and hook.fields.get("mail", {}).get("accounts") == "all":
        raise NotFound
    return hook


async def hooks_page(
    session: AsyncSession, page: Page, account_id: str | None, principal: Principal
) -> Sequence[HookRow]:
    """A page of hooks, the oldest first, and one more; of one account, or all."""
    own = HookRow.fields["mail"]["accounts"].astext.is_distinct_from("all")
    return await in_order(session, HookRow, page, *([] if principal.spans_accounts else [own]), account_id=account_id)


async def receipts_page(session: AsyncSession, page: Page, hook: HookRow, state: str | None) -> Slice[ReceiptRow]:
    """A page of a hook's receipts, the newest first, and one more; each without its payload."""
    filters: list[Filter] = [lambda columns: columns.state == state] if state else []
    return await filtered(session, ReceiptRow, [ReceiptRow.hook_id == hook.id], filters, page, "received_at", "id")


async def receipt_by_id(session: AsyncSession, hook: HookRow, receipt_id: str) -> ReceiptRow:
    """The hook's receipt, without its payload."""
    query = select(ReceiptRow).where(ReceiptRow.account_id == hook.account_id, ReceiptRow.id == receipt_id)
    query = query.where(ReceiptRow.hook_id == hook.id)
    receipt = (await session.scalars(query)).one_or_none()
    if receipt is None:
        raise NotFound
    return receipt


async def payload_of(session: AsyncSession, receipt: ReceiptRow) -> Pieces:
    """What was received."""
    connection = await driver(session)
    return await bodies.body_of(connection, receipt.account_id, receipt.id)
