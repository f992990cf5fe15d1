"""Making, changing and removing regions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.calendars.daytime import daytime_region
from app.core.db.session import memory_of
from app.core.ids import new_id
from app.core.problems import Conflict, Fault, Invalid
from app.core.schemas.mailboxes import STORED
from app.core.text.messages import _
from app.core.zones import load_zone, time_zones
from app.roster import shifts
from app.roster.models import CalendarTokenRow, EngineerRow, RegionRow
from app.roster.sandboxes import check_owner
from app.roster.schemas import NewRegion, Region, RegionFields
from app.roster.wakes import wake_routed

_LOCKED_TO: Final = text("""
SELECT EXISTS (
    SELECT FROM accounts AS a WHERE a.region_lock = :key
    AND CASE WHEN a.sandbox_now IS NOT NULL THEN a.account_id END IS NOT DISTINCT FROM cast(:owner AS text)
) OR EXISTS (
    SELECT FROM tickets AS t WHERE t.region_lock = :key AND t.status <> 'closed'
    AND CASE WHEN t.sandbox THEN t.account_id END IS NOT DISTINCT FROM cast(:owner AS text)
)
""")


async def create_region(session: AsyncSession, command: NewRegion, *, now: datetime) -> RegionRow:
    """A new region. 409 when there is one with its key; 422 for a live account or a faulty calendar."""
    await check_owner(session, command.account_id, _("Only a sandbox account has regions of its own"))
    region = RegionRow(
        id=new_id("reg"),
        account_id=command.account_id,
        key=command.key,
        name=command.name,
        place=command.place,
        calendar=await shifts.stored(command.calendar, "/calendar", now),
        version=1,
        created_at=now,
        updated_at=now,
    )
    session.add(region)
    try:
        await session.flush()
    except IntegrityError as error:
        raise Conflict(_("There already is a region {key}", key=command.key)) from error
    return region


async def update_region(session: AsyncSession, region: RegionRow, fields: RegionFields, *, now: datetime) -> None:
    """Write the region's new fields; 422 for a faulty calendar."""
    region.name, region.place = fields.name, fields.place
    region.calendar = await shifts.stored(fields.calendar, "/calendar", now)
    region.version += 1
    region.updated_at = now
    await session.flush()
    await wake_routed(session, region.account_id)


async def delete_region(session: AsyncSession, region: RegionRow) -> None:
    """Remove a region. 409 while an engineer works in it, or an account or an open ticket is locked to it (G7)."""
    used = select(EngineerRow.id).where(
        EngineerRow.region == region.key, EngineerRow.account_id.is_not_distinct_from(region.account_id)
    )
    if await session.scalar(used.limit(1)):
        raise Conflict(_("Engineers work in this region"))
    if await session.scalar(_LOCKED_TO, {"key": region.key, "owner": region.account_id}):
        raise Conflict(_("Accounts or open tickets are locked to this region"))
    await session.execute(delete(CalendarTokenRow).where(CalendarTokenRow.subject_id == region.id))
    await session.delete(region)
    await session.flush()


async def check_region(session: AsyncSession, key: str, account_id: str | None, place: str) -> None:
    """422, at ``place``, unless the region exists: among the live ones, or a sandbox account's own."""
    known = select(RegionRow.id).where(RegionRow.key == key, RegionRow.account_id.is_not_distinct_from(account_id))
    if await session.scalar(known) is None:
        raise Invalid(errors=[Fault(pointer=place, detail=_("There is no region {key}", key=key))])


@dataclass(frozen=True, slots=True)
class Lock:
    """The region to which a ticket is locked, and the time zone where it was chosen by one (G7)."""

    region: str | None = None
    time_zone: str | None = None


async def locked_to(
    session: AsyncSession, wanted: str, account_id: str | None, now: datetime, place: str | None
) -> Lock:
    """What a wish means: a region's key, or a time zone and the region that works in its daytime.

    Of the live regions, or a sandbox account's own. 422, at ``place``, for what is neither, and for a zone in whose
    daytime no region works; without a ``place`` there is no region then.
    """
    query = select(RegionRow.key, RegionRow.calendar).where(RegionRow.account_id.is_not_distinct_from(account_id))
    rows = (await session.execute(query.order_by(RegionRow.place, RegionRow.id))).all()
    if any(row.key == wanted for row in rows):
        return Lock(wanted)
    is_zone = wanted in time_zones()
    regions = {row.key: shifts.compiled(memory_of(session), row.calendar) for row in rows} if is_zone else {}
    found = daytime_region(regions, load_zone(wanted), now) if is_zone else None
    if found is None and place is not None:
        detail = (
            _("No region works in the daytime of {zone}", zone=wanted)
            if is_zone
            else _("There is no region {key}", key=wanted)
        )
        raise Invalid(errors=[Fault(pointer=place, detail=detail)])
    return Lock(found, wanted if is_zone else None)


def fields_of(region: RegionRow) -> dict[str, Any]:
    """What can be written about the region, as it is now: what a merge patch is applied to."""
    fields = RegionFields.model_validate(region, from_attributes=True, extra="ignore", context=STORED)
    return fields.model_dump(mode="json", exclude_none=True)


def region_name(region: RegionRow) -> dict[str, Any]:
    """The region as customers see it."""
    return {"key": region.key, "name": region.name}


def region_document(region: RegionRow) -> dict[str, Any]:
    """The region as the API shows it."""
    return Region.model_validate(region, context=STORED).model_dump()
