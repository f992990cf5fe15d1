"""What keeps shifts good for years: the holidays of the countries that they name."""

from datetime import datetime
from typing import Any, Final

import structlog
from sqlalchemy import select

from app.core.clock import database_now
from app.core.db.engine import Sessions
from app.core.db.session import transaction
from app.core.jobs.apart import apart
from app.core.metrics import Metrics
from app.plans.document.parsing.expansion import HolidayFault
from app.roster import shifts
from app.roster.models import EngineerRow, RegionRow

_JOB: Final = "extend shifts"
_log = structlog.get_logger(__name__)


async def extend_shift_holidays(sessions: Sessions, metrics: Metrics | None = None) -> None:
    """Add the years to come to the shifts of regions and engineers that name a country (C01).

    What a shift has says the same afterwards. A place that the ``holidays`` library does not know any more keeps what
    it has; this is logged. What fails for one region or engineer ends no other.
    """
    async with sessions() as session:
        regions = (await session.scalars(select(RegionRow.id).order_by(RegionRow.id))).all()
        engineers = (
            await session.scalars(
                select(EngineerRow.id).where(EngineerRow.shifts.is_not(None)).order_by(EngineerRow.id)
            )
        ).all()
    for region_id in regions:
        with apart(_JOB, metrics, region=region_id):
            await _extend_region(sessions, region_id)
    for engineer_id in engineers:
        with apart(_JOB, metrics, engineer=engineer_id):
            await _extend_engineer(sessions, engineer_id)


async def _extend_region(sessions: Sessions, region_id: str) -> None:
    async with transaction(sessions) as session:
        now = await database_now(session)
        region = await session.get(RegionRow, region_id, with_for_update=True)
        if region and (longer := _longer(region.calendar, region.updated_at, now, region_id)):
            region.calendar, region.updated_at = longer, now


async def _extend_engineer(sessions: Sessions, engineer_id: str) -> None:
    async with transaction(sessions) as session:
        now = await database_now(session)
        engineer = await session.get(EngineerRow, engineer_id, with_for_update=True)
        if engineer and engineer.shifts and (longer := _longer(engineer.shifts, engineer.updated_at, now, engineer_id)):
            engineer.shifts, engineer.updated_at = longer, now


def _longer(calendar: dict[str, Any], since: datetime, now: datetime, owner: str) -> dict[str, Any] | None:
    """The calendar, stored at ``since``, with further years; None when it reaches far enough, or names no country."""
    try:
        return shifts.extended(calendar, since, now)
    except HolidayFault as fault:
        _log.warning("the holidays of a shift cannot be extended", owner=owner, error=str(fault))
        return None
