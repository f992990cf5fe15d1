"""Reading maintenance windows. What the caller may not see is ``NotFound``."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.queries import account_by_id
from app.core.auth import Principal
from app.core.db.session import driver
from app.core.db.statements.rows import row_by_id
from app.core.web.kit.paging import Page, in_order
from app.inbound.maintenance.models import MaintenanceWindowRow

_FIRING: Final = """
SELECT FROM silenced_alerts AS s JOIN hooks AS h ON h.account_id = s.account_id AND h.id = s.hook_id
WHERE s.account_id = $1 AND s.status = 'firing'
"""
_COVERED: Final = """
SELECT FROM maintenance_windows AS w WHERE w.account_id = h.account_id AND w.due_at IS NOT NULL
AND (w.hook_id IS NULL OR w.hook_id = h.id) AND (w.product IS NULL OR w.product = h.fields->>'product')
"""
_WINDOWS: Final = f"""
SELECT EXISTS ({_FIRING} AND NOT EXISTS ({_COVERED} AND w.starts_at <= $2 AND w.ends_at > $2)) AS opening,
       (SELECT min(w.ends_at) FROM maintenance_windows AS w
        WHERE w.account_id = $1 AND w.due_at IS NOT NULL AND w.ends_at > $2 AND w.ends_at <= $3
          AND EXISTS ({_FIRING})) AS ends
"""  # noqa: S608  our own text


@dataclass(frozen=True, slots=True)
class HeldBack:
    """What windows of an account hold back of what fires: whether it is being opened, else when the next one ends."""

    opening: bool
    ends_at: datetime | None


async def window_by_id(
    session: AsyncSession, principal: Principal, window_id: str, *, lock: bool = False
) -> MaintenanceWindowRow:
    """The window; with ``lock`` its row is held until the transaction ends."""
    return await row_by_id(session, MaintenanceWindowRow, window_id, lock=lock, only=principal.only)


async def present_of(session: AsyncSession, account_id: str, now: datetime) -> datetime:
    """The account's instant."""
    return (await account_by_id(session, account_id)).sandbox_now or now


async def windows_page(session: AsyncSession, page: Page, account_id: str | None) -> Sequence[MaintenanceWindowRow]:
    """A page of windows by their start, and one more; of one account, or all."""
    return await in_order(session, MaintenanceWindowRow, page, by="starts_at", account_id=account_id)


async def held_back(session: AsyncSession, account_id: str, after: datetime, until: datetime) -> HeldBack:
    """What fires and is held back at ``after``; of the windows that end by ``until``, the first one's end.

    What a window held back is opened where it ends, so a clock that is moved stops there.
    """
    row = await (await driver(session)).fetchrow(_WINDOWS, account_id, after, until)
    if row is None:
        raise LookupError("a SELECT without FROM gives a row")
    return HeldBack(row["opening"], row["ends"])
