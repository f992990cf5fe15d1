"""A real SMTP server, and the pass that sends to it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Final

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from app.core.db.engine import Sessions
from app.core.metrics import Metrics
from app.core.settings import Settings
from app.core.signals import WakeUp
from app.notices.background.send import Notices, notifier
from app.notices.sending.channels import Channel, configured
from tests.support.desk import fetch
from tests.support.ports import free_port

SENDER: Final = "Support <support@helpers.example>"


class Mailbox:
    """What a real SMTP server has taken; ``refuse`` is what it answers instead."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.refuse = ""

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        if self.refuse:
            return self.refuse
        content = envelope.content
        assert isinstance(content, bytes)
        parsed = message_from_bytes(content, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        self.messages.append(parsed)
        self.recipients.append([*envelope.rcpt_tos])
        return "250 OK"


@contextmanager
def smtp(mailbox: Mailbox, **options: Any) -> Iterator[str]:
    """The URL of a real SMTP server that puts what it takes into the mailbox."""
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield f"smtp://127.0.0.1:{controller.port}"
    finally:
        controller.stop()


@pytest.fixture
def mailbox() -> Mailbox:
    """A mailbox into which ``channels`` sends."""
    return Mailbox()


@pytest.fixture
def channels(mailbox: Mailbox) -> Iterator[tuple[Channel, ...]]:
    """Those of an installation with a mail server."""
    with smtp(mailbox) as url:
        yield configured(Settings(smtp_url=url, mail_from=SENDER))


async def send(
    sessions: Sessions,
    channels: Sequence[Channel],
    metrics: Metrics | None = None,
    links: str | None = None,
    site: str | None = None,
    domain: str = "",
) -> int:
    """Send all that is due; how many notices were tried."""
    poster = notifier(sessions, Notices(channels, metrics or Metrics(), links, site, domain), WakeUp())
    tried = 0
    while begun := await poster.run_pass():
        tried += begun
        await poster.drain()
    return tried


async def stored(sessions: Sessions) -> list[Any]:
    """All notices, the oldest first."""
    return [*await fetch(sessions, "SELECT * FROM notices ORDER BY id")]
