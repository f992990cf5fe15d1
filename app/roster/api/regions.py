"""``/v1/regions``: where engineers work, in the order of the sun."""

from typing import Annotated, Final

from fastapi import Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import database_now
from app.core.db.places import take_place
from app.core.db.session import transaction
from app.core.problems import (
    Conflict,
    IdempotencyMismatch,
    NotFound,
    PreconditionFailed,
    QuotaExceeded,
    RequestInFlight,
)
from app.core.schemas import Listing
from app.core.state import StateDep
from app.core.web.deps import PrincipalDep, require_admin, require_support
from app.core.web.http import IF_MATCH, Router, check_if_match, etag, reply, responses
from app.core.web.idempotency import IDEMPOTENT, Answer, by_key_alone, once
from app.core.web.merge_patch import PatchDep, merge_patch, patch_body, patched
from app.core.web.paging import PageDep, listing
from app.roster import queries
from app.roster.quotas import REGIONS
from app.roster.schemas import RegionCreate, RegionDocument, RegionFields
from app.roster.usecases import regions
from app.roster.usecases.regions import region_document

router = Router(prefix="/v1/regions", tags=["Roster"])
_CREATED: Final = responses(Conflict, QuotaExceeded, RequestInFlight, IdempotencyMismatch)
_CHANGED: Final = responses(NotFound, PreconditionFailed)
_PATCH: Final = patch_body(RegionFields, {"place": 3}) | IF_MATCH


@router.post(
    "",
    scope="regions:write",
    status_code=201,
    response_model=RegionDocument,
    responses=_CREATED,
    openapi_extra=IDEMPOTENT,
)
async def create_region(request: Request, state: StateDep, principal: PrincipalDep, body: RegionCreate) -> Response:
    """Make a region.

    Admin keys only. Its calendar is the shift of its engineers that have none of their own. 409 names the quota
    where a sandbox account has as many regions as it may.
    """
    require_admin(principal)

    async def work(session: AsyncSession) -> Answer:
        if body.account_id:
            await take_place(session, REGIONS, state.settings, body.account_id)
        region = await regions.create_region(session, body, now=await database_now(session))
        return Answer(region_document(region), headers=etag(region.version))

    return await once(request, state, principal, work, may=by_key_alone)


@router.get("", scope="regions:read", response_model=Listing[RegionDocument], responses=responses())
async def list_regions(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    page: PageDep,
    account_id: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """List regions.

    For support, in the order of the sun: the live ones, or a sandbox account's own.
    """
    require_support(principal)
    async with state.sessions() as session:
        rows = await queries.regions_page(session, page, account_id)
    return listing(request, page, rows, place=lambda row: (row.place, row.id), document=region_document)


@router.get("/{region_id}", scope="regions:read", response_model=RegionDocument, responses=responses(NotFound))
async def get_region(state: StateDep, principal: PrincipalDep, region_id: str) -> Response:
    """Get a region.

    For support.
    """
    require_support(principal)
    async with state.sessions() as session:
        region = await queries.region_by_id(session, region_id)
    return reply(region_document(region), headers=etag(region.version))


@router.patch(
    "/{region_id}", scope="regions:write", response_model=RegionDocument, responses=_CHANGED, openapi_extra=_PATCH
)
async def change_region(
    request: Request, state: StateDep, principal: PrincipalDep, region_id: str, patch: PatchDep
) -> Response:
    """Change a region.

    A JSON Merge Patch (RFC 7396); admin keys only.
    """
    require_admin(principal)
    async with transaction(state.sessions) as session:
        region = await queries.region_by_id(session, region_id, lock=True)
        check_if_match(request, region.version)
        fields = patched(RegionFields, merge_patch(regions.fields_of(region), patch))
        await regions.change_region(session, region, fields, now=await database_now(session))
    return reply(region_document(region), headers=etag(region.version))


@router.delete(
    "/{region_id}",
    scope="regions:write",
    status_code=204,
    response_class=Response,
    responses=responses(NotFound, Conflict, PreconditionFailed),
    openapi_extra=IF_MATCH,
)
async def remove_region(request: Request, state: StateDep, principal: PrincipalDep, region_id: str) -> Response:
    """Remove a region.

    Admin keys only; 409 while engineers work in it.
    """
    require_admin(principal)
    async with transaction(state.sessions) as session:
        region = await queries.region_by_id(session, region_id, lock=True)
        check_if_match(request, region.version)
        await regions.remove_region(session, region)
    return Response(status_code=204)
