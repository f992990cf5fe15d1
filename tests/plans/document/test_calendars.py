"""The worked examples that only need a calendar, on the shipped plans (rules of the SLA clock)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.plans.document.calendars import compile_calendars
from app.plans.document.words import Metric
from tests.support.documents import PLANS

NEW_YORK = ZoneInfo("America/New_York")


def due(plan: str, priority: str, metric: Metric, opened: datetime, *, closed: tuple[date, ...] = ()) -> datetime:
    target = PLANS[plan].target(priority, metric)
    assert target
    calendar = compile_calendars(PLANS[plan], "America/New_York", closed)[PLANS[plan].calendar_name(target)]
    days = target.business_days
    length = target.duration if days is None else calendar.business_days(opened, days)
    assert length
    return calendar.due(opened, length)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


@pytest.mark.parametrize(
    ("plan", "priority", "metric", "opened", "expected"),
    [
        ("zmanda-standard", "P2", "first_response", "2026-11-20T15:30", "2026-11-23T09:30"),
        ("zmanda-standard", "P3", "first_response", "2026-11-23T09:00", "2026-11-23T17:00"),
        ("zmanda-standard", "P4", "first_response", "2026-11-21T12:00", "2026-11-25T14:00"),
        ("wati-business-plus", "P3", "resolution", "2026-11-21T12:00", "2026-11-23T18:00"),
        ("wati-business-plus", "P3", "resolution", "2026-11-24T10:00", "2026-11-25T10:00"),
        ("itil-native", "critical", "update", "2026-11-24T10:10", "2026-11-24T12:10"),
    ],
    ids=["example-1", "example-2", "example-3", "example-5", "example-6", "example-7"],
)
def test_z5_w3_worked_examples(plan: str, priority: str, metric: Metric, opened: str, expected: str) -> None:
    assert due(plan, priority, metric, local(opened)) == local(expected)


def test_w3_worked_example_4_runs_through_the_fall_back() -> None:
    opened = datetime(2026, 11, 1, 5, 45, tzinfo=UTC)
    assert due("wati-business-plus", "P1", "first_response", opened) == opened + timedelta(minutes=30)


def test_w3_a_holiday_of_the_accounts_country_is_no_business_day() -> None:
    opened, thanksgiving = local("2026-11-25T10:00"), date(2026, 11, 26)
    assert due("wati-business-plus", "P3", "resolution", opened) == local("2026-11-26T10:00")
    assert due("wati-business-plus", "P3", "resolution", opened, closed=(thanksgiving,)) == local("2026-11-27T10:00")


def test_z5_no_holiday_stops_the_working_hours_of_zmanda() -> None:
    opened, thanksgiving = local("2026-11-25T16:30"), date(2026, 11, 26)
    assert due("zmanda-standard", "P1", "first_response", opened, closed=(thanksgiving,)) == local("2026-11-26T08:30")
