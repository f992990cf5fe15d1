"""``/v1/maintenance-windows``: when alerts are not to open anything."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Path, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import editor, named
from app.accounts.queries import account_by_id
from app.core.auth import Principal
from app.core.clock import database_now
from app.core.db.places import take_place
from app.core.db.session import transaction
from app.core.problems import (
    Conflict,
    Fault,
    IdempotencyMismatch,
    Invalid,
    NotFound,
    PreconditionFailed,
    QuotaExceeded,
    RequestInFlight,
)
from app.core.schemas import Email, Listing
from app.core.state import State, StateDep
from app.core.text.messages import _
from app.core.web.deps import ActorQuery, PrincipalDep, require_account
from app.core.web.http import IF_MATCH, Router, check_if_match, etag, reply, responses
from app.core.web.idempotency import IDEMPOTENT, Answer, once
from app.core.web.merge_patch import PatchDep, merge_patch, patch_body, patched
from app.core.web.paging import PageDep, listing
from app.inbound.maintenance.schemas import MaintenanceWindow, WindowCreate, WindowFields, WindowId
from app.inbound.quotas import WINDOWS
from app.inbound.read import windows as queries
from app.inbound.usecases import windows
from app.inbound.usecases.windows import window_document

router = Router(prefix="/v1/maintenance-windows", tags=["Hooks"])
WindowPath = Annotated[WindowId, Path(description="The window's id")]
_CREATED: Final = responses(NotFound, QuotaExceeded, RequestInFlight, IdempotencyMismatch)
_CHANGED: Final = responses(NotFound, Conflict, PreconditionFailed)
_PATCH: Final = patch_body(WindowFields, {"reason": "Database upgrade, second part"}) | IF_MATCH
_Change = Callable[..., Awaitable[None]]


@router.post(
    "",
    scope="maintenance:write",
    status_code=201,
    response_model=MaintenanceWindow,
    responses=_CREATED,
    openapi_extra=IDEMPOTENT,
)
async def create_maintenance_window(
    request: Request, state: StateDep, principal: PrincipalDep, body: WindowCreate
) -> Response:
    """Create a maintenance window.

    For support, and for the account's editors and owners. Alerts of the hook, of the product's hooks or of the whole
    account are kept as receipts while it is open, and open nothing. What still fires when the last window that holds
    it back ends is opened then. 409 names the quota where the account has as many windows as it may.
    """
    account_id = body.account_id or principal.account_id
    if account_id is None:
        raise Invalid(errors=[Fault(pointer="/account_id", detail=_("A window needs an account"))])
    require_account(principal, account_id)

    async def work(session: AsyncSession) -> Answer:
        who = await editor(session, principal, body.actor)
        account = await account_by_id(session, account_id)
        await take_place(session, WINDOWS, state.settings, account_id)
        window = await windows.create_window(session, account, body, who.actor, now=await database_now(session))
        return Answer(window_document(window), headers=etag(window.version))

    return await once(request, state, principal, work, may=lambda session: editor(session, principal, body.actor))


@router.get("", scope="maintenance:read", response_model=Listing[MaintenanceWindow], responses=responses(NotFound))
async def list_maintenance_windows(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    page: PageDep,
    account_id: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """List maintenance windows.

    By their start, those that are over too. All of them for support; an account's key sees its own account's.
    """
    wanted = account_id or principal.account_id
    if wanted:
        require_account(principal, wanted)
    async with state.sessions() as session:
        rows = await queries.windows_page(session, page, wanted)
    return listing(request, page, rows, place=lambda row: (row.starts_at, row.id), document=window_document)


@router.get("/{window_id}", scope="maintenance:read", response_model=MaintenanceWindow, responses=responses(NotFound))
async def get_maintenance_window(state: StateDep, principal: PrincipalDep, window_id: WindowPath) -> Response:
    """Get a maintenance window."""
    async with state.sessions() as session:
        window = await queries.window_by_id(session, principal, window_id)
    return reply(window_document(window), headers=etag(window.version))


@router.patch(
    "/{window_id}",
    scope="maintenance:write",
    response_model=MaintenanceWindow,
    responses=_CHANGED,
    openapi_extra=_PATCH,
)
async def update_maintenance_window(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    window_id: WindowPath,
    patch: PatchDep,
    actor: ActorQuery = None,
) -> Response:
    """Update a maintenance window.

    A JSON Merge Patch (RFC 7396). Once it has begun only its end and its reason can be changed: 409 otherwise, and
    when it is over.
    """

    async def change(session: AsyncSession, window: Any, *, present: datetime, now: datetime) -> None:
        before = {name: getattr(window, name) for name in WindowFields.model_fields}
        fields = patched(WindowFields, merge_patch(before, patch))
        await windows.change_window(session, window, fields, present=present, now=now)

    return await _changed(request, state, principal, window_id, actor, change)


@router.post(
    "/{window_id}/end",
    scope="maintenance:write",
    response_model=MaintenanceWindow,
    responses=_CHANGED,
    openapi_extra=IF_MATCH,
)
async def end_maintenance_window(
    request: Request, state: StateDep, principal: PrincipalDep, window_id: WindowPath, actor: ActorQuery = None
) -> Response:
    """End a maintenance window early.

    What still fires, and no other window holds back, is opened at once. 409 for one that has not begun, or is over.
    """
    return await _changed(request, state, principal, window_id, actor, windows.end_window)


@router.delete(
    "/{window_id}",
    scope="maintenance:write",
    status_code=204,
    response_class=Response,
    responses=_CHANGED,
    openapi_extra=IF_MATCH,
)
async def cancel_maintenance_window(
    request: Request, state: StateDep, principal: PrincipalDep, window_id: WindowPath, actor: ActorQuery = None
) -> Response:
    """Cancel a maintenance window.

    One that has not begun stays in the list, as cancelled; one that has is ended at once. 409 when it is over.
    """
    await _changed(request, state, principal, window_id, actor, windows.cancel_window)
    return Response(status_code=204)


async def _changed(
    request: Request, state: State, principal: Principal, window_id: str, actor: Email | None, change: _Change
) -> Response:
    async with transaction(state.sessions) as session:
        window = await queries.window_by_id(session, principal, window_id, lock=True)
        await editor(session, principal, named(actor))
        check_if_match(request, window.version)
        now = await database_now(session)
        await change(session, window, present=await queries.present_of(session, window.account_id, now), now=now)
    return reply(window_document(window), headers=etag(window.version))
