"""Notices that cannot be written or sent hold up nobody else's, and end."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import httpx
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.engine import Sessions
from app.core.db.session import driver
from app.core.metrics import Metrics
from app.core.settings import Settings
from app.core.signals import WakeUp
from app.notices.background.send import DELAYS, Notices, notifier
from app.notices.outbox.claims import Claimed
from app.notices.sending.channels import Channel, configured
from app.notices.sending.posting import Limits, Poster
from tests.support.desk import fetch
from tests.support.mailbox import Mailbox, send, smtp, stored
from tests.support.stories import P1, Begin, Story
from tests.support.waiting import until

MIA: Final = {"name": "Mia Chen", "email": "mia@example.com", "locale": "en"}
BAD: Final = ("ann@example.com.", "mia@[10.0.0.1", "mia,bob@example.com", "mia@exa mple.com", "mia\u202e@example.com")


@pytest.fixture
async def story(begin: Begin) -> Story:
    return await begin("wati-business-plus", tam=MIA, addons=["tam"])


async def give_address(story: Story, address: str) -> None:
    """Let the account's notices be for an address that an earlier version has stored."""
    changed = "UPDATE notices SET recipient = recipient || jsonb_build_object('email', $2::text) WHERE account_id = $1"
    await fetch(story.sessions, changed, story.account.account_id, address)


@pytest.mark.parametrize(
    "title",
    [
        "Re: =?utf-8?q?Caf=E9?= is down",
        "=?utf-8?b?R290?= you",
        "=?x?q?y?=",
        "Café \U0001f468\u200d\U0001f527 is down",
        "Subject: Bcc: all@example.com",
        "The " + "very " * 60 + "long way down",
    ],
    ids=["bytes", "base64", "unknown", "emoji", "header", "long"],
)
async def test_a_subject_arrives_as_exactly_the_characters_that_the_customer_wrote(
    story: Story, channels: tuple[Channel, ...], mailbox: Mailbox, title: str
) -> None:
    ticket = await story.open(**P1 | {"title": title[:200]})
    await send(story.sessions, channels)
    [message] = mailbox.messages
    expected = f"New ticket, priority P1: urgent · {ticket['number']}: {ticket['title']}"
    assert message["Subject"] == expected[:150].strip()
    assert message.keys().count("Bcc") == 0


@pytest.mark.parametrize("control", ["\r\nBcc: all@example.com", "\x0b", "\x1b[31m", "\x85", "\u2028X: y"])
async def test_control_characters_of_a_title_make_no_header(
    story: Story, channels: tuple[Channel, ...], mailbox: Mailbox, control: str
) -> None:
    await story.open(**P1)
    entitle = "UPDATE tickets SET title = $1"
    [kept] = await fetch(story.sessions, "SELECT title FROM tickets")
    await fetch(story.sessions, entitle, f"Down{control} again")
    await send(story.sessions, channels)
    await fetch(story.sessions, entitle, kept["title"])  # as its events have it
    [message] = mailbox.messages
    assert "Bcc" not in message
    assert "X" not in message
    assert all(each.isprintable() for each in message["Subject"])
    assert message["To"] == "mia@example.com"


@pytest.mark.parametrize("address", BAD, ids=range(len(BAD)))
async def test_an_address_that_no_mail_can_be_sent_to_fails_alone_and_ends(
    begin: Begin, channels: tuple[Channel, ...], mailbox: Mailbox, address: str
) -> None:
    good = await begin("wati-business-plus", tam=MIA, addons=["tam"])
    bad = await begin("wati-business-plus", tam=MIA, addons=["tam"])
    for story in (good, bad, good, bad):
        await story.open(**P1)
    await give_address(bad, address)
    metrics = Metrics()
    assert await send(good.sessions, channels, metrics) == 4
    assert [message["To"] for message in mailbox.messages] == ["mia@example.com"] * 2
    for _ in DELAYS[1:]:
        await fetch(good.sessions, "UPDATE notices SET next_attempt_at = now() WHERE next_attempt_at IS NOT NULL")
        assert await send(good.sessions, channels, metrics) == 2
    assert await send(good.sessions, channels, metrics) == 0
    rows = await stored(good.sessions)
    assert {row["state"] for row in rows if row["account_id"] == bad.account.account_id} == {"failed"}
    assert {row["state"] for row in rows if row["account_id"] == good.account.account_id} == {"sent"}
    assert [counted(metrics, name) for name in ("sent", "retried", "failed")] == [2, 10, 2]


def counted(metrics: Metrics, outcome: str) -> float | None:
    return metrics.registry.get_sample_value("heliodesk_notices_total", {"outcome": outcome})


async def test_failed_notices_are_told_by_readyz(story: Story, client: httpx.AsyncClient) -> None:
    await story.open(**P1)
    await fetch(story.sessions, "UPDATE notices SET state = 'failed', finished_at = now(), next_attempt_at = NULL")
    told = (await client.get("/readyz")).json()["degraded"]
    assert "Notices to people that could not be sent in the last 24 hours: 1" in told


@pytest.mark.parametrize("server_takes", [False, True])
async def test_an_internationalised_address_fails_alone_where_the_server_takes_none(
    story: Story, mailbox: Mailbox, *, server_takes: bool
) -> None:
    await story.open(**P1)
    await give_address(story, "żaneta@example.com")
    with smtp(mailbox, enable_SMTPUTF8=server_takes) as url:
        await send(story.sessions, configured(Settings(smtp_url=url, mail_from="support@helpers.example")))
    [row] = await stored(story.sessions)
    if server_takes:
        assert (row["state"], mailbox.recipients) == ("sent", [["żaneta@example.com"]])
        assert mailbox.messages[0]["To"] == "żaneta@example.com"
    else:
        assert (row["state"], "SMTPUTF8" in row["error"]) == ("pending", True)


async def test_an_international_domain_needs_no_more_than_ascii(
    story: Story, channels: tuple[Channel, ...], mailbox: Mailbox
) -> None:
    await story.open(**P1)
    await give_address(story, "ana@bücher.example")
    await send(story.sessions, channels)
    assert mailbox.recipients == [["ana@xn--bcher-kva.example"]]


class Slow:
    """A channel that is stuck with the notices of one account."""

    name = "slow"

    def __init__(self, account_id: str) -> None:
        self.account_id, self.stuck, self.sent = account_id, asyncio.Event(), list[str]()

    def reaches(self, _: Claimed) -> bool:
        return True

    async def send(self, notice: Claimed) -> None:
        if notice.account_id == self.account_id:
            await self.stuck.wait()
        self.sent.append(notice.account_id)


async def test_a_storm_of_slow_notices_holds_up_nobody_elses(begin: Begin) -> None:
    slow = await begin("wati-business-plus", tam=MIA, addons=["tam"])
    for _ in range(12):
        await slow.open(**P1)
    channel, limits = Slow(slow.account.account_id), Limits(slots=6, per_account=4)
    poster = notifier(slow.sessions, Notices([channel], Metrics()), WakeUp(), limits)
    await until(lambda: _all_begun(poster, 4))
    other = await begin("wati-business-plus", tam=MIA, addons=["tam"])
    for _ in range(3):
        await other.open(**P1)

    async def sent() -> bool:
        await poster.run_pass()
        return channel.sent == [other.account.account_id] * 3

    await until(sent)
    assert await poster.next_instant() is None
    channel.stuck.set()

    async def all_sent() -> bool:
        await poster.run_pass()
        return {row["state"] for row in await stored(slow.sessions)} == {"sent"}

    await until(all_sent)
    await poster.stop()


async def _all_begun(poster: Any, number: int) -> bool:
    await poster.run_pass()
    return len(poster._sends) == number


async def test_a_notice_that_ends_every_process_that_tries_it_is_given_up(
    story: Story, channels: tuple[Channel, ...], mailbox: Mailbox, sessions: Sessions
) -> None:
    await story.open(**P1)
    await fetch(sessions, "UPDATE notices SET attempts = $1", len(DELAYS))
    await send(sessions, channels)
    [row] = await stored(sessions)
    assert (row["state"], mailbox.messages) == ("failed", [])


class Strange(Mailbox):
    """A server whose answer Postgres cannot hold."""

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, _server: SMTP, _session: Session, _envelope: Envelope, _address: str, _options: list[str]
    ) -> str:
        return "550 No\0body"


async def test_an_answer_that_the_database_cannot_hold_is_cut(story: Story) -> None:
    await story.open(**P1)
    with smtp(Strange(), enable_SMTPUTF8=False) as url:
        await send(story.sessions, configured(Settings(smtp_url=url, mail_from="support@helpers.example")))
    [row] = await stored(story.sessions)
    assert (row["state"], row["attempts"], "550" in row["error"]) == ("pending", 1, True)


@dataclass(frozen=True)
class Mail:
    """A message that is sent when it is let go."""

    id: str
    account_id: str = "acc_1"


class Outcomes:
    """An outbox in memory: it keeps what it is told in each transaction, and refuses the outcome ``bad``."""

    def __init__(self, *ids: str) -> None:
        self.mails, self.together = [Mail(each) for each in ids], list[list[str]]()

    async def accounts(self, _: AsyncSession, after: str, limit: int) -> list[str]:
        return ["acc_1"] if self.mails and not after and limit else []

    async def claim(self, _: AsyncSession, __: str, limit: int) -> list[Mail]:
        claimed, self.mails = self.mails[:limit], self.mails[limit:]
        return claimed

    async def send(self, message: Mail) -> str:
        return message.id

    async def record_outcomes(self, session: AsyncSession, results: Sequence[str]) -> None:
        await (await driver(session)).execute("SELECT 1")
        if "bad" in results:
            raise ValueError(results)
        self.together.append(list(results))

    async def next_due(self, _: AsyncSession) -> None:
        return None


async def test_what_became_of_messages_is_written_together(sessions: Sessions) -> None:
    outbox = Outcomes(*"abcdefgh")
    poster = Poster(sessions, outbox, WakeUp())
    await poster.run_pass()
    await poster.drain()
    assert sorted(chain.from_iterable(outbox.together)) == list("abcdefgh")
    assert len(outbox.together) == 2  # the first by itself, and all that came up meanwhile


async def test_an_outcome_that_cannot_be_written_stops_no_other(sessions: Sessions) -> None:
    outbox = Outcomes("a", "b", "bad", "c")
    poster = Poster(sessions, outbox, WakeUp())
    await poster.run_pass()
    await poster.drain()
    assert sorted(chain.from_iterable(outbox.together)) == ["a", "b", "c"]
