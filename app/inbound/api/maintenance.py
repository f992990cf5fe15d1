"""``/v1/maintenance-windows``: when alerts are not to open anything."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Any, TypeAlias

from fastapi import Path, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import Acting, as_editor, editor
from app.accounts.queries import account_by_id
from app.core.clock import database_now
from app.core.limits.places import take_place
from app.core.problems import Conflict, NotFound, QuotaExceeded
from app.core.schemas.shared import ActorRef
from app.core.web.kit.merge_patch import PatchDep
from app.core.web.kit.operations import AccountScope, ActorDep, Call, CallDep, Document, ResourceRouter, account_of
from app.core.web.kit.paging import PageDep
from app.inbound.maintenance.schemas import MaintenanceWindow, MaintenanceWindowFields, NewMaintenanceWindow, WindowId
from app.inbound.quotas import WINDOWS
from app.inbound.read import windows as queries
from app.inbound.usecases import windows
from app.inbound.usecases.windows import window_document

router = ResourceRouter("maintenance", prefix="/v1/maintenance-windows", tags=["Hooks"])
WindowPath = Annotated[WindowId, Path(description="The window's id")]
_Change: TypeAlias = Callable[..., Awaitable[None]]


@router.create("", MaintenanceWindow, problems=[NotFound, QuotaExceeded])
async def create_maintenance_window(call: CallDep, body: NewMaintenanceWindow) -> Response:
    """Create a maintenance window.

    For support, and for the account's editors and owners. Alerts of the hook, of the product's hooks or of the whole
    account are kept as receipts while it is open, and open nothing. Alerts that still fire when the last window that
    holds them back ends open tickets then. 409 names the quota if the account has as many windows as it is allowed.
    """
    account_id = account_of(call.principal, body.account_id)

    async def create(session: AsyncSession, who: Acting) -> Document:
        account = await account_by_id(session, account_id)
        await take_place(session, WINDOWS, call.state.settings, account_id)
        now = await database_now(session)
        window = await windows.create_window(session, account, body, who.actor, now=now)
        return window_document(window, call.principal)

    return await call.once_as(as_editor(call.principal, body.actor), create)


@router.list("", MaintenanceWindow, problems=[NotFound])
async def list_maintenance_windows(call: CallDep, page: PageDep, account_id: AccountScope) -> Response:
    """List maintenance windows.

    By their start, including those that are over. All of them for support; an account's key sees its own account's.
    """
    query = partial(queries.windows_page, page=page, account_id=account_id)
    document = partial(window_document, principal=call.principal)
    return await call.page(page, query, place=lambda row: (row.starts_at, row.id), document=document)


@router.show("/{window_id}", MaintenanceWindow)
async def get_maintenance_window(call: CallDep, window_id: WindowPath) -> Response:
    """Get a maintenance window."""

    async def get(session: AsyncSession) -> Document:
        return window_document(await queries.window_by_id(session, call.principal, window_id), call.principal)

    return await call.read(get)


@router.update(
    "/{window_id}",
    MaintenanceWindow,
    MaintenanceWindowFields,
    {"reason": "Database upgrade, second part"},
    problems=[Conflict],
)
async def update_maintenance_window(call: CallDep, window_id: WindowPath, patch: PatchDep, actor: ActorDep) -> Response:
    """Update a maintenance window.

    A JSON Merge Patch (RFC 7396). Once it has begun only its end and its reason can be changed: 409 otherwise, and
    when it is over.
    """

    async def change(session: AsyncSession, window: Any, *, present: datetime, now: datetime) -> None:
        before = {name: getattr(window, name) for name in MaintenanceWindowFields.model_fields}
        fields = call.patched(patch, MaintenanceWindowFields, before, window.version)
        await windows.update_window(session, window, fields, present=present, now=now)

    return await call.write(_changing(call, window_id, actor, change))


@router.action("/{window_id}/end", MaintenanceWindow, problems=[Conflict], if_match=True)
async def end_maintenance_window(call: CallDep, window_id: WindowPath, actor: ActorDep) -> Response:
    """End a maintenance window early.

    Alerts that still fire, and that no other window holds back, open tickets at once. 409 for one that has not begun,
    or is over.
    """
    return await call.write(_changing(call, window_id, actor, windows.end_window))


@router.delete("/{window_id}", problems=[Conflict], if_match=True)
async def delete_maintenance_window(call: CallDep, window_id: WindowPath, actor: ActorDep) -> Response:
    """Delete a maintenance window.

    One that has not begun stays in the list, as cancelled; one that has is ended at once. 409 when it is over.
    """
    return await call.delete(_changing(call, window_id, actor, windows.cancel_window))


def _changing(
    call: Call, window_id: str, actor: ActorRef | None, change: _Change
) -> Callable[[AsyncSession], Awaitable[Document]]:
    async def work(session: AsyncSession) -> Document:
        window = await queries.window_by_id(session, call.principal, window_id, lock=True)
        await editor(session, call.principal, actor)
        call.require_match(window.version)
        now = await database_now(session)
        await change(session, window, present=await queries.present_of(session, window.account_id, now), now=now)
        return window_document(window, call.principal)

    return work
