"""The background pass that sends digests: once for each technical account manager and week.

The row of ``tam_digests`` is made in the transaction that records the events and the letter, so a replica that comes
second, or back, finds the week seen to.
"""

import asyncio
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import database_now
from app.core.db.engine import Sessions
from app.core.db.session import driver, ring_after_commit, transaction
from app.core.db.statements.bulk import insert_rows
from app.core.db.statements.housekeeping import forget
from app.core.ids import new_id
from app.core.jobs.apart import apart
from app.core.metrics import Metrics
from app.core.process.cooperative import in_turns
from app.core.text.language import choose_language
from app.digests import contents
from app.digests.models import TamDigestRow
from app.digests.weeks import WEEK, Managed, Portfolio, due_now, may_be_due, portfolios
from app.events.event import Event
from app.events.types.data import dump
from app.notices.models import NoticeRow
from app.webhooks.outbox.telling import tell

_MANAGED: Final = f"""
SELECT {contents.MANAGED} FROM accounts
WHERE jsonb_typeof(tam) = 'object' AND sandbox_now IS NULL ORDER BY created_at, account_id
"""  # noqa: S608  our own names
_DONE: Final = "SELECT tam, week FROM tam_digests WHERE week >= $1"
_TAKE: Final = "INSERT INTO tam_digests (tam, week) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true"
_OVER: Final = "t.created_at < now() - interval '30 days'"


@dataclass(frozen=True, slots=True)
class Digests:
    """Sends what is due on this Monday; any number of replicas may."""

    sessions: Sessions
    metrics: Metrics | None = None

    async def run_pass(self) -> int:
        """See to every manager whose digest is due; the number of letters. What one fails at is that one's alone."""
        async with self.sessions() as session:
            if not may_be_due(await database_now(session)):
                return 0
            due = await _due(session)
        sent = 0
        for portfolio, week in due:
            with apart("digests", self.metrics, tam=portfolio.tam):
                async with transaction(self.sessions) as session:
                    sent += await _send(session, portfolio, week)
        return sent


async def _due(session: AsyncSession) -> list[tuple[Portfolio, date]]:
    now, connection = await database_now(session), await driver(session)
    rows = [dict(row) async for row in in_turns(await connection.fetch(_MANAGED))]
    done = {(row["tam"], row["week"]) for row in await connection.fetch(_DONE, now.date() - 2 * WEEK)}
    found = await asyncio.to_thread(portfolios, await contents.served(session, rows))
    due = [(portfolio, due_now(portfolio, now)) async for portfolio in in_turns(found)]
    return [(portfolio, week) for portfolio, week in due if week and (portfolio.tam, week) not in done]


async def _send(session: AsyncSession, portfolio: Portfolio, week: date) -> int:
    """Record the digest of each account that has something to tell, and write one letter about them all."""
    if not await (await driver(session)).fetchval(_TAKE, portfolio.tam, week):
        return 0
    now = await database_now(session)
    found = [(account, await contents.digest_of(session, account, now)) for account in portfolio.accounts]
    told = [(account, digest) for account, digest in found if digest]
    if not told:
        return 0
    events = [await tell(session, account.account_id, Event(now, digest)) for account, digest in told]
    accounts = [
        {
            "account": account.name,
            "priority_names": await contents.priority_names(session, account.account_id, digest),
            **dump(digest),
        }
        for account, digest in told
    ]
    letter = {name: sum(account[name] for account in accounts) for name in ("open", "at_risk", "missed")}
    notice = {
        "account_id": events[0]["account_id"],
        "id": new_id("ntc"),
        "event_id": events[0]["id"],
        "recipient": _recipient(portfolio),
        "letter": letter | {"accounts": accounts},
        "next_attempt_at": now,
    }
    await insert_rows(session, NoticeRow, [notice])
    ring_after_commit(session, "notices")
    return 1


def _recipient(portfolio: Portfolio) -> dict[str, str]:
    """The manager, who reads their own language, else that of their oldest account."""
    first: Managed = portfolio.accounts[0]
    locale = first.tam.get("locale") or choose_language(first.locale)
    return {**first.tam, "role": "tam", "locale": locale, "time_zone": portfolio.time_zone}


async def forget_digests(sessions: Sessions) -> None:
    """Drop what says that a week was seen to, once it is long over."""
    await forget(sessions, TamDigestRow, _OVER)
