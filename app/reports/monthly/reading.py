"""The figures of a monthly report, read as the account's own reports are."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import AccountRow
from app.accounts.queries import account_by_id
from app.core.db.session import memory_of
from app.core.problems import Fault, Invalid
from app.core.text.language import Language
from app.core.text.messages import _
from app.core.web.kit.paging import Page
from app.core.zones import load_zone
from app.plans.document.names import METRICS
from app.plans.document.naming import NO_NAMES, names_of
from app.plans.store import current_documents
from app.reports.asked import Asked, Grouping, Narrowing
from app.reports.monthly.months import Month
from app.reports.monthly.schemas import MonthlyReport
from app.reports.read import listing
from app.reports.read.attainment import attainment
from app.reports.read.grouping import Groups
from app.reports.read.volume import volume
from app.sla.clock.terms import METRIC_ORDER

SHOWN: Final = 20
"""Promises that are listed, of those that were not kept in time."""
_MONTHS: Final = 6
_LATE: Final = ("met_late", "missed")
_SUMMED: Final = ("promised", "met", "met_late", "missed", "open")


async def monthly_report(
    session: AsyncSession, account_id: str, month: Month, language: Language, now: datetime
) -> MonthlyReport:
    """The report, the same for whoever reads it. 404 for an account that is not there, 422 for a month to come."""
    account = await account_by_id(session, account_id)
    zone = load_zone(account.time_zone)
    since, until = month.period(zone)
    if since > (account.sandbox_now or now):
        raise Invalid(errors=[Fault(pointer="#/path/month", detail=_("This month has not begun yet"))])
    asked = Asked(since, until, account_id, is_support=False, narrowing=Narrowing())
    by_metric = await attainment(session, _by(asked, account, "metric"))
    total = _sum(by_metric["items"])
    months = Asked(month.after(1 - _MONTHS).period(zone)[0], until, account_id, is_support=False, narrowing=Narrowing())
    weeks = await volume(session, _by(asked, account, bucket="week"))
    tickets = {name: sum(each[name] for each in weeks["items"]) for name in ("opened", "resolved", "reopened")}
    plan, by_priority = await _by_priority(session, account, asked, language)
    return MonthlyReport.model_validate(
        {
            "since": since,
            "until": until,
            "time_zone": account.time_zone,
            "counted_until": by_metric["counted_until"],
            "left_out": by_metric["left_out"],
            "account_id": account_id,
            "account": account.name,
            "plan": plan,
            "month": str(month),
            "total": total,
            "by_metric": _metrics(by_metric["items"], language),
            "by_priority": by_priority,
            "months": await _months(session, account, months, month),
            "weeks": _weeks(_by(asked, account, bucket="week"), weeks["items"]),
            **tickets,
            "escalated": sum(each["escalated"] for each in weeks["items"]),
            "late": await _late(session, asked, language),
            "late_in_all": total["met_late"] + total["missed"],
        }
    )


def _by(asked: Asked, account: AccountRow, *dimensions: Any, bucket: Any = None) -> Asked:
    return asked.with_part(Grouping([*dimensions], bucket, account.time_zone))


def _sum(items: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    rows = list(items)
    counts: dict[str, Any] = {name: sum(row[name] for row in rows) for name in _SUMMED}
    decided = counts["met"] + counts["met_late"] + counts["missed"]
    return counts | {"attained": round(counts["met"] / decided, 6) if decided else None}


def _metrics(items: list[dict[str, Any]], language: Language) -> list[dict[str, Any]]:
    found = [
        item | {"metric": (key := item["group"]["metric"]), "name": METRICS[key].to(language)}
        for item in items
        if item["promised"]
    ]
    return sorted(found, key=lambda item: METRIC_ORDER[item["metric"]])


async def _by_priority(
    session: AsyncSession, account: AccountRow, asked: Asked, language: Language
) -> tuple[str, list[dict[str, Any]]]:
    """What the account's plan is called, and what became of the promises of each priority, in the plan's order."""
    plans = await current_documents(session, memory_of(session), [account.plan])
    document = plans.get(account.plan)
    names = names_of(document) if document else NO_NAMES
    known = {key: name.to(language) for key, name in names.priorities.items()}
    order = {key: place for place, key in enumerate(known)}
    items = (await attainment(session, _by(asked, account, "priority")))["items"]
    found = [
        item | {"priority": (key := item["group"]["priority"]), "name": known.get(key, key)}
        for item in items
        if item["promised"]
    ]
    called = names.plan.to(language) if names.plan else account.plan
    return called, sorted(found, key=lambda item: (order.get(item["priority"], len(order)), item["priority"]))


async def _months(session: AsyncSession, account: AccountRow, asked: Asked, last: Month) -> list[dict[str, Any]]:
    items = (await attainment(session, _by(asked, account, bucket="month")))["items"]
    found = {item["group"]["bucket"][:7]: item for item in items}
    names = [str(last.after(place - _MONTHS + 1)) for place in range(_MONTHS)]
    return [_sum([found[name]] if name in found else []) | {"month": name} for name in names]


def _weeks(asked: Asked, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = {item["group"]["bucket"]: item for item in items}
    return [
        {"since": begin} | {name: found[day][name] if day in found else 0 for name in ("opened", "resolved")}
        for day, (begin, _end) in Groups(asked).buckets.items()
    ]


async def _late(session: AsyncSession, asked: Asked, language: Language) -> list[dict[str, Any]]:
    rows = await listing.promises(session, asked, _LATE, Page(limit=SHOWN))
    return [listing.promise(row) | {"name": METRICS[row["metric"]].to(language)} for row in rows[:SHOWN]]
