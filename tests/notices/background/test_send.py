"""Notices by e-mail, through a real SMTP server, and through Apprise."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web

from app.core.db.engine import Sessions
from app.core.outgoing.via import HEADER
from app.core.settings import Settings, Unconfigurable
from app.core.text.phrases import moment_in
from app.notices.background.send import DELAYS
from app.notices.sending.channels import Channel, configured
from tests.support.actors import make_key
from tests.support.desk import fetch, store_plan
from tests.support.experts import add_expert
from tests.support.mailbox import Mailbox, send, stored
from tests.support.ports import free_port
from tests.support.stories import P1, Begin, Caller, Story, path_of
from tests.support.sweeping import run_pass

MIA = {"name": "Mia Chen", "email": "mia@example.com", "locale": "pl"}
ITS_IMPORTS = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
"""Apprise's own, when it looks for its services."""
TOM = {"name": "Tom Berg", "email": "tom@example.com"}


@pytest.fixture
async def story(begin: Begin) -> Story:
    return await begin("wati-business-plus", manager=MIA, tam=TOM, addons=["tam"])


async def test_w1_a_tam_gets_mail_of_a_p1_and_manager_and_tam_of_an_escalation(
    story: Story, channels: tuple[Channel, ...], mailbox: Mailbox
) -> None:
    ticket = await story.open(**P1)
    escalated = {"reason": "no_update", "justification": "Three hours without a word"}
    await story.customer.post(f"/v1/tickets/{ticket['id']}/escalations", 201, **escalated)
    assert await send(story.sessions, channels) == 3
    messages = sorted(mailbox.messages, key=lambda message: message["Message-ID"])
    found = [(message["To"], message["Subject"]) for message in messages]
    about = f"{ticket['number']}: {ticket['title']}"
    assert found == [
        ("tom@example.com", f"New ticket, priority P1: urgent · {about}"),
        ("mia@example.com", f"Poproszono o eskalację · {about}"),
        ("tom@example.com", f"Escalation requested · {about}"),
    ]
    assert "Three hours without a word" in messages[1].get_content()
    assert messages[0]["From"] == "Support <support@helpers.example>"
    notices = await stored(story.sessions)
    assert {row["state"] for row in notices} == {"sent"}
    ids = {f"<{row['id']}.{ticket['id']}@helpers.example>" for row in notices}
    assert ids == {message["Message-ID"] for message in mailbox.messages}
    assert await send(story.sessions, channels) == 0


async def test_g2_g6_g7_an_expert_gets_mail_of_the_alert_the_refused_call_and_the_hand_over(
    begin: Begin, channels: tuple[Channel, ...], mailbox: Mailbox
) -> None:
    story = await begin("google-premium")
    admin = Caller(story.customer.client, await make_key(story.sessions, "admin"))
    await admin.patch(f"/v1/engineers/{story.engineer_id}", active=False)
    ida = await add_expert(story, "Ida", languages=["it", "pl"])
    ticket = await story.open(**P1, call_link="https://meet.google.com/abc-defg-hij")
    [alert] = (await story.product.get("/v1/alerts", ticket_id=ticket["id"]))["items"]
    await ida.caller.post(f"/v1/alerts/{alert['id']}/accept")
    await story.customer.post(f"{path_of(ticket)}/call/decline", reason="We are all in the server room")
    ole = await add_expert(story, "Ole")
    away = {"from": "2026-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
    await admin.patch(f"/v1/engineers/{ida.id}", absences=[away])
    await run_pass(story.sessions)
    assert (await story.product.get(path_of(ticket)))["assignee"] == ole.id
    await send(story.sessions, channels)
    messages = sorted(mailbox.messages, key=lambda message: message["Message-ID"])
    found = [(message["To"], message["Subject"].partition(" · ")[0]) for message in messages]
    assert found == [
        ("ida@example.com", "Pilnie potrzebna jest Twoja pomoc"),
        ("ida@example.com", "Klient nie dołączy do rozmowy"),
        ("ole@example.com", "Your shift takes over"),
    ]
    alerted = messages[0].get_content()
    accept_by = moment_in(datetime.fromisoformat(alert["accept_by"]), ZoneInfo("UTC"), "pl")
    assert f"Przyjmij najpóźniej: {accept_by}" in alerted
    assert f"Alert: {alert['id']}" in alerted
    assert f"Wpływ na działalność: {P1['business_impact']}" in alerted
    assert "We are all in the server room" in messages[1].get_content()
    events = await story.events(path_of(ticket))
    assert "ida@example.com" not in str([event for event in events if event["audience"] == "public"])


async def test_c15_who_takes_over_after_a_miss_gets_mail_and_so_does_whoever_had_the_ticket(
    begin: Begin, channels: tuple[Channel, ...], mailbox: Mailbox
) -> None:
    story = await begin("google-premium")
    targets = {"P2": {"first_response": "PT30M"}}
    await store_plan(story.sessions, "google-premium", targets=targets, on_miss={"first_response": ["reassign"]})
    ida, ole = await add_expert(story, "Ida", languages=["pl"]), await add_expert(story, "Ole")
    await fetch(story.sessions, "UPDATE engineers SET active = false WHERE id = $1", story.engineer_id)
    path = await story.open_at(await story.now() - timedelta(minutes=40), priority="P2")
    await fetch(story.sessions, "UPDATE tickets SET assignee_id = $1", ida.id)
    await run_pass(story.sessions)
    assert (await story.product.get(path))["assignee"] == ole.id
    await send(story.sessions, channels)
    found = {(message["To"], message["Subject"].partition(" · ")[0]) for message in mailbox.messages}
    assert found == {
        ("ole@example.com", "You take over a ticket that missed a deadline"),
        ("ida@example.com", "To zgłoszenie nie należy już do Ciebie"),
    }
    [taken] = [message.get_content() for message in mailbox.messages if message["To"] == "ida@example.com"]
    assert "Powód: przekroczono termin" in taken


async def test_who_is_given_a_ticket_by_hand_gets_mail_and_so_does_whoever_had_it_but_not_of_their_own_doing(
    begin: Begin, channels: tuple[Channel, ...], mailbox: Mailbox
) -> None:
    story = await begin("itil-native")
    ida, ole = await add_expert(story, "Ida", languages=["es"]), await add_expert(story, "Ole")
    path = path_of(await story.open(priority="high"))
    for engineer_id in (story.engineer_id, ida.id):  # takes it, and gives it away
        await story.engineer.post(f"{path}/assign", engineer_id=engineer_id)
    await story.product.post(f"{path}/assign", engineer_id=ole.id)
    await send(story.sessions, channels)
    messages = sorted(mailbox.messages, key=lambda message: message["Message-ID"])
    found = [(message["To"], message["Subject"].partition(" · ")[0]) for message in messages]
    assert found == [
        ("ida@example.com", "Se le ha asignado un ticket"),
        ("ole@example.com", "A ticket is assigned to you"),
        ("ida@example.com", "Este ticket ya no está a su cargo"),
    ]
    assert "Prioridad: Alta" in messages[0].get_content()


async def test_z_premium_the_operators_contact_gets_mail_in_a_managers_place(
    begin: Begin, channels: tuple[Channel, ...], mailbox: Mailbox, sessions: Sessions
) -> None:
    sessions.kw["info"]["stand_in"] = Settings(escalation_contact="lead@example.com").stand_in
    story = await begin("google-premium")
    await fetch(sessions, "UPDATE engineers SET active = false")
    await story.open(**P1)
    await send(sessions, channels)
    [message] = mailbox.messages
    assert (message["To"], message["Subject"].partition(" · ")[0]) == ("lead@example.com", "No expert is available")
    assert "You receive this as: escalation contact" in message.get_content()


async def test_what_the_server_does_not_take_is_tried_again_and_then_given_up(
    story: Story, channels: tuple[Channel, ...], mailbox: Mailbox
) -> None:
    await story.open(**P1)
    mailbox.refuse = "451 Try again later"
    for attempt in range(1, len(DELAYS) + 1):
        await fetch(story.sessions, "UPDATE notices SET next_attempt_at = now()")
        assert await send(story.sessions, channels) == 1
        [row] = await stored(story.sessions)
        assert (row["attempts"], "451" in row["error"], row["claim_id"]) == (attempt, True, None)
        assert row["state"] == ("failed" if attempt == len(DELAYS) else "pending")
    assert row["next_attempt_at"] is None
    mailbox.refuse = ""
    assert await send(story.sessions, channels) == 0
    assert mailbox.messages == []


async def test_two_replicas_send_each_notice_once(
    story: Story, channels: tuple[Channel, ...], mailbox: Mailbox
) -> None:
    for _ in range(25):
        await story.open(**P1)
    sent = await asyncio.gather(*(send(story.sessions, channels) for _ in range(2)))
    assert sum(sent) == len({message["Message-ID"] for message in mailbox.messages}) == len(mailbox.messages) == 25


async def test_where_no_channel_is_configured_it_is_said_and_nothing_piles_up(story: Story) -> None:
    await story.open(**P1)
    assert await send(story.sessions, ()) == 1
    [row] = await stored(story.sessions)
    assert (row["state"], row["next_attempt_at"]) == ("no_channel", None)


async def test_a_sandbox_tells_nobody(begin: Begin) -> None:
    story = await begin("wati-business-plus", tam=TOM, addons=["tam"], sandbox=True)
    await story.open(**P1)
    assert await stored(story.sessions) == []


@pytest.fixture
async def hook() -> AsyncIterator[tuple[str, list[Any]]]:
    """A receiver of Apprise's JSON notifications."""
    taken: list[Any] = []

    async def take(request: web.Request) -> web.Response:
        taken.append({**await request.json(), "way": request.headers.get(HEADER)})
        return web.Response()

    app = web.Application()
    app.router.add_post("/", take)
    runner, port = web.AppRunner(app), free_port()
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield f"json://127.0.0.1:{port}/", taken
    await runner.cleanup()


@ITS_IMPORTS
async def test_apprise_is_told_too_and_mail_is_not_repeated(
    story: Story, channels: tuple[Channel, ...], mailbox: Mailbox, hook: tuple[str, list[Any]]
) -> None:
    url, taken = hook
    ticket = await story.open(**P1)
    broken = configured(Settings(apprise_urls=["json://127.0.0.1:1/"]))
    await send(story.sessions, (*channels, *broken))
    [row] = await stored(story.sessions)
    assert (row["state"], row["sent_by"], "apprise" in row["error"]) == ("pending", ["mail"], True)
    await fetch(story.sessions, "UPDATE notices SET next_attempt_at = now()")
    await send(story.sessions, (*channels, *configured(Settings(apprise_urls=[url]))))
    [row] = await stored(story.sessions)
    assert (row["state"], row["sent_by"], row["error"]) == ("sent", ["mail", "apprise"], None)
    assert len(mailbox.messages) == 1
    [message] = taken
    assert ticket["number"] in message["title"]
    assert [{"id": message["way"]}] == [
        dict(row) for row in await fetch(story.sessions, "SELECT id FROM installations")
    ]


@ITS_IMPORTS
@pytest.mark.parametrize(
    "settings",
    [
        {"smtp_url": "http://127.0.0.1", "mail_from": "a@example.com"},
        {"smtp_url": "smtp://", "mail_from": "a@example.com"},
        {"smtp_url": "smtp://127.0.0.1:25", "mail_from": ""},
        {"apprise_urls": ["nothing-like-it://x"]},
    ],
)
def test_a_setting_that_cannot_work_is_refused_at_once(settings: dict[str, Any]) -> None:
    with pytest.raises(Unconfigurable, match=r"HELIODESK_|Apprise"):
        configured(Settings(**settings))
