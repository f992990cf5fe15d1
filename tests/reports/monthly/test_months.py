"""Months where accounts are, and links that open their reports."""

from datetime import UTC, datetime, timedelta

import pytest

from app.core.zones import load_zone
from app.reports.monthly.months import Month, last_full, months_due
from app.reports.monthly.tokens import Opened, opened_by, report_token

WARSAW = load_zone("Europe/Warsaw")
OCTOBER, NOVEMBER = Month.named("2026-10"), Month.named("2026-11")
SECRET = "a secret of the installation"
OPENED = Opened("acc_01k9w3b5t8e2r9h6x4m7q1z0va", NOVEMBER, datetime(2027, 1, 1, tzinfo=UTC))


def test_a_month_is_from_midnight_to_midnight_where_the_account_is() -> None:
    assert OCTOBER.period(WARSAW) == (datetime(2026, 9, 30, 22, tzinfo=UTC), datetime(2026, 10, 31, 23, tzinfo=UTC))
    assert Month.at(datetime(2026, 10, 31, 23, tzinfo=UTC), WARSAW) == NOVEMBER
    assert (str(NOVEMBER.after(2)), str(NOVEMBER.after(-11))) == ("2027-01", "2025-12")


@pytest.mark.parametrize(
    ("sent", "now", "due"),
    [
        ("2026-10", datetime(2026, 12, 1, 6, 59, tzinfo=UTC), []),
        ("2026-10", datetime(2026, 12, 1, 7, tzinfo=UTC), ["2026-11"]),
        ("2026-10", datetime(2027, 1, 20, tzinfo=UTC), ["2026-11", "2026-12"]),
        ("2026-11", datetime(2026, 12, 20, tzinfo=UTC), []),
        ("2020-01", datetime(2026, 12, 20, tzinfo=UTC), ["2026-09", "2026-10", "2026-11"]),
        ("2027-05", datetime(2026, 12, 20, tzinfo=UTC), []),
    ],
    ids=["before-the-morning", "in-the-morning", "two-missed", "sent", "at-most-three", "ahead"],
)
def test_each_month_is_due_once_in_the_morning_after_it(sent: str, now: datetime, due: list[str]) -> None:
    assert [str(month) for month in months_due(Month.named(sent), now, WARSAW, 3)] == due
    assert last_full(now, WARSAW) >= Month.named(due[-1] if due else "2026-11")


def test_a_link_opens_one_month_of_one_account_until_it_expires() -> None:
    token = report_token(SECRET, OPENED)
    before = OPENED.expires_at - timedelta(microseconds=1)
    assert opened_by(SECRET, token, before) == OPENED
    assert opened_by(SECRET, token, OPENED.expires_at) is None
    for changed in (
        token.replace("202611-", "202610-"),
        token.replace("01k9w3", "01k9w4"),
        token.replace(f"-{int(OPENED.expires_at.timestamp())}-", "-99999999999-"),
        token[:-1] + ("a" if token[-1] != "a" else "b"),
        token.upper(),
        "",
    ):
        assert changed != token
        assert opened_by(SECRET, changed, before) is None
    assert opened_by("another secret", token, before) is None
