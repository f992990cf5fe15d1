"""Mails to requesters: what is told of a ticket, to whom, when, and how it is sent."""

import asyncio

import pytest

from app.core.db.session import driver, transaction
from app.core.db.statements.bulk import write
from app.mail.gathering import Gathering
from app.notices.outbox.mailings import gathering, mail_secret
from app.notices.tokens import ticket_of_reply
from tests.mail.conftest import SITE, Mails, texts
from tests.support.actors import make_person
from tests.support.desk import fetch, store_plan
from tests.support.experts import add_expert
from tests.support.stories import P1, Begin, Caller, Story, path_of
from tests.support.waiting import until_blocked

ANA = {"name": "Ana Silva", "email": "ana@example.com", "locale": "es"}
LINK = "https://meet.example.com/war-room"


@pytest.fixture
async def story(begin: Begin) -> Story:
    return await begin("itil-native")


async def test_what_happens_within_a_minute_is_one_mail_in_the_requesters_language(story: Story, mails: Mails) -> None:
    path = path_of(await story.open(requester=ANA, title="Copias <b>fallidas</b>"))
    await story.engineer.post(f"{path}/messages", 201, body="We <i>look</i> into it")
    await story.engineer.post(f"{path}/messages", 201, body="A note", visibility="internal")
    await story.engineer.post(f"{path}/status", status="waiting_on_customer", message="Which version?")
    assert await Gathering(story.sessions).run_pass() == 0
    [message] = await mails.send()
    ticket = await story.customer.get(path)
    assert message["To"] == "ana@example.com"
    assert message["Subject"] == f"{ticket['number']}: Copias <b>fallidas</b>"
    text, page = texts(message)
    lines = [
        "Nuestra primera respuesta",
        "We <i>look</i> into it",
        "Respuesta de",
        "Which version?",
        "Esperamos su respuesta",
    ]
    places = [text.index(line) for line in lines]
    assert places == sorted(places)
    assert "A note" not in text
    assert "We &lt;i&gt;look&lt;/i&gt; into it" in page
    assert "<i>" not in page
    assert await mails.send() == []


async def test_where_a_ticket_says_no_language_its_mails_are_in_that_of_the_accounts_person(
    story: Story, mails: Mails
) -> None:
    for email, locale in (("ana@example.com", "fr"), ("tom@example.com", "pl")):
        await make_person(story.sessions, story.account.account_id, email, "editor")
        await fetch(story.sessions, "UPDATE people SET locale = $2 WHERE email = $1 RETURNING id", email, locale)
    ana = {"name": "Ana Silva", "email": "ana@example.com"}
    followers = [{"email": "tom@example.com"}, {"email": "eva@example.com"}]
    path = path_of(await story.open(requester=ana, watchers=followers))
    await story.engineer.post(f"{path}/messages", 201, body="One")
    found = {mail["To"]: mail for mail in await mails.send()}
    greeted = {to: texts(mail)[0].splitlines()[1].partition(",")[0] for to, mail in found.items()}
    ours = "Notre première réponse"
    assert greeted == {"ana@example.com": ours, "tom@example.com": "Nasza pierwsza odpowiedź", "eva@example.com": ours}
    for to, language in (("ana@example.com", "fr"), ("tom@example.com", "pl"), ("eva@example.com", "fr")):
        link = found[to]["List-Unsubscribe"].strip(" <>").removeprefix(SITE)
        assert f'lang="{language}"' in (await story.customer.client.get(link)).text


async def test_mails_of_one_ticket_are_a_thread_that_one_click_ends(story: Story, mails: Mails) -> None:
    mails.domain = "in.example.com"
    ticket = await story.open(requester=ANA)
    found = []
    for body in ("One", "Two"):
        await story.engineer.post(f"{path_of(ticket)}/messages", 201, body=body)
        found += await mails.send()
    root = f"<{ticket['id']}@helpers.example>"
    assert [(one["In-Reply-To"], one["References"]) for one in found] == [(root, root)] * 2
    assert len({one["Message-ID"] for one in found}) == 2
    assert {one["Auto-Submitted"] for one in found} == {"auto-generated"}
    [(reply, unsubscribe)] = {(one["Reply-To"], one["List-Unsubscribe"]) for one in found}
    async with story.sessions() as session:
        secret = await mail_secret(session)
    local, _, domain = reply.partition("@")
    assert (domain, ticket_of_reply(secret, local.removeprefix("support+"))) == ("in.example.com", ticket["id"])
    assert unsubscribe.strip().startswith(f"<{SITE}/m/")
    assert {one["List-Unsubscribe-Post"] for one in found} == {"List-Unsubscribe=One-Click"}
    assert "responda a este correo" in texts(found[0])[0]


async def test_the_link_in_a_mail_opens_the_ticket_with_the_rights_of_its_reader(story: Story, mails: Mails) -> None:
    await make_person(story.sessions, story.account.account_id, "ana@example.com", "viewer")
    ticket = await story.open(requester=ANA)
    await story.engineer.post(f"{path_of(ticket)}/messages", 201, body="One")
    [message] = await mails.send()
    [link] = [line for line in texts(message)[0].splitlines() if line.startswith(f"{SITE}/help#")]
    ticket_id, _, secret = link.partition("#")[2].partition("/")
    reader = Caller(story.customer.client, {"Authorization": f"Bearer {secret}"})
    assert (await reader.get(f"/v1/tickets/{ticket_id}"))["id"] == ticket["id"]
    await reader.post(f"/v1/tickets/{ticket_id}/messages", 403, body="x")


async def test_nobody_is_told_what_they_have_done_themselves_but_what_a_colleague_has(
    story: Story, mails: Mails
) -> None:
    for email in ("ana@example.com", "tom@example.com"):
        await make_person(story.sessions, story.account.account_id, email, "editor")
    path = path_of(await story.open(requester=ANA))
    for actor in (None, {"email": "ana@example.com"}):
        await story.customer.post(f"{path}/messages", 201, body="Mine", **({"actor": actor} if actor else {}))
    assert await mails.send() == []
    await story.customer.post(f"{path}/messages", 201, body="Theirs", actor={"email": "tom@example.com"})
    [message] = await mails.send()
    assert "Theirs" in texts(message)[0]
    assert "Mine" not in texts(message)[0]


async def test_a_call_is_told_at_once_and_everything_else_of_a_p1_by_its_kind(begin: Begin, mails: Mails) -> None:
    story = await begin("google-premium")
    ticket = await story.open(**P1, requester=ANA, call_link=LINK)
    assert await Gathering(story.sessions).run_pass() == 1
    [message] = await mails.send()
    assert f'href="{LINK}"' in texts(message)[1]
    path = path_of(ticket)
    asked = {"reason": "no_update", "justification": "Three hours"}
    escalation = await story.customer.post(f"{path}/escalations", 201, **asked)
    assert await mails.send() == []
    await story.product.post(f"/v1/escalations/{escalation['id']}/decline", reason="The update is not due yet")
    ola = await add_expert(story, "Ola")
    await story.product.post(f"{path}/assign", engineer_id=story.engineer_id)
    await story.product.post(f"{path}/assign", engineer_id=ola.id)
    [message] = await mails.send()
    text = texts(message)[0]
    assert "The update is not due yet" in text
    assert "Ola" in text


async def test_the_plan_says_of_what_requesters_are_told(begin: Begin, mails: Mails) -> None:
    story = await begin("itil-native")
    await store_plan(story.sessions, "itil-native", mails=["first_answer"])
    path = path_of(await story.open(requester=ANA))
    for body in ("One", "Two"):
        await story.engineer.post(f"{path}/messages", 201, body=body)
    await story.engineer.post(f"{path}/status", status="mitigated")
    [message] = await mails.send()
    text = texts(message)[0]
    assert "One" in text
    assert "Two" not in text
    await story.engineer.post(f"{path}/messages", 201, body="Three")
    assert await mails.send() == []


async def test_nothing_gathers_where_there_is_no_mail_server_nor_in_a_sandbox(begin: Begin, mails: Mails) -> None:
    story = await begin("itil-native", sandbox=True)
    await story.engineer.post(f"{path_of(await story.open())}/messages", 201, body="One")
    mails.sessions.kw["info"]["mails"] = False
    story = await begin("itil-native")
    await story.engineer.post(f"{path_of(await story.open())}/messages", 201, body="One")
    assert await fetch(story.sessions, "SELECT 1 FROM mailings") == []


async def test_what_is_written_while_mails_are_made_is_told_by_the_next_ones(story: Story, mails: Mails) -> None:
    path = path_of(await story.open(requester=ANA))
    await story.engineer.post(f"{path}/messages", 201, body="One")
    await mails.due()
    async with transaction(story.sessions) as session:  # whoever makes the mail
        await (await driver(session)).execute("DELETE FROM mailings")
        writing = asyncio.create_task(story.engineer.post(f"{path}/messages", 201, body="Two"))
        await until_blocked(story.sessions)
    await writing
    [message] = await mails.send()
    assert "Two" in texts(message)[0]
    assert "One" not in texts(message)[0]


async def test_a_mail_waits_for_what_is_being_written(story: Story, mails: Mails) -> None:
    ticket = await story.open(requester=ANA)
    await story.engineer.post(f"{path_of(ticket)}/messages", 201, body="One")
    await mails.due()
    row = {"account_id": ticket["account_id"], "ticket_id": ticket["id"], "since": 99, "urgent": False}
    async with transaction(story.sessions) as session:
        await write(session, gathering([row]))
        assert await Gathering(story.sessions).run_pass() == 0
    assert await Gathering(story.sessions).run_pass() == 1


async def test_a_mail_that_cannot_be_made_holds_up_no_other(story: Story, mails: Mails) -> None:
    opened = [await story.open(requester=ANA) for _ in range(2)]
    for ticket in opened:
        await story.engineer.post(f"{path_of(ticket)}/messages", 201, body="One")
    await fetch(story.sessions, "UPDATE tickets SET watchers = '[1]' WHERE id = $1 RETURNING 1", opened[0]["id"])
    assert len(await mails.send()) == 1
    [row] = await fetch(story.sessions, "SELECT ticket_id, due_at > now() AS later FROM mailings")
    assert (row["ticket_id"], row["later"]) == (opened[0]["id"], True)
    await fetch(story.sessions, "UPDATE tickets SET watchers = NULL RETURNING 1")
    assert len(await mails.send()) == 1


async def test_a_mail_is_shown_to_support_and_tried_again_like_other_notices(story: Story, mails: Mails) -> None:
    ticket = await story.open(requester=ANA)
    await story.engineer.post(f"{path_of(ticket)}/messages", 201, body="One")
    mails.mailbox.refuse = "451 Try again later"
    assert await mails.send() == []
    [shown] = (await story.engineer.get(f"{path_of(ticket)}/notices"))["items"]
    assert (shown["role"], shown["email"], shown["state"]) == ("requester", "ana@example.com", "pending")
    assert "451" in shown["error"]
    mails.mailbox.refuse = ""
    await fetch(story.sessions, "UPDATE notices SET next_attempt_at = now() RETURNING 1")
    [message] = await mails.send()
    assert message["Message-ID"] == f"<{shown['id']}.{ticket['id']}@helpers.example>"
