"""The background pass that sends monthly reports: each month of an account once.

The month is noted in the transaction that writes the mails, so a replica that comes second, or back, finds it seen to.
A month is told once all that happened in it is counted. What was missed while no replica ran is sent later, for a year
at most.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import database_now
from app.core.db.engine import Sessions
from app.core.db.session import driver, ring_after_commit, transaction
from app.core.db.statements.bulk import insert_rows
from app.core.ids import new_id
from app.core.jobs.apart import apart
from app.core.metrics import Metrics
from app.core.process.cooperative import in_turns
from app.core.text.language import Language, choose_language
from app.core.zones import load_zone
from app.events.event import Event
from app.events.types.reports import AccountReportReady
from app.notices.content.reports import READER
from app.notices.models import NoticeRow
from app.notices.outbox.mailings import mail_secret
from app.reports.facts.progress import counted_until
from app.reports.monthly.months import MAILED_LINK, Month, months_due
from app.reports.monthly.page import figures, month_name
from app.reports.monthly.reading import monthly_report
from app.reports.monthly.schemas import MonthlyReport
from app.reports.monthly.tokens import PATH, Opened, report_token
from app.webhooks.outbox.telling import tell

_MOST: Final = 12
_EARLIEST: Final = timedelta(days=1)
"""How much earlier than in UTC a month can end somewhere, and more."""
_WAITING: Final = """
SELECT m.account_id, m.sent, a.time_zone FROM report_mails AS m JOIN accounts AS a ON a.account_id = m.account_id
WHERE m.recipients <> '[]' AND m.sent < $1 AND a.sandbox_now IS NULL ORDER BY m.account_id
"""
_TAKE: Final = """
UPDATE report_mails AS m SET sent = $3 FROM accounts AS a
WHERE m.account_id = $1 AND m.sent = $2 AND m.recipients <> '[]' AND a.account_id = m.account_id
RETURNING m.recipients, a.locale
"""


@dataclass(frozen=True, slots=True)
class Reports:
    """Sends what is due; any number of replicas may."""

    sessions: Sessions
    metrics: Metrics | None = None

    async def run_pass(self) -> int:
        """See to every account with a report due; the number of mails. What one fails at is that one's alone."""
        sent = 0
        async with self.sessions() as session:
            now = await database_now(session)
            rows = await (await driver(session)).fetch(_WAITING, _newest(now))
            counted = await counted_until(session) if rows else now
        async for row in in_turns(rows):
            with apart("reports", self.metrics, account=row["account_id"]):
                sent += await self._catch_up(row["account_id"], row["sent"], row["time_zone"], min(now, counted))
        return sent

    async def _catch_up(self, account_id: str, last: date, time_zone: str, now: datetime) -> int:
        """Send what is due of an account, the oldest month first, and each in a transaction of its own."""
        sent, zone = 0, load_zone(time_zone)
        for month in months_due(Month(last), now, zone, _MOST):
            async with transaction(self.sessions) as session:
                if await counted_until(session) < month.period(zone)[1]:
                    return sent
                sent += await _send(session, account_id, last, month)
            last = month.first
        return sent


def _newest(now: datetime) -> date:
    """The first day of the last month that is over anywhere."""
    return Month((now + _EARLIEST).date().replace(day=1)).after(-1).first


async def _send(session: AsyncSession, account_id: str, last: date, month: Month) -> int:
    taken = await (await driver(session)).fetchrow(_TAKE, account_id, last, month.first)
    if taken is None:  # somebody else has sent it, or nobody wants it any more
        return 0
    now = await database_now(session)
    ends = now + MAILED_LINK
    path = f"{PATH}{report_token(await mail_secret(session), Opened(account_id, month, ends))}"
    told: dict[Language, MonthlyReport] = {}
    for person in taken["recipients"]:
        language = choose_language(person["locale"], taken["locale"])
        told[language] = told.get(language) or await monthly_report(session, account_id, month, language, now)
    event = await tell(session, account_id, Event(now, _ready(next(iter(told.values())))))
    notices = [
        {
            "account_id": account_id,
            "id": new_id("ntc"),
            "event_id": event["id"],
            "recipient": {**person, "role": READER, "locale": language, "time_zone": told[language].time_zone},
            "letter": _letter(told[language], language, f"{path}?lang={language}", ends),
            "next_attempt_at": now,
        }
        for person in taken["recipients"]
        for language in [choose_language(person["locale"], taken["locale"])]
    ]
    await insert_rows(session, NoticeRow, notices)
    ring_after_commit(session, "notices")
    return len(notices)


def _letter(report: MonthlyReport, language: Language, path: str, ends: datetime) -> dict[str, Any]:
    return {
        "account": report.account,
        "month_name": month_name(report.month, language),
        "figures": figures(report, language),
        "path": path,
        "expires_at": ends.isoformat(),
    }


def _ready(report: MonthlyReport) -> AccountReportReady:
    return AccountReportReady(
        month=report.month,
        since=report.since,
        until=report.until,
        opened=report.opened,
        resolved=report.resolved,
        **report.total.model_dump(),
    )
