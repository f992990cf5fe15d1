"""Who wants no mails about a ticket, says so with one click; and guests confirm their address in the same way."""

import re

import pytest

from app.core.state import State
from tests.mail.conftest import SITE, Mails, texts
from tests.support.actors import make_key, make_person
from tests.support.desk import fetch
from tests.support.identities import ORIGIN
from tests.support.refusals import use_up_requests
from tests.support.stories import TICKET, Begin, Caller, Story, path_of

ANA = {"name": "Ana Silva", "email": "ana@example.com", "locale": "de"}


@pytest.fixture
async def story(begin: Begin) -> Story:
    return await begin("itil-native")


async def answered(story: Story, mails: Mails, path: str) -> str | None:
    """The path of the link that mutes the ticket, in the mail about another answer; None where there is no mail."""
    await story.engineer.post(f"{path}/messages", 201, body="One")
    found = await mails.send()
    return found[0]["List-Unsubscribe"].strip(" <>").removeprefix(SITE) if found else None


async def test_one_click_mutes_the_ticket_and_another_one_unmutes_it(story: Story, state: State, mails: Mails) -> None:
    client, path = story.customer.client, path_of(await story.open(requester=ANA))
    link = await answered(story, mails, path)
    assert link is not None
    shown = await client.get(link)
    assert (shown.status_code, "Diese E-Mails abbestellen" in shown.text) == (200, True)
    assert "ana@example.com" not in shown.text
    assert await answered(story, mails, path) == link  # a GET changes nothing
    done = await client.post(link, data={"List-Unsubscribe": "One-Click"})
    assert (done.status_code, "Wir senden Ihnen keine E-Mails" in done.text) == (200, True)
    assert await answered(story, mails, path) is None
    [action] = re.findall(r'action="([^"]+)"', done.text)
    assert (await client.post(action)).status_code == 200
    assert await answered(story, mails, path) == link
    use_up_requests(state, story.account.account_id)
    assert {(await client.get(link)).status_code, (await client.post(link)).status_code} == {429}


@pytest.mark.parametrize("path", ["/m/x", "/m/" + "0" * 58, "/m/x/on"])
async def test_a_link_that_was_not_made_changes_nothing(story: Story, path: str) -> None:
    answer = await story.customer.client.post(path)
    assert (answer.status_code, "This link is not valid" in answer.text) == (404, True)


async def test_mails_are_muted_by_an_operation_too(story: Story, mails: Mails) -> None:
    path = path_of(await story.open(requester=ANA))
    muted = await story.customer.post(f"{path}/mute")
    assert muted == {"ticket_id": path.rpartition("/")[2], "email": "ana@example.com", "muted": True}
    assert await answered(story, mails, path) is None
    assert not (await story.customer.post(f"{path}/unmute", email="ANA@example.com"))["muted"]
    assert await answered(story, mails, path) is not None
    await story.customer.post(f"{path}/mute", 422, email="nobody@example.com")


async def test_whoever_mutes_without_an_address_mutes_for_themselves_and_never_for_the_requester(story: Story) -> None:
    for email in ("tom@example.com", "eve@example.com"):
        await make_person(story.sessions, story.account.account_id, email, "editor")
    path = path_of(await story.open(requester=ANA, watchers=[{"email": "tom@example.com"}]))
    muted = await story.customer.post(f"{path}/mute", actor={"email": "tom@example.com"})
    assert (muted["email"], muted["muted"]) == ("tom@example.com", True)
    for way in ("mute", "unmute"):
        refused = await story.customer.post(f"{path}/{way}", 422, actor={"email": "eve@example.com"})
        assert [each["pointer"] for each in refused["errors"]] == ["/actor/email"]
    kept = await fetch(story.sessions, "SELECT email FROM ticket_mutes WHERE ticket_id = $1", path.rpartition("/")[2])
    assert [each["email"] for each in kept] == ["tom@example.com"]


async def test_a_visitor_mutes_nobody_else(story: Story) -> None:
    path = path_of(await story.open(requester=ANA))
    link = await story.customer.post(f"{path}/links", 201, email="tom@example.com")
    tom = Caller(story.customer.client, {"Authorization": f"Bearer {link['token']}"})
    await tom.post(f"{path}/mute", 403, email="ana@example.com")
    await tom.post(f"{path}/mute", 422)


async def test_a_guest_gets_answers_by_mail_once_they_have_asked_for_them_by_the_link(
    story: Story, mails: Mails
) -> None:
    account = story.account.account_id
    key = await make_key(story.sessions, "widget", account_id=account, allowed_origins=[ORIGIN])
    guest = Caller(story.customer.client, key | {"Origin": ORIGIN})
    path = path_of(await guest.post("/v1/tickets", 201, **TICKET | {"requester": ANA}))
    [message] = await mails.send()
    assert "List-Unsubscribe" in message
    [link] = [line for line in texts(message)[0].splitlines() if line.startswith(f"{SITE}/m/")]
    assert await answered(story, mails, path) is None
    assert (await story.product.post(f"{path}/unmute"))["muted"]
    assert await answered(story, mails, path) is None
    shown = await guest.client.get(link.removeprefix(SITE))
    [action] = re.findall(r'action="([^"]+)"', shown.text)
    assert (await guest.client.post(action)).status_code == 200
    assert await answered(story, mails, path) is not None


async def test_an_address_that_the_host_product_has_not_verified_gets_no_mails(story: Story, mails: Mails) -> None:
    path = path_of(await story.open(requester=ANA))
    await fetch(story.sessions, "UPDATE tickets SET address_unconfirmed = true RETURNING 1")
    assert await answered(story, mails, path) is None
    assert await fetch(story.sessions, "SELECT 1 FROM mailings") == []
