"""The one mail of an unconfirmed address: fixed in all its words, and at most one an hour."""

from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from app.core.db.engine import Sessions
from app.core.state import State
from app.notices.content.guests import confirmation, mailbox_mark
from app.notices.content.mails import html, plain
from app.notices.sending.channels import Channel
from tests.support.desk import fetch
from tests.support.mailbox import Mailbox, send, stored
from tests.visitors.conftest import Page, expert, page, state

__all__ = ["expert", "page", "state"]
SITE = "https://help.example.com"
ANA = {"name": "Ana Silva", "email": "ana@example.com", "locale": "es"}
SPAM = {"title": "Buy pills at evil.example", "description": "Click https://evil.example"}


@pytest.fixture
def channels(channels: tuple[Channel, ...], sessions: Sessions) -> tuple[Channel, ...]:
    """Those of an installation that writes to customers."""
    sessions.kw["info"]["mails"] = True
    return channels


def texts(message: EmailMessage) -> tuple[str, str]:
    """The plain text and the HTML of a mail."""
    text, page = message.iter_parts()
    assert (text.get_content_type(), page.get_content_type()) == ("text/plain", "text/html")
    return text.get_content(), page.get_content()


async def test_a_guest_gets_the_link_to_their_ticket_and_none_of_the_words_that_were_entered(
    page: Page, sessions: Sessions, channels: tuple[Channel, ...], mailbox: Mailbox
) -> None:
    opened = await page.open(page.guest, requester=ANA | {"name": "Win a prize"}, **SPAM)
    assert await send(sessions, channels, site=SITE) == 1
    [message] = mailbox.messages
    assert message["To"] == "ana@example.com"
    assert message["Subject"] == f"Hemos recibido su ticket de soporte {opened['number']}"
    assert message["Auto-Submitted"] == "auto-generated"
    for text in (message.as_string(), *texts(message)):
        assert not any(word in text for word in ("evil", "pills", "Win a prize"))
    text, shown = texts(message)
    [link] = [line for line in text.splitlines() if line.startswith(f"{SITE}/help")]
    assert f'href="{link}"' in shown
    path, _, place = link.partition("#")
    ticket_id, _, secret = place.partition("/")
    assert (path, ticket_id) == (f"{SITE}/help", opened["id"])
    followed = await page.get(f"/v1/tickets/{ticket_id}", {"Authorization": f"Bearer {secret}"})
    assert followed["number"] == opened["number"]


async def test_one_mailbox_gets_one_mail_an_hour_whoever_opens_tickets_for_it(
    page: Page, sessions: Sessions, channels: tuple[Channel, ...], mailbox: Mailbox, state: State
) -> None:
    same = [ANA, ANA | {"email": "Ana+shop@example.com"}, ANA | {"email": "ANA@EXAMPLE.COM"}]
    opened = [await page.open(page.guest, requester=requester) for requester in same]
    await send(sessions, channels)
    assert [message["To"] for message in mailbox.messages] == ["ana@example.com"]
    shown = [await _states(page, ticket) for ticket in opened]
    assert shown == [["sent"], ["suppressed"], ["suppressed"]]
    assert state.metrics.notices.labels("suppressed")._value.get() == 2
    await fetch(sessions, "UPDATE guest_mails SET sent_at = sent_at - $1::interval", timedelta(hours=1))
    await page.open(page.guest, requester=ANA)
    await send(sessions, channels)
    assert len(mailbox.messages) == 2


async def _states(page: Page, ticket: Any) -> list[str]:
    found = await page.get(f"/v1/tickets/{ticket['id']}/notices", page.admin)
    assert {each["role"] for each in found["items"]} == {"guest"}
    return [each["state"] for each in found["items"]]


async def test_nobody_else_gets_it_and_without_a_mail_server_there_is_none(
    page: Page, sessions: Sessions, channels: tuple[Channel, ...]
) -> None:
    assert channels
    await page.open(page.person("editor@example.com"), requester=ANA)
    sessions.kw["info"]["mails"] = False
    await page.open(page.guest, requester=ANA)
    assert await stored(sessions) == []
    marked = await fetch(sessions, "SELECT requester ->> 'email' AS email FROM tickets WHERE address_unconfirmed")
    assert [row["email"] for row in marked] == ["ana@example.com"]


def test_the_mail_says_nothing_of_a_link_where_the_service_does_not_know_its_own_address() -> None:
    mail = confirmation("K7M-3QP", "en", {})
    assert "link" not in plain(mail)
    assert "<a" not in html(mail)
    assert "K7M-3QP" in plain(mail)


@pytest.mark.parametrize("other", ["ana@example.org", "anna@example.com", "example.com@ana"])
def test_other_mailboxes_are_others(other: str) -> None:
    assert mailbox_mark(other) != mailbox_mark("ana@example.com")
