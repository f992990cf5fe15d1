"""The page of a monthly report: no scripts, a table under each chart, the words of its language."""

import re
from datetime import UTC, datetime
from typing import Any, Final
from xml.etree import ElementTree as ET

import pytest

from app.core.text.language import LANGUAGES
from app.core.web.page import page_policy
from app.reports.monthly.page import figures, page
from app.reports.monthly.schemas import MonthlyReport

_SVG: Final = "{http://www.w3.org/2000/svg}"


def kept(promised: int = 4, met: int = 1, met_late: int = 1, missed: int = 1, **more: Any) -> dict[str, Any]:
    decided = met + met_late + missed
    counts = {"promised": promised, "met": met, "met_late": met_late, "missed": missed, "open": promised - decided}
    return counts | {"attained": met / decided if decided else None} | more


def report(**changes: Any) -> MonthlyReport:
    late = {"ticket_id": "tkt_1", "number": "K7M-3QP", "title": "<b>All</b> is down", "metric": "resolution"}
    at = datetime(2026, 11, 20, 20, 50, tzinfo=UTC)
    months = [kept(0, 0, 0, 0, month=f"2026-{number:02}") for number in range(6, 11)]
    return MonthlyReport.model_validate(
        {
            "since": datetime(2026, 10, 31, 23, tzinfo=UTC),
            "until": datetime(2026, 11, 30, 23, tzinfo=UTC),
            "time_zone": "Europe/Warsaw",
            "counted_until": datetime(2026, 12, 1, 7, tzinfo=UTC),
            "left_out": 0,
            "account_id": "acc_1",
            "account": "Sun & Söhne <GmbH>",
            "plan": "Premium",
            "month": "2026-11",
            "total": kept(10_000, 9_998, 1, 0),
            "by_metric": [kept(metric="resolution", name="Resolution", objective=0.95)],
            "by_priority": [kept(priority="P1", name="Urgent <&>")],
            "months": [*months, kept(month="2026-11")],
            "weeks": [{"since": at, "opened": 12, "resolved": 7}],
            "opened": 12,
            "resolved": 7,
            "reopened": 0,
            "escalated": 0,
            "late": [late | {"name": "Resolution", "outcome": "missed", "due_at": at, "settled_at": None}],
            "late_in_all": 2,
        }
        | changes
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_chart_has_a_name_and_its_table_and_nothing_runs_or_loads(language: str) -> None:
    html = page(report(), language, lambda other: f"?lang={other}", "x/pdf")
    policy = page_policy(html)["Content-Security-Policy"]
    assert policy.count("sha256-") == 1
    assert not re.search(r"<script|\son\w+=|\sstyle=|javascript:|<link[^>]+stylesheet|url\(", html)
    charts = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    assert len(charts) == 4
    for chart in charts:
        drawn = ET.fromstring(chart)  # noqa: S314  our own
        assert (drawn.get("role"), bool(drawn.get("aria-label"))) == ("img", True)
        assert {f"{_SVG}script", f"{_SVG}style"}.isdisjoint(element.tag for element in drawn.iter())
    assert html.count('</figure>\n<div class="wide">\n<table') == len(charts)
    assert "Sun &amp; Söhne &lt;GmbH&gt;" in html
    assert "<b>All</b>" not in html


def test_what_was_missed_is_never_rounded_away() -> None:
    html = page(report(), "en", str)
    assert "99.9%" in html
    assert "Wed" not in html
    assert "Nov 20, 2026, 9:50" in html


def test_a_month_without_promises_says_so_and_one_that_lasts_is_provisional() -> None:
    empty = report(by_metric=[], by_priority=[], weeks=[], late=[], total=kept(0, 0, 0, 0), months=report().months[:5])
    html = page(empty.model_copy(update={"counted_until": empty.since}), "de", str)
    assert "In diesem Monat wurde nichts zugesagt." in html
    assert "Vorläufig" in html
    assert "<svg" not in html


def test_tickets_that_cannot_be_counted_are_told_on_the_page_and_in_the_mail() -> None:
    told = "Betroffene Tickets: 3"
    assert told not in page(report(), "de", str)
    assert told in page(report(left_out=3), "de", str)
    assert len(figures(report(left_out=3), "de")) == len(figures(report(), "de")) + 1
