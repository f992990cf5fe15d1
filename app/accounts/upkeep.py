"""What keeps the terms of accounts good for years: the holidays of their countries."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy import func, select, update

from app.accounts.models import AccountRow
from app.core.clock import database_now
from app.core.db.engine import Sessions
from app.core.db.session import transaction
from app.core.jobs.apart import apart
from app.core.metrics import Metrics
from app.core.problems import Invalid
from app.plans.holidays import extend_holidays
from app.plans.models import HolidaySetRow, PlanVersionRow
from app.plans.store import extend_version

_JOB: Final = "extend holidays"
_log = structlog.get_logger(__name__)


async def extend_all_holidays(sessions: Sessions, metrics: Metrics | None = None) -> None:
    """See to it that every ticket to be opened knows the holidays of years to come (C01).

    Accounts get another set, plans another version. What open tickets pinned stays as it is (C14). A place that the
    ``holidays`` library does not know any more keeps what it has; this is logged. What fails for one plan or set ends
    no other.
    """
    for key in await _plans(sessions):
        with apart(_JOB, metrics, plan=key):
            await _extend_plan(sessions, key)
    for name, now in (await _sets_in_use(sessions)).items():
        with apart(_JOB, metrics, holiday_set=name):
            await _extend_set(sessions, name, now)


async def _plans(sessions: Sessions) -> Sequence[str]:
    """The keys of all plans that are in force."""
    async with sessions() as session:
        query = (
            select(PlanVersionRow.key)
            .where(PlanVersionRow.archived_at.is_(None))
            .distinct()
            .order_by(PlanVersionRow.key)
        )
        return (await session.scalars(query)).all()


async def _extend_plan(sessions: Sessions, key: str) -> None:
    try:
        async with transaction(sessions) as session:
            await extend_version(session, key, await database_now(session))
    except Invalid as error:
        _log.warning("the holidays of a plan cannot be extended", plan=key, error=str(error.errors))


async def _sets_in_use(sessions: Sessions) -> dict[str, datetime]:
    """The sets of all accounts, each with the latest instant among its accounts' clocks."""
    now = func.max(func.coalesce(AccountRow.sandbox_now, func.clock_timestamp()))
    used = (
        select(AccountRow.holiday_set, now).where(AccountRow.holiday_set.is_not(None)).group_by(AccountRow.holiday_set)
    )
    async with transaction(sessions) as session:
        return {str(name): latest for name, latest in await session.execute(used)}


async def _extend_set(sessions: Sessions, name: str, now: datetime) -> None:
    try:
        async with transaction(sessions) as session:
            found = (await session.scalars(select(HolidaySetRow).where(HolidaySetRow.id == name))).one()
            longer = await extend_holidays(session, found, now)
            if longer.id != name:
                moved = update(AccountRow).where(AccountRow.holiday_set == name).values(holiday_set=longer.id)
                await session.execute(moved)
    except ValueError as error:
        _log.warning("the holidays of accounts cannot be extended", holiday_set=name, error=str(error))
