"""An engineer answers an alert by the link in a message: ``/a/{token}``."""

from datetime import datetime, timedelta

import httpx
import pytest
from structlog.testing import capture_logs

from app.core.logging import hide_secrets
from app.tickets.api.answering.texts import WORDS
from tests.support.actors import make_key
from tests.support.answering import BASE, alert_of, linked
from tests.support.desk import fetch
from tests.support.experts import Expert, add_expert
from tests.support.stories import Begin, Caller, Story, path_of


@pytest.fixture
async def story(begin: Begin) -> Story:
    """A desk whose first engineer is gone: Ida is the only one."""
    story = await begin("google-premium")
    admin = Caller(story.customer.client, await make_key(story.sessions, "admin"))
    await admin.patch(f"/v1/engineers/{story.engineer_id}", active=False)
    return story


@pytest.fixture
async def ida(story: Story) -> Expert:
    return await add_expert(story, "Ida", languages=["pl"], time_zone="Asia/Kolkata")


async def test_a_get_shows_the_ticket_and_changes_nothing(story: Story, ida: Expert, client: httpx.AsyncClient) -> None:
    ticket, link = await linked(story, title="<b>Checkout</b> is down & out")
    for method in ("GET", "HEAD", "GET"):
        answer = await client.request(method, link, headers={"User-Agent": "Slackbot-LinkExpanding 1.0"})
        assert answer.status_code in (200, 405)
    assert ticket["number"] in answer.text
    assert "&lt;b&gt;Checkout&lt;/b&gt; is down &amp; out" in answer.text
    assert "Priorytet: P1: krytyczny" in answer.text
    accept_by = datetime.fromisoformat((await alert_of(story))["accept_by"]) + timedelta(hours=5, minutes=30)
    assert f"{accept_by:%H:%M:%S} (Asia/Kolkata)" in answer.text
    assert '<html lang="pl">' in answer.text
    assert answer.text.count("<form") == 2
    assert (await alert_of(story))["state"] == "alerted"
    assert ida.id == (await alert_of(story))["engineer_id"]


async def test_the_page_runs_nothing_and_is_neither_kept_nor_passed_on(
    story: Story, ida: Expert, client: httpx.AsyncClient
) -> None:
    del ida
    _, link = await linked(story)
    answer = await client.get(link)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script" not in policy + answer.text
    assert "unsafe" not in policy
    assert "form-action 'self'; frame-ancestors 'none'; base-uri 'none'" in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Content-Type"].startswith("text/html")


async def test_one_tap_accepts_as_the_engineer(story: Story, ida: Expert, client: httpx.AsyncClient) -> None:
    ticket, link = await linked(story)
    answer = await client.post(f"{link}/accept")
    assert (answer.status_code, WORDS["accepted"].to("pl") in answer.text) == (200, True)
    assert (await story.product.get(path_of(ticket)))["status"] == "open"
    [event] = await story.events(path_of(ticket), "expert.accepted", who=story.product)
    assert event["actor"] == {"kind": "engineer", "id": ida.id, "name": "Ida"}
    for again in (await client.post(f"{link}/decline"), await client.get(link)):
        assert "To zgłoszenie zostało już przyjęte (Ida)." in again.text
        assert "<form" not in again.text
    assert (await alert_of(story))["state"] == "accepted"


async def test_declining_says_who_is_asked_next(story: Story, ida: Expert, client: httpx.AsyncClient) -> None:
    ticket, link = await linked(story)
    await add_expert(story, "Ole")
    answer = await client.post(f"{link}/decline")
    assert "Powiadomiono kolejną osobę: Ole." in answer.text
    [event] = await story.events(path_of(ticket), "expert.declined", who=story.product)
    assert event["actor"]["id"] == ida.id
    assert (await alert_of(story))["state"] == "alerted"
    assert "Ida" in (await client.get(link)).text


async def test_declining_says_when_nobody_is_left(story: Story, ida: Expert, client: httpx.AsyncClient) -> None:
    del ida
    _, link = await linked(story)
    assert WORDS["nobody"].to("pl") in (await client.post(f"{link}/decline")).text


@pytest.mark.parametrize("how", ["expired", "cancelled", "by support"])
async def test_a_link_ends_with_its_alert(story: Story, ida: Expert, client: httpx.AsyncClient, how: str) -> None:
    del ida
    ticket, link = await linked(story, title="A secret title")
    if how == "expired":
        await fetch(story.sessions, "UPDATE alerts SET accept_by = now()")
        expected = WORDS["expired"].to("pl")
    elif how == "cancelled":
        await story.customer.post(f"{path_of(ticket)}/withdraw", reason="It works again")
        expected = WORDS["cancelled"].to("pl")
    else:
        await story.product.post(f"/v1/alerts/{(await alert_of(story))['id']}/accept")
        expected = "zostało już przyjęte"
    for answer in (await client.get(link), await client.post(f"{link}/accept")):
        assert expected in answer.text
        assert "A secret title" not in answer.text
        assert "<form" not in answer.text


@pytest.mark.parametrize("token", ["hd_answer_" + "0" * 40, "x", "hd_answer_%2e%2e"])
async def test_a_link_that_is_not_known_says_so(client: httpx.AsyncClient, token: str) -> None:
    for answer in (await client.get(f"/a/{token}"), await client.post(f"/a/{token}/accept")):
        assert (answer.status_code, WORDS["unknown"].to("en") in answer.text) == (404, True)
        assert answer.headers["Cache-Control"] == "no-store"


async def test_a_link_that_is_not_known_says_so_in_its_reader_s_language(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get(f"/a/hd_answer_{'0' * 40}", headers={"Accept-Language": "fr"})
    assert '<html lang="fr">' in answer.text
    assert "Ce lien n&#x27;est pas valide" in answer.text


async def test_only_the_hash_of_a_link_is_kept_and_no_log_has_it(
    story: Story, ida: Expert, client: httpx.AsyncClient
) -> None:
    del ida
    _, link = await linked(story)
    token = link.removeprefix(BASE)
    with capture_logs([hide_secrets]) as lines:
        await client.get(link)
        await client.post(f"{link}/accept")
    assert [line["path"] for line in lines if line["event"] == "request"] == ["/a/hd_answer_[hidden]"] * 2
    assert token not in str(lines)
    for table in ("alert_links", "notices", "events", "pages"):
        assert token not in str(await fetch(story.sessions, f"SELECT * FROM {table}"))  # noqa: S608  our own names
    assert await fetch(story.sessions, "SELECT FROM alert_links") != []
