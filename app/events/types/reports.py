"""What is told of an account month by month. Pure."""

from datetime import datetime

from pydantic import Field

from app.events.types.data import EventData


class AccountReportReady(EventData):
    """The monthly report of an account is sent to its recipients by e-mail."""

    type = "account.report_ready"
    month: str = Field(description="Like `2026-11`: where the account is")
    since: datetime
    until: datetime
    promised: int = Field(description="Promises that were made in the month, but for those that were cancelled")
    met: int
    met_late: int
    missed: int
    open: int
    attained: float | None = Field(description="`met` as a share of `met`, `met_late` and `missed`")
    opened: int = Field(description="Tickets")
    resolved: int
