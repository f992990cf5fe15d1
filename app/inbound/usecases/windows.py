"""What is done with maintenance windows: created, moved, ended early, cancelled."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import AccountRow
from app.core.auth import Actor, Principal, for_customers
from app.core.db.session import ring_after_commit
from app.core.db.statements.housekeeping import keep_newest
from app.core.ids import new_id
from app.core.problems import Conflict, Fault, Invalid
from app.core.text.messages import _
from app.events.event import Event
from app.events.types import MaintenanceEnded, MaintenanceStarted
from app.inbound.maintenance import schemas
from app.inbound.maintenance.models import MaintenanceWindowRow
from app.inbound.maintenance.schemas import MaintenanceWindowFields, NewMaintenanceWindow
from app.webhooks.outbox.telling import tell

LONGEST: Final = timedelta(days=31)
KEPT: Final = 1000
"""Windows of an account that are kept after they have ended or were cancelled: those whose time is the latest."""
_OVER: Final = "due_at IS NULL"
_HOOKS: Final = text("""
SELECT EXISTS (SELECT FROM hooks WHERE account_id = :account_id
               AND (cast(:hook_id AS text) IS NULL OR id = :hook_id)
               AND (cast(:product AS text) IS NULL OR fields->>'product' = :product))
""")


def window_document(window: MaintenanceWindowRow, principal: Principal) -> dict[str, Any]:
    """The public form, as this caller sees it."""
    document = schemas.MaintenanceWindow.model_validate(window).model_dump()
    by = window.created_by
    return document | {"created_by": by if principal.is_support else for_customers(by)}


async def create_window(
    session: AsyncSession, account: AccountRow, command: NewMaintenanceWindow, actor: Actor, *, now: datetime
) -> MaintenanceWindowRow:
    """A new window; ``now`` is real time. 422 for a time that is over or too long, an unknown hook or product."""
    present = account.sandbox_now or now
    _check_span(command, present)
    await _check_scope(session, account.account_id, command)
    window = MaintenanceWindowRow(
        account_id=account.account_id,
        id=new_id("mnt"),
        hook_id=command.hook_id,
        product=command.product,
        reason=command.reason,
        starts_at=command.starts_at,
        ends_at=command.ends_at,
        created_by=actor.document(),
        sandbox=account.sandbox_now is not None,
        due_at=command.starts_at,
        version=1,
        created_at=now,
        updated_at=now,
    )
    session.add(window)
    await session.flush()
    await keep_newest(session, MaintenanceWindowRow, _OVER, "ends_at", KEPT, account_id=account.account_id)
    if command.starts_at <= present:
        await start(session, window, actor, now=now)
    ring_after_commit(session, "maintenance")
    return window


async def update_window(
    session: AsyncSession,
    window: MaintenanceWindowRow,
    fields: MaintenanceWindowFields,
    *,
    present: datetime,
    now: datetime,
) -> None:
    """Move a window, or say another reason; ``present`` is the account's instant.

    409 for one that is over, and for another start of one that has begun; 422 as when one is made.
    """
    _require_open(window, present)
    if window.started_at and fields.starts_at != window.starts_at:
        raise Conflict(_("The window has begun: only its end can be moved"))
    _check_span(fields, present)
    window.starts_at, window.ends_at, window.reason = fields.starts_at, fields.ends_at, fields.reason
    window.due_at = window.ends_at if window.started_at else window.starts_at
    await _touch(session, window, now)


async def end_window(session: AsyncSession, window: MaintenanceWindowRow, *, present: datetime, now: datetime) -> None:
    """End a window that is open, at once. 409 for one that has not begun, or is over."""
    _require_open(window, present)
    if window.starts_at > present:
        raise Conflict(_("The window has not begun: cancel it"))
    window.ends_at = window.due_at = present
    await _touch(session, window, now)


async def cancel_window(
    session: AsyncSession, window: MaintenanceWindowRow, *, present: datetime, now: datetime
) -> None:
    """Take back a window that has not begun, and end one that has. 409 for one that is over."""
    _require_open(window, present)
    if window.started_at or window.starts_at <= present:
        return await end_window(session, window, present=present, now=now)
    window.cancelled_at, window.due_at = now, None
    return await _touch(session, window, now)


async def start(session: AsyncSession, window: MaintenanceWindowRow, actor: Actor, *, now: datetime) -> None:
    """Note that the window is open, and tell it."""
    window.started_at, window.due_at = now, window.ends_at
    await session.flush()
    data = MaintenanceStarted(**_facts(window))
    await tell(session, window.account_id, Event(window.starts_at, data, actor), sandbox=window.sandbox)


async def note_end(session: AsyncSession, window: MaintenanceWindowRow, still_firing: int, *, now: datetime) -> None:
    """Note that the window is over, and tell it. What it held back is opened next."""
    window.ended_at = window.updated_at = now
    await session.flush()
    data = MaintenanceEnded(**_facts(window), still_firing=still_firing)
    await tell(session, window.account_id, Event(window.ends_at, data), sandbox=window.sandbox)


def _facts(window: MaintenanceWindowRow) -> dict[str, Any]:
    names = ("hook_id", "product", "reason", "starts_at", "ends_at")
    return {"window_id": window.id} | {name: getattr(window, name) for name in names}


async def _touch(session: AsyncSession, window: MaintenanceWindowRow, now: datetime) -> None:
    window.version, window.updated_at = window.version + 1, now
    await session.flush()
    ring_after_commit(session, "maintenance")


def _require_open(window: MaintenanceWindowRow, present: datetime) -> None:
    if window.cancelled_at:
        raise Conflict(_("The window was cancelled"))
    if window.ended_at or window.ends_at <= present:
        raise Conflict(_("The window is over"))


def _check_span(fields: MaintenanceWindowFields, present: datetime) -> None:
    faults = []
    if fields.ends_at <= fields.starts_at:
        faults.append(Fault(pointer="/ends_at", detail=_("A window ends after it starts")))
    elif fields.ends_at - fields.starts_at > LONGEST:
        faults.append(Fault(pointer="/ends_at", detail=_("A window lasts at most {days} days", days=LONGEST.days)))
    elif fields.ends_at <= present:
        faults.append(Fault(pointer="/ends_at", detail=_("The window would be over already")))
    if faults:
        raise Invalid(errors=faults)


async def _check_scope(session: AsyncSession, account_id: str, command: NewMaintenanceWindow) -> None:
    if command.hook_id is None and command.product is None:
        return
    scope = {"account_id": account_id, "hook_id": command.hook_id, "product": command.product}
    if not (await session.execute(_HOOKS, scope)).scalar_one():
        if command.hook_id:
            raise Invalid(errors=[Fault(pointer="/hook_id", detail=_("The account has no such hook"))])
        raise Invalid(errors=[Fault(pointer="/product", detail=_("The account has no hook of this product"))])
