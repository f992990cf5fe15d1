"""When digests are due: on Monday morning, where most of a manager's accounts are."""

from datetime import UTC, date, datetime, timedelta

import pytest

from app.core.zones import load_zone
from app.digests.weeks import Managed, due_between, due_now, last_due, may_be_due, portfolios

NEW_YORK, WARSAW = "America/New_York", "Europe/Warsaw"
MONDAY = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
"""Eight in the morning in Warsaw."""


def account(name: str, zone: str = WARSAW, tam: str = "tom@example.com") -> Managed:
    return Managed(f"acc_{name}", name, zone, "en", {"name": "Tom Berg", "email": tam})


@pytest.mark.parametrize(
    ("late", "week"),
    [
        (timedelta(microseconds=-1), None),
        (timedelta(0), date(2026, 11, 23)),
        (timedelta(hours=23, minutes=59), date(2026, 11, 23)),
        (timedelta(hours=24), None),
    ],
    ids=["before", "at", "late", "too-late"],
)
def test_w1_a_digest_is_due_from_monday_morning_on_for_a_day(late: timedelta, week: date | None) -> None:
    [portfolio] = portfolios([account("a")])
    assert due_now(portfolio, MONDAY + late) == week
    assert week is None or may_be_due(MONDAY + late)


def test_w1_one_digest_is_of_all_accounts_of_a_manager_where_most_of_them_are() -> None:
    first, second = portfolios(
        [account("a", NEW_YORK), account("b", tam="eve@example.com"), account("c"), account("d", tam="Tom@example.com")]
    )
    assert [each.name for each in first.accounts] == ["a", "c", "d"]
    assert (first.tam, first.time_zone, second.tam) == ("tom@example.com", WARSAW, "eve@example.com")
    [equal] = portfolios([account("a", NEW_YORK), account("b")])
    assert equal.time_zone == NEW_YORK


def test_w1_mornings_are_local_on_both_sides_of_a_clock_change() -> None:
    zone = load_zone(NEW_YORK)
    start = datetime(2026, 10, 26, 12, 0, tzinfo=UTC)
    assert list(due_between(start, start + timedelta(days=15), zone)) == [
        datetime(2026, 11, 2, 13, 0, tzinfo=UTC),
        datetime(2026, 11, 9, 13, 0, tzinfo=UTC),
    ]
    assert last_due(start, zone) == start
    assert last_due(start - timedelta(seconds=1), zone) == start - timedelta(days=7)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "UTC"])
def test_w1_no_zones_monday_is_overlooked(zone: str) -> None:
    [portfolio] = portfolios([account("a", zone)])
    hours = [MONDAY + timedelta(hours=hour) for hour in range(-72, 96)]
    assert {now for now in hours if due_now(portfolio, now)} <= {now for now in hours if may_be_due(now)}
    assert not may_be_due(datetime(2026, 11, 26, 12, 0, tzinfo=UTC))
