"""What keeps shifts good for years: the holidays of the countries that they name."""

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import select

from app.core.clock import database_now
from app.core.db import Sessions, transaction
from app.plans.expansion import HolidayFault
from app.roster import shifts
from app.roster.models import Engineer, Region

_log = structlog.get_logger(__name__)


async def extend_shift_holidays(sessions: Sessions) -> None:
    """Add the years to come to the shifts of regions and engineers that name a country (C01).

    What a shift has says the same afterwards. A place that the ``holidays`` library does not know any more keeps what
    it has; this is logged.
    """
    async with transaction(sessions) as session:
        now = await database_now(session)
        for region in await session.scalars(select(Region).order_by(Region.id).with_for_update()):
            if longer := _longer(region.calendar, region.updated_at, now, region.id):
                region.calendar, region.updated_at = longer, now
        for engineer in await session.scalars(select(Engineer).order_by(Engineer.id).with_for_update()):
            if engineer.shifts and (longer := _longer(engineer.shifts, engineer.updated_at, now, engineer.id)):
                engineer.shifts, engineer.updated_at = longer, now


def _longer(calendar: dict[str, Any], since: datetime, now: datetime, owner: str) -> dict[str, Any] | None:
    """The calendar, stored at ``since``, with further years; None when it reaches far enough, or names no country."""
    try:
        return shifts.extended(calendar, since, now)
    except HolidayFault as fault:
        _log.warning("the holidays of a shift cannot be extended", owner=owner, error=str(fault))
        return None
