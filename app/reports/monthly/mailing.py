"""Who gets an account's report by e-mail, and which one was sent last."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.queries import account_by_id
from app.core.db.session import driver
from app.core.db.statements.bulk import to_json
from app.core.zones import load_zone
from app.reports.models import ReportMailsRow
from app.reports.monthly.months import Month, last_full
from app.reports.monthly.schemas import ReportMailsFields

# Whoever is switched off and on again goes on with the month in which that is.
_PUT: Final = """
INSERT INTO report_mails AS m (account_id, recipients, sent, version) VALUES ($1, $2::jsonb, $3, 1)
ON CONFLICT (account_id) DO UPDATE SET recipients = EXCLUDED.recipients, version = m.version + 1,
    sent = CASE WHEN m.recipients = '[]' THEN greatest(EXCLUDED.sent, m.sent) ELSE m.sent END
RETURNING *
"""


async def report_mails(session: AsyncSession, account_id: str) -> dict[str, Any]:
    """Who gets the report, as the API shows it; version 0 where nobody has ever said it."""
    await account_by_id(session, account_id)
    found = await session.get(ReportMailsRow, account_id)
    return _document(account_id, *((found.recipients, found.sent, found.version) if found else ([], None, 0)))


async def set_report_mails(
    session: AsyncSession, account_id: str, fields: ReportMailsFields, *, now: datetime
) -> dict[str, Any]:
    """Say who gets the report, from the present month on. The account's row is held."""
    account = await account_by_id(session, account_id, lock=True)
    recipients = [each.model_dump(mode="json") for each in fields.recipients]
    sent = last_full(now, load_zone(account.time_zone)).first
    row = await (await driver(session)).fetchrow(_PUT, account_id, to_json(recipients), sent)
    return _document(account_id, row["recipients"], row["sent"], row["version"])


def _document(account_id: str, recipients: Any, sent: Any, version: int) -> dict[str, Any]:
    next_month = str(Month(sent).after()) if recipients else None
    return {"account_id": account_id, "recipients": recipients, "next_month": next_month, "version": version}
