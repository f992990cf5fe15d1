"""What the monthly report of an account answers, and who gets it by e-mail. Pure."""

from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from app.core.problems import invalid_value
from app.core.schemas.shared import ActorRef, Document, Email, Instant, Locale, Name, Strict
from app.core.text.messages import _
from app.plans.document.words import Duration
from app.reports.monthly.months import LONGEST_LINK
from app.reports.schemas import Report

MonthName = Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$"), Field(examples=["2026-11"])]
_SHORTEST_LINK: Final = timedelta(minutes=1)
_FIGURES: Final[dict[str, Any]] = {
    "promised": 41,
    "met": 38,
    "met_late": 1,
    "missed": 1,
    "open": 1,
    "attained": 0.95,
}
_REPORT: Final[dict[str, Any]] = {
    "account_id": "acc_01k9w3b5t8e2r9h6x4m7q1z0va",
    "account": "Solar Roofs",
    "plan": "Premium Support",
    "month": "2026-11",
    "since": "2026-10-31T23:00:00Z",
    "until": "2026-11-30T23:00:00Z",
    "time_zone": "Europe/Warsaw",
    "counted_until": "2026-12-01T07:00:00Z",
    "left_out": 0,
    "total": _FIGURES,
    "by_metric": [{"metric": "first_response", "name": "First response", "objective": 0.95} | _FIGURES],
    "by_priority": [{"priority": "critical", "name": "Critical"} | _FIGURES],
    "months": [{"month": "2026-11"} | _FIGURES],
    "weeks": [{"since": "2026-10-31T23:00:00Z", "opened": 12, "resolved": 10}],
    "opened": 23,
    "resolved": 20,
    "reopened": 1,
    "escalated": 2,
    "late": [
        {
            "ticket_id": "tkt_01k9w3b6bz6p1m7h4c0x3r2saa",
            "number": "K7M-3QP",
            "title": "No backup has succeeded since Thursday",
            "metric": "first_response",
            "name": "First response",
            "outcome": "met_late",
            "due_at": "2026-11-20T20:50:00Z",
            "settled_at": "2026-11-20T20:56:00Z",
        }
    ],
    "late_in_all": 2,
}


class Kept(Document):
    """What became of promises."""

    model_config = ConfigDict(extra="ignore")

    promised: int = Field(description="All but those that were cancelled or excluded")
    met: int
    met_late: int
    missed: int
    open: int
    attained: float | None = Field(
        description="`met` as a share of `met`, `met_late` and `missed`; null: there are none"
    )

    @property
    def decided(self) -> int:
        """Those of which the outcome is known."""
        return self.met + self.met_late + self.missed


class KeptByMetric(Kept):
    """What became of the promises of one metric."""

    metric: str
    name: str = Field(description="In the reader's language")
    objective: float | None = Field(description="What the plan aims for; null: nothing, or the plans differ")


class KeptByPriority(Kept):
    """What became of the promises of one priority."""

    priority: str
    name: str = Field(description="In the reader's language, where the plan has it")


class KeptByMonth(Kept):
    """What became of the promises of one month."""

    month: str = Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$", examples=["2026-11"])


class Week(Document):
    """How many tickets were opened and resolved in a week, or in the part of one that the month has."""

    since: Instant
    opened: int
    resolved: int


class LatePromise(Document):
    """A promise that was not kept in time."""

    ticket_id: str
    number: str
    title: str
    metric: str
    name: str
    outcome: str
    due_at: Instant | None
    settled_at: Instant | None = Field(description="When it was kept, or nothing was owed any more")


class MonthlyReport(Report):
    """What an account was promised in a month, and what was kept."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [_REPORT]})

    account_id: str
    account: str = Field(description="Its name")
    plan: str = Field(description="What its plan is called now")
    month: MonthName
    total: Kept
    by_metric: list[KeptByMetric]
    by_priority: list[KeptByPriority] = Field(description="The most urgent first, as the account's plan has them")
    months: list[KeptByMonth] = Field(description="This month and the five before it")
    weeks: list[Week] = Field(description="From Monday")
    opened: int
    resolved: int
    reopened: int
    escalated: int
    late: list[LatePromise] = Field(description="The first 20 promises that were not kept in time, the newest first")
    late_in_all: int

    @property
    def is_over(self) -> bool:
        """Whether all that happened in the month is counted."""
        return self.counted_until >= self.until


def _link_lasts(length: timedelta) -> timedelta:
    if not _SHORTEST_LINK <= length <= LONGEST_LINK:
        raise invalid_value("expires_in", _("A link lasts from a minute to 366 days"))
    return length


class NewReportLink(Strict):
    """A link to a report."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"expires_in": "PT720H"}]})

    expires_in: Annotated[Duration, AfterValidator(_link_lasts)] = Field(
        timedelta(days=30), description="From a minute to 366 days", examples=["PT720H"]
    )


class ReportLink(Document):
    """A link that opens a report without a key, until it expires."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "path": "/r/01k9w3b5t8e2r9h6x4m7q1z0va202611-1798761600-abcdefghijklmnopqrstuvwxyz234567",
                    "url": None,
                    "expires_at": "2027-01-01T00:00:00Z",
                }
            ]
        }
    )

    path: str
    url: str | None = Field(description="Null where `HELIODESK_PUBLIC_URL` is not set")
    expires_at: Instant


class Recipient(Strict):
    """Somebody who gets an account's report by e-mail."""

    name: Name
    email: Email
    locale: Locale | None = Field(None, description="The language of their report. Default: the account's")


class ReportMailsFields(Strict):
    """Who gets an account's report by e-mail each month."""

    recipients: list[Recipient] = Field(
        default_factory=list, max_length=20, description="None: it is not sent", examples=[[]]
    )


class ReportMailsPatch(ReportMailsFields):
    """A change of who gets the report, and for whom the account's key makes it."""

    actor: ActorRef | None = Field(None, description="The owner for whom the account's key acts")


class ReportMails(ReportMailsFields, Document):
    """Who gets an account's report by e-mail each month, and which one comes next."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "examples": [
                {
                    "account_id": "acc_01k9w3b5t8e2r9h6x4m7q1z0va",
                    "recipients": [{"name": "Ana Silva", "email": "ana@example.com", "locale": None}],
                    "next_month": "2026-11",
                    "version": 1,
                }
            ]
        },
    )

    account_id: str
    next_month: MonthName | None = Field(description="The month of the next report; null: none is sent")
    version: int
