"""Ways to reach a person: e-mail by SMTP, and what else an operator has set up through Apprise."""

import asyncio
from collections.abc import Mapping, Sequence
from email.utils import parseaddr
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib

from app.core.outgoing.blocking import naming_the_way
from app.core.settings import Settings, Unconfigurable
from app.core.text.messages import Message, _, verbatim
from app.notices.content.guests import GUEST, STRANGER, confirmation, received, refusal
from app.notices.content.mails import Mail as CustomerMail
from app.notices.content.mails import html, plain
from app.notices.content.reports import READER, report_mail
from app.notices.content.texts import body, language_of, subject, with_link, with_programme, with_reply
from app.notices.content.updates import update
from app.notices.outbox.claims import Claimed
from app.notices.sending import letters
from app.notices.sending.letters import Letter

try:
    import apprise
except ImportError:  # the extra ``apprise`` is not installed
    apprise = None  # type: ignore[assignment]  # a module, or nothing

TIMEOUT_SECONDS: Final = 20.0
_PORTS: Final = {"smtp": 25, "smtps": 465}


class NotSent(Exception):
    """The channel did not take a notice; ``reason`` says why."""

    def __init__(self, reason: Message) -> None:
        super().__init__(reason)
        self.reason = reason


class Channel(Protocol):
    """Sends a notice, or raises ``NotSent``."""

    name: str

    def reaches(self, notice: Claimed) -> bool:
        """Whether the channel is for this recipient."""
        ...

    async def send(self, notice: Claimed) -> None:
        """Send one notice to its recipient."""
        ...


class Mail:
    """E-mail through an operator's SMTP server; STARTTLS wherever the server offers it."""

    name = "mail"

    def __init__(self, url: str, sender: str) -> None:
        """``url``: ``smtp://user:password@host:587`` or ``smtps://...``; ``sender``: ``Support <support@...>``."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise Unconfigurable("HELIODESK_SMTP_URL is like smtp://user:password@host:587, or smtps://...")
        if not letters.is_sender(sender):
            raise Unconfigurable("HELIODESK_MAIL_FROM is an address, like Support <support@example.com>")
        self.sender, self._parts = sender, parts

    def reaches(self, notice: Claimed) -> bool:
        """Whether the recipient has an address: an expert whom rules page in other ways has none here."""
        return bool(notice.recipient.get("email"))

    async def send(self, notice: Claimed) -> None:
        """Send one message; its Message-ID is the notice's and its ticket's: the same when it is sent again."""
        letter = await asyncio.to_thread(letter_of, notice, self.sender)  # the loop goes on with everything else
        await self.deliver(letters.id_about(notice.id, notice.ticket_id), notice.recipient["email"], letter)

    async def deliver(self, message_id: str, address: str, letter: Letter) -> None:
        """Send a letter to one address; ``message_id`` is the same when it is sent again. Raises ``NotSent``."""
        parts = self._parts
        try:
            await aiosmtplib.send(
                await asyncio.to_thread(letters.message_of, message_id, self.sender, address, letter),
                sender=parseaddr(self.sender)[1],
                recipients=[letters.envelope_address(address)],
                hostname=parts.hostname,
                port=parts.port or _PORTS[parts.scheme],
                username=unquote(parts.username) if parts.username else None,
                password=unquote(parts.password) if parts.password else None,
                use_tls=parts.scheme == "smtps",
                timeout=TIMEOUT_SECONDS,
            )
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise NotSent(verbatim(f"{type(error).__name__}: {error}")) from error


class Apprise:
    """An operator's own channels, by Apprise addresses (the extra ``apprise``)."""

    name = "apprise"

    def __init__(self, urls: Sequence[str]) -> None:
        if apprise is None:
            raise Unconfigurable("HELIODESK_APPRISE_URLS needs the extra: pip install 'heliodesk[apprise]'")
        self._all = apprise.Apprise()
        for url in urls:
            if not self._all.add(url):
                raise Unconfigurable(f"Apprise does not know what {url.partition(':')[0]}: is")

    def reaches(self, notice: Claimed) -> bool:
        """Whether the operator is told of this notice: of all but the mails to customers."""
        return not notice.is_customers

    async def send(self, notice: Claimed) -> None:
        """Send to all of them."""
        title, text = written(notice)
        with naming_the_way(notice.way):  # Apprise hands it on to its threads
            is_taken = await self._all.async_notify(title=title, body=text)
        if not is_taken:
            raise NotSent(_("one of the Apprise channels did not take it: the log of the service says why"))


def letter_of(notice: Claimed, sender: str) -> Letter:
    """What a notice says by e-mail."""
    language = language_of(notice.recipient)
    if notice.is_customers:
        mail = _mail_of(notice)
        return Letter(mail.subject, plain(mail), html(mail), _headers(notice, sender))
    title, text = written(notice)
    text = with_link(text, notice.link, language)
    text = with_reply(text, language) if "reply" in notice.links else text
    return Letter(title, text, headers=_headers(notice, sender))


def _headers(notice: Claimed, sender: str) -> Mapping[str, str]:
    """The header fields by which the mails about a ticket are one thread, if the notice is about one."""
    if notice.ticket_id and (notice.is_customers or notice.links):
        return letters.of_a_thread(notice.ticket_id, sender, notice.links, notice.data.get("answers"))
    return {"X-Auto-Response-Suppress": "All"}


def _mail_of(notice: Claimed) -> CustomerMail:
    ticket, recipient, language = notice.ticket, notice.recipient, language_of(notice.recipient)
    if recipient["role"] == READER:
        return report_mail(notice.data, recipient, language, notice.links)
    if recipient["role"] == STRANGER:
        return refusal(language, notice.data.get("closed"))
    if recipient["role"] == GUEST:
        return confirmation(ticket["number"], language, notice.links)
    if notice.type == "ticket.opened":
        return received(ticket, language, notice.links)
    return update(notice.data, ticket, recipient, notice.names, links=notice.links)


def written(notice: Claimed) -> tuple[str, str]:
    """Subject and text of a notice, in its reader's language."""
    recipient, language = notice.recipient, language_of(notice.recipient)
    role = str(recipient.get("role", ""))
    title = subject(notice.type, notice.data, notice.ticket, language, notice.names, role)
    text = body(notice.type, notice.data, notice.ticket, recipient, notice.timestamp, notice.names)
    return title, with_programme(text, notice.programme_url, language)


def configured(settings: Settings) -> tuple[Channel, ...]:
    """The channels that this installation has. Raises ``Unconfigurable``."""
    mail: list[Channel] = [Mail(settings.smtp_url, settings.mail_from)] if settings.smtp_url else []
    return (*mail, *([Apprise(settings.apprise_urls)] if settings.apprise_urls else []))
