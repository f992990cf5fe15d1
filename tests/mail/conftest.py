"""A mail server, and what customers have got from it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage

import pytest

from app.core.db.engine import Sessions
from app.core.settings import Settings
from app.mail.gathering import Gathering
from app.notices.sending.channels import Channel, configured
from tests.support.desk import fetch
from tests.support.mailbox import Mailbox, send, smtp

SITE = "https://help.example.com"
SENDER = "Support <support@helpers.example>"


@dataclass
class Mails:
    """Mails as they are sent a minute after what they tell."""

    sessions: Sessions
    channels: tuple[Channel, ...]
    mailbox: Mailbox = field(default_factory=Mailbox)
    domain: str = ""

    async def due(self) -> None:
        """Let the minute pass in which things gather."""
        await fetch(self.sessions, "UPDATE mailings SET due_at = now() RETURNING 1")

    async def send(self) -> list[EmailMessage]:
        """Make and send what has gathered; the new mails to customers, by their recipients."""
        await self.due()
        before = len(self.mailbox.messages)
        await Gathering(self.sessions).run_pass()
        await send(self.sessions, self.channels, site=SITE, domain=self.domain)
        found = [message for message in self.mailbox.messages[before:] if message["References"]]
        return sorted(found, key=lambda message: str(message["To"]))


@pytest.fixture
def mails(sessions: Sessions) -> Iterator[Mails]:
    sessions.kw["info"]["mails"] = True
    mailbox = Mailbox()
    with smtp(mailbox) as url:
        yield Mails(sessions, configured(Settings(smtp_url=url, mail_from=SENDER)), mailbox)


def texts(message: EmailMessage) -> tuple[str, str]:
    """The plain text and the HTML of a mail."""
    text, page = message.iter_parts()
    assert (text.get_content_type(), page.get_content_type()) == ("text/plain", "text/html")
    return text.get_content(), page.get_content()
