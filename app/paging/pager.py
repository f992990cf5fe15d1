"""The background passes that send pages: by mail, and by everything else."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.engine import Sessions
from app.core.metrics import Metrics
from app.core.signals import WakeUp
from app.core.text.messages import Message, _, verbatim
from app.notices.background.send import UNKNOWN, storable, too_slow
from app.notices.links import Whose, create_links
from app.notices.outbox.mailings import mail_secret
from app.notices.sending.channels import NotSent
from app.notices.sending.posting import Limits, Poster
from app.notices.tokens import reply_address
from app.paging import queue
from app.paging.queue import Claimed, Lane, Outcome
from app.paging.texts import text_of
from app.paging.ways import Method, Refused, Ways

SECONDS: Final = 30.0
"""For one page, whatever the service does: less than the lease."""
DELAYS: Final = tuple(timedelta(seconds=seconds) for seconds in (0, 5, 15, 30, 60, 120))
"""The wait before each attempt; there is none once the alert is answered or over."""
_POLL: Final = timedelta(seconds=10)
"""How soon a service that goes on by itself hears that the alert is over."""
_CLOSING: Final = timedelta(seconds=30)
_WATCHED: Final = frozenset({"pagerduty", "opsgenie"})
_DELETED: Final = _("the contact method was deleted")

_log = structlog.get_logger(__name__)
Pager: TypeAlias = Poster["Addressed", Outcome]


@dataclass(frozen=True, slots=True)
class Addressed:
    """A claimed page with the link that answers its alert, where this service has a public address."""

    page: Claimed
    link: str | None
    reply: str | None = None
    """where a reply answers the customer, of an e-mail to the engineer's own address"""

    @property
    def account_id(self) -> str:
        """Whose share it takes."""
        return self.page.account_id

    @property
    def id(self) -> str:
        """As logs name it."""
        return self.page.id


def pager(
    sessions: Sessions,
    pages: "Pages",
    wake_up: WakeUp,
    limits: Limits | None = None,
) -> Pager:
    """What sends the pages of one lane; ``wake_up`` wakes its pass."""
    return Poster(sessions, pages, wake_up, limits)


@dataclass(frozen=True, slots=True)
class Pages:
    """The outbox of one lane. Whatever goes wrong with a page is that page's failure."""

    lane: Lane
    ways: Ways
    metrics: Metrics
    link_base: str | None = None
    """where the pages that answer alerts are; None: messages have no links"""
    domain: str = ""
    """whose mail comes in; empty: no reply would"""

    async def accounts(self, session: AsyncSession, after: str, limit: int) -> Sequence[str]:
        """Accounts that have pages due."""
        return await queue.accounts_due(session, self.lane, after, limit)

    async def claim(self, session: AsyncSession, account_id: str, limit: int) -> Sequence[Addressed]:
        """Claim an account's pages; those that are sent get a link of their own."""
        claimed = await queue.claim(session, self.lane, account_id, limit)
        wanted = [page for page in claimed if self.link_base and page.state == "pending"]
        whose = [Whose(page.account_id, page.alert_id, page.engineer_id) for page in wanted]
        tokens = dict(zip((page.id for page in wanted), await create_links(session, whose), strict=True))
        secret = await mail_secret(session) if self.domain and any(page.is_to_own_mailbox for page in claimed) else ""
        return [
            Addressed(
                page,
                f"{self.link_base}{tokens[page.id]}" if page.id in tokens else None,
                reply_address(secret, page.ticket_id, self.domain) if secret and page.is_to_own_mailbox else None,
            )
            for page in claimed
        ]

    async def next_due(self, session: AsyncSession) -> datetime | None:
        """When the next page is due."""
        return await queue.next_due(session, self.lane)

    async def record_outcomes(self, session: AsyncSession, results: Sequence[Outcome]) -> None:
        """Write what became of pages."""
        await queue.record_outcomes(session, results)
        for result in results:
            if result.page.state == "pending":
                outcome = "retried" if result.state == "pending" else result.state
                self.metrics.pages.labels(result.page.kind, outcome).inc()

    async def send(self, message: Addressed) -> Outcome:
        """Send a page while its alert is not answered; later, tell the service that it is over."""
        page = message.page
        method = Method(page.kind, page.target, page.service_region or "us") if page.target else None
        if page.state == "sent":
            return await self._watch(page, method)
        if page.alert_state != "alerted":
            return Outcome(page, "skipped")
        if method is None:
            return Outcome(page, "skipped", _DELETED)
        if page.attempts > len(DELAYS):
            return Outcome(page, "failed", UNKNOWN)
        try:
            async with asyncio.timeout(SECONDS):
                await self.ways.send(method, text_of(page, message.link, message.reply), page.way)
        except Exception as error:  # noqa: BLE001  one page's texts or target: the others are not affected
            return _failed(page, error)
        return Outcome(page, "sent", wait=_POLL if page.kind in _WATCHED else None)

    async def _watch(self, page: Claimed, method: Method | None) -> Outcome:
        if method is None or (page.long_over and page.alert_state != "alerted"):
            return Outcome(page, "sent")
        if page.alert_state == "alerted":
            return Outcome(page, "sent", wait=_POLL)
        try:
            async with asyncio.timeout(SECONDS):
                await self.ways.resolve(method, page.alert_id, page.way)
        except Refused as error:
            return Outcome(page, "sent", _unended(error))
        except Exception as error:  # noqa: BLE001  as above
            return Outcome(page, "sent", _unended(error), _CLOSING)
        return Outcome(page, "sent")


def _unended(error: Exception) -> Message:
    return _("the service was not told that the alert is over: {error}", error=said(error))


def _failed(page: Claimed, error: Exception) -> Outcome:
    told = said(error)
    _log.warning("a page was not sent", page=page.id, kind=page.kind, attempt=page.attempts, error=told)
    if isinstance(error, Refused) or page.attempts >= len(DELAYS):
        return Outcome(page, "failed", told)
    return Outcome(page, "pending", told, DELAYS[page.attempts])


def said(error: Exception) -> Message:
    """Why a page was not sent, without anything that could be a secret: the words of an unknown error are left out."""
    if isinstance(error, NotSent):
        return storable(error.reason)
    return too_slow(SECONDS) if isinstance(error, TimeoutError) else verbatim(type(error).__name__)
