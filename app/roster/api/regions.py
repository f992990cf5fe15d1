"""``/v1/regions``: where engineers work, in the order of the sun."""

from functools import partial
from typing import Annotated, Final

from fastapi import Query, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import database_now
from app.core.limits.places import take_place
from app.core.problems import Conflict, NotFound, QuotaExceeded
from app.core.web.kit.deps import require_account
from app.core.web.kit.merge_patch import PatchDep
from app.core.web.kit.operations import AdminCall, CallDep, Document, Patching, ResourceRouter, SupportCall
from app.core.web.kit.paging import PageDep
from app.core.web.kit.visits import EVERYBODY
from app.roster import queries
from app.roster.models import RegionRow
from app.roster.quotas import REGIONS
from app.roster.schemas import ListedRegion, NewRegion, Region, RegionFields
from app.roster.usecases import regions
from app.roster.usecases.regions import region_document, region_name

router = ResourceRouter("regions", prefix="/v1/regions", tags=["Roster"])
_PATCHING: Final = Patching(RegionFields, regions.fields_of, regions.update_region, region_document)


@router.create("", Region, problems=[Conflict, QuotaExceeded])
async def create_region(call: AdminCall, body: NewRegion) -> Response:
    """Create a region.

    Admin keys only. Its calendar is the shift of its engineers that have none of their own. 409 names the quota if a
    sandbox account has as many regions as it is allowed.
    """

    async def create(session: AsyncSession) -> Document:
        if body.account_id:
            await take_place(session, REGIONS, call.state.settings, body.account_id)
        return region_document(await regions.create_region(session, body, now=await database_now(session)))

    return await call.once(create)


@router.list("", ListedRegion, problems=[NotFound], visitors=EVERYBODY)
async def list_regions(
    call: CallDep, page: PageDep, account_id: Annotated[str | None, Query(max_length=40)] = None
) -> Response:
    """List regions.

    In the order of the sun: the live ones, or a sandbox account's own. Customers see the keys and names of those to
    which their tickets can be locked.
    """
    if call.principal.is_support:
        query = partial(queries.regions_page, page=page, account_id=account_id)
        return await call.page(page, query, place=_place, document=region_document)
    if account_id:
        require_account(call.principal, account_id)
    serving = partial(queries.serving_regions, page=page, account_id=call.principal.account_id)
    return await call.page(page, serving, place=_place, document=region_name)


def _place(region: RegionRow) -> tuple[int, str]:
    return region.place, region.id


@router.show("/{region_id}", Region)
async def get_region(call: SupportCall, region_id: str) -> Response:
    """Get a region.

    For support.
    """

    async def get(session: AsyncSession) -> Document:
        return region_document(await queries.region_by_id(session, region_id))

    return await call.read(get)


@router.update("/{region_id}", Region, RegionFields, {"place": 3})
async def update_region(call: AdminCall, region_id: str, patch: PatchDep) -> Response:
    """Update a region.

    A JSON Merge Patch (RFC 7396); admin keys only.
    """
    return await call.patch(patch, _PATCHING, partial(queries.region_by_id, region_id=region_id, lock=True))


@router.delete("/{region_id}", problems=[Conflict], if_match=True)
async def delete_region(call: AdminCall, region_id: str) -> Response:
    """Delete a region.

    Admin keys only; 409 while engineers work in it.
    """

    async def remove(session: AsyncSession) -> None:
        region = await queries.region_by_id(session, region_id, lock=True)
        call.require_match(region.version)
        await regions.delete_region(session, region)

    return await call.delete(remove)
