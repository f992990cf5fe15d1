"""The background pass that sends notices, through all channels of the operator."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.usecases.ticket_keys import create_ticket_key, new_secret
from app.core.auth import TicketAccess
from app.core.clock import database_now
from app.core.db.engine import Sessions
from app.core.db.session import memory_of
from app.core.metrics import Metrics
from app.core.signals import WakeUp
from app.core.text.messages import Message, _, joined, verbatim
from app.notices.content.guests import GUEST
from app.notices.links import Whose, create_links, help_path, mute_path
from app.notices.outbox import claims
from app.notices.outbox.claims import Claimed, Outcome
from app.notices.outbox.mailings import mail_secret
from app.notices.sending.channels import Channel, NotSent
from app.notices.sending.posting import Limits, Poster
from app.notices.tokens import person_token, reply_address
from app.plans.document.links import programme_path
from app.plans.document.naming import names_of
from app.plans.store import is_public

SECONDS: Final = 25.0
"""For one notice on one channel, whatever the server does: less than the lease."""
DELAYS: Final = tuple(timedelta(seconds=seconds) for seconds in (0, 10, 60, 300, 900, 1800))
"""The wait before each attempt: what is to be told in an hour's time has lost its meaning."""
READABLE: Final = timedelta(days=30)
"""How long a customer's link in a mail opens the ticket."""
_ERROR_KEPT: Final = 500
UNKNOWN: Final = _("it was attempted several times, and the outcome is not known")

_log = structlog.get_logger(__name__)
Notifier: TypeAlias = Poster[Claimed, Outcome]


def notifier(sessions: Sessions, notices: "Notices", wake_up: WakeUp, limits: Limits | None = None) -> Notifier:
    """What sends notices; ``wake_up`` wakes its pass."""
    return Poster(sessions, notices, wake_up, limits)


@dataclass(frozen=True, slots=True)
class Notices:
    """The outbox of notices. Whatever goes wrong with one of them is that one's failure."""

    channels: Sequence[Channel]
    metrics: Metrics
    links: str | None = None
    """what the links that answer alerts begin with; None: messages have none"""
    site: str | None = None
    """what the addresses of this service begin with; None: messages lead neither to their programme nor to a ticket"""
    domain: str = ""
    """at which mails to ``support+...`` come to this service; none: replies to mails do not"""

    async def accounts(self, session: AsyncSession, after: str, limit: int) -> Sequence[str]:
        """Accounts that have notices due."""
        return await claims.accounts_due(session, after, limit)

    async def claim(self, session: AsyncSession, account_id: str, limit: int) -> Sequence[Claimed]:
        """Claim an account's notices; those that alert somebody get a link to answer, those to customers one to read.

        A secret is made for each attempt: only its hash is stored.
        """
        claimed = await claims.claim(session, account_id, limit)
        alerts = [notice for notice in claimed if self.links and notice.alerts]
        whose = [Whose(one.account_id, one.data["alert_id"], one.data["engineer_id"]) for one in alerts]
        tokens = dict(zip((one.id for one in alerts), await create_links(session, whose), strict=True))
        linked = (replace(one, link=f"{self.links}{tokens[one.id]}") if one.id in tokens else one for one in claimed)
        return [await self._with_plan(session, await self._with_page(session, one)) for one in linked]

    async def _with_page(self, session: AsyncSession, notice: Claimed) -> Claimed:
        """A notice with what it leads to: as far as the service knows its own address, and has a domain for replies."""
        if notice.is_customers and self.site and "path" in notice.data:
            return replace(notice, links={"page": f"{self.site}{notice.data['path']}"})
        by_reply = notice.is_customers or notice.recipient.get("role") in claims.STAFF
        if not by_reply or not notice.ticket_id or notice.is_held:
            return notice
        secret, ticket_id, links = await mail_secret(session), notice.ticket_id, {}
        if not notice.is_customers:
            reply = {"reply": reply_address(secret, ticket_id, self.domain)} if self.domain else {}
            return replace(notice, links=reply)
        if self.site:
            page = help_path(ticket_id, await self._readable(session, notice, ticket_id))
            mute = mute_path(person_token(secret, ticket_id, notice.recipient["email"]))
            links = {"page": f"{self.site}{page}", "mute": f"{self.site}{mute}"}
        if self.domain and notice.recipient["role"] != GUEST:
            links["reply"] = reply_address(secret, ticket_id, self.domain)
        return replace(notice, links=links)

    async def _readable(self, session: AsyncSession, notice: Claimed, ticket_id: str) -> str:
        """A secret that opens the ticket: to a guest as to one, else with the rights of the person."""
        guest, recipient = notice.recipient["role"] == GUEST, notice.recipient
        email = None if guest else recipient["email"]
        access = TicketAccess(notice.account_id, ticket_id, email, recipient.get("name") or email)
        secret, now = new_secret(), await database_now(session)
        await create_ticket_key(session, secret, access, now=now, expires_at=now + READABLE)
        return secret

    async def _with_plan(self, session: AsyncSession, notice: Claimed) -> Claimed:
        """The notice with what its ticket's plan is called, and where its programme is, if everybody can read it."""
        plan = await claims.plan_of(session, notice.ticket)
        if plan is None:
            return notice
        path = programme_path(plan.key, notice.ticket["plan_version"])
        is_open = bool(self.site) and await is_public(session, memory_of(session), plan)
        url = f"{self.site}{path}" if is_open else None
        return replace(notice, names=names_of(plan), programme_url=url)

    async def next_due(self, session: AsyncSession) -> datetime | None:
        """When the next notice is due."""
        return await claims.next_due(session)

    async def record_outcomes(self, session: AsyncSession, results: Sequence[Outcome]) -> None:
        """Write what became of notices."""
        await claims.record_outcomes(session, results)
        for result in results:
            self.metrics.notices.labels("retried" if result.state == "pending" else result.state).inc()

    async def send(self, message: Claimed) -> Outcome:
        """Send through each channel that has not taken it yet, through all of them at once."""
        if message.is_held:
            return Outcome(message, "held", message.sent_by)
        channels = [channel for channel in self.channels if channel.reaches(message)]
        if not channels:
            return Outcome(message, "no_channel", message.sent_by)
        if message.attempts > len(DELAYS):
            return _concluded(message, message.sent_by, UNKNOWN)
        wanted = [channel for channel in channels if channel.name not in message.sent_by]
        errors = await asyncio.gather(*(_error_of(channel, message) for channel in wanted))
        took = [channel.name for channel, error in zip(wanted, errors, strict=True) if error is None]
        failed = [joined((channel.name, error), ": ") for channel, error in zip(wanted, errors, strict=True) if error]
        return _concluded(message, [*message.sent_by, *took], joined(failed) if failed else None)


async def _error_of(channel: Channel, notice: Claimed) -> Message | None:
    """Why the channel has not taken a notice; None when it has."""
    try:
        async with asyncio.timeout(SECONDS):
            await channel.send(notice)
    except NotSent as error:
        return storable(error.reason)
    except TimeoutError:
        return too_slow(SECONDS)
    except Exception as error:  # noqa: BLE001  one notice's texts or recipient: the others are not affected
        _log.exception("a notice could not be written", notice=notice.id, channel=channel.name)
        return storable(verbatim(f"{type(error).__name__}: {error}"))
    return None


def too_slow(seconds: float) -> Message:
    """That a message was not taken in time."""
    return _("it took longer than {seconds} s", seconds=seconds)


def storable(error: Message) -> Message:
    """An error without what Postgres cannot store; one that is too long is cut, and stays English."""
    kept = error[:_ERROR_KEPT].encode(errors="replace").decode().replace("\0", "\ufffd")
    return error if kept == error else verbatim(kept)


def _concluded(notice: Claimed, sent_by: list[str], error: Message | None) -> Outcome:
    if error is None:
        return Outcome(notice, "sent", sent_by)
    _log.warning("a notice was not sent", notice=notice.id, attempt=notice.attempts, error=error)
    if notice.attempts >= len(DELAYS):
        return Outcome(notice, "failed", sent_by, error)
    return Outcome(notice, "pending", sent_by, error, DELAYS[notice.attempts])
