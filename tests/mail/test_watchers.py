"""Watchers: further people follow a ticket, hear what its requester hears, see it, and answer by their role."""

from dataclasses import replace
from typing import Any

import pytest

from app.core.clock import wall_now
from app.core.db.engine import Sessions
from app.tickets.background import former_addresses
from app.tickets.background.former_addresses import Parting
from app.tickets.watcher_schemas import MOST_WATCHERS
from tests.mail.conftest import SITE, Mails, texts
from tests.support.actors import make_key, make_person
from tests.support.desk import fetch
from tests.support.experts import add_expert
from tests.support.identities import ORIGIN, SECRET, claims, token
from tests.support.stories import Begin, Caller, Story, path_of

ANA = {"name": "Ana Silva", "email": "ana@example.com"}
TOM = {"name": "Tom Berg", "email": "tom@example.com", "locale": "pl"}


@pytest.fixture
async def story(begin: Begin) -> Story:
    return await begin("itil-native")


async def visitor(story: Story, sessions: Sessions, email: str, *, verified: bool = True, **more: Any) -> Caller:
    """Somebody in the host product's page, whose token has this address."""
    signed = [{"kid": "k1", "alg": "HS256", "key": SECRET}]
    account = story.account.account_id
    key = await make_key(sessions, "widget", account_id=account, allowed_origins=[ORIGIN], jwt_keys=signed)
    stated = claims(wall_now(), email=email, sub=email, external_ref=None, email_verified=verified, **more)
    identity = {"Heliodesk-Identity": token({name: value for name, value in stated.items() if value is not None})}
    return Caller(story.customer.client, key | {"Origin": ORIGIN} | identity)


async def answered(story: Story, mails: Mails, path: str) -> list[Any]:
    await story.engineer.post(f"{path}/messages", 201, body="One")
    return await mails.send()


async def test_watchers_get_what_the_requester_gets_in_their_language(story: Story, mails: Mails) -> None:
    ticket = await story.open(requester=ANA, watchers=[TOM, ANA, TOM])
    assert ticket["watchers"] == [TOM]
    path = path_of(ticket)
    assert (await story.customer.get(path))["watchers"] == [TOM]
    to_ana, to_tom = await answered(story, mails, path)
    assert (to_ana["To"], to_tom["To"]) == ("ana@example.com", "tom@example.com")
    assert "Nasza pierwsza odpowiedź" in texts(to_tom)[0]
    assert "obserwują Państwo" in texts(to_tom)[0]
    await story.customer.post(f"{path}/mute", email="tom@example.com")
    assert [message["To"] for message in await answered(story, mails, path)] == ["ana@example.com"]


async def test_a_watcher_answers_by_the_link_and_the_requester_is_told(story: Story, mails: Mails) -> None:
    path = path_of(await story.open(requester=ANA, watchers=[TOM]))
    _, to_tom = await answered(story, mails, path)
    [link] = [line for line in texts(to_tom)[0].splitlines() if line.startswith(f"{SITE}/help#")]
    tom = Caller(story.customer.client, {"Authorization": f"Bearer {link.rpartition('/')[2]}"})
    await tom.post(f"{path}/messages", 201, body="It is worse here")
    [message] = await mails.send()
    assert message["To"] == "ana@example.com"
    assert "It is worse here" in texts(message)[0]
    unwatched = await tom.post(f"{path}/unwatch")
    assert unwatched["watchers"] == []
    await tom.get(path, 401)
    assert [message["To"] for message in await answered(story, mails, path)] == ["ana@example.com"]


async def test_a_watcher_whom_nobody_has_named_is_not_told_what_they_say_themselves(
    story: Story, mails: Mails, sessions: Sessions
) -> None:
    path = path_of(await story.open(requester=ANA, watchers=[{"email": TOM["email"]}]))
    _, to_tom = await answered(story, mails, path)
    [link] = [line for line in texts(to_tom)[0].splitlines() if line.startswith(f"{SITE}/help#")]
    by_link = Caller(story.customer.client, {"Authorization": f"Bearer {link.rpartition('/')[2]}"})
    in_page = await visitor(story, sessions, "tom@example.com", name="Tom Berg")
    for tom, name in ((by_link, None), (in_page, "Tom Berg")):
        await tom.post(f"{path}/messages", 201, body="It is worse here")
        assert [message["To"] for message in await mails.send()] == ["ana@example.com"]
        assert [each.get("name") for each in (await story.customer.get(path))["watchers"]] == [name]


async def test_a_requester_from_outside_is_not_told_what_they_do_under_another_name(
    story: Story, mails: Mails, sessions: Sessions
) -> None:
    before, later = [await visitor(story, sessions, "eva@example.com", name=name) for name in ("Eva Lund", "E. Berg")]
    path = path_of(await before.post("/v1/tickets", 201, title="x", description="x"))
    await mails.send()
    posted = await later.post(f"{path}/messages", 201, body="It is worse here")
    assert posted["author"]["name"] == "Eva Lund"
    await later.post(f"{path}/escalations", 201, reason="no_update", justification="Nobody answers")
    assert await mails.send() == []


async def test_watching_changes_nothing_for_the_requester_and_takes_an_engineer_as_anybody(
    story: Story, mails: Mails
) -> None:
    path = path_of(await story.open(requester=ANA))
    assert (await story.customer.post(f"{path}/watch", email="Ana@example.com"))["watchers"] == []
    assert await story.events(path, "ticket.updated") == []
    ida = await add_expert(story, "Ida")
    assert (await story.product.post(f"{path}/watch", email="ida@example.com"))["watchers"] == [
        {"email": "ida@example.com"}
    ]
    await story.engineer.post(f"{path}/messages", 201, body="One")
    to_ana, to_ida = await mails.send()
    assert (to_ana["To"], to_ida["To"]) == ("ana@example.com", "ida@example.com")
    [link] = [line for line in texts(to_ida)[0].splitlines() if line.startswith(f"{SITE}/help#")]
    by_link = Caller(story.customer.client, {"Authorization": f"Bearer {link.rpartition('/')[2]}"})
    posted = await by_link.post(f"{path}/messages", 201, body="Mine")
    assert (posted["author"]["kind"], posted["author"].get("id")) != ("engineer", ida.id)
    bad = await story.customer.post(f"{path}/watch", 422, email="tom")
    assert bad["errors"][0]["detail"].startswith("No mail can be sent to this address: ")


async def test_a_watcher_sees_the_ticket_where_they_otherwise_see_their_own_alone(
    story: Story, sessions: Sessions
) -> None:
    path = path_of(await story.open(requester=ANA))
    tom = await visitor(story, sessions, "tom@example.com")
    await tom.get(path, 404)
    await story.customer.post(f"{path}/watch", **TOM)
    assert (await tom.get(path))["watchers"] == [TOM]
    assert [each["id"] for each in (await tom.get("/v1/tickets"))["items"]] == [path.rpartition("/")[2]]
    await tom.post(f"{path}/messages", 201, body="Me too")
    unverified = await visitor(story, sessions, "tom@example.com", verified=False)
    await unverified.get(path, 404)
    await story.customer.post(f"{path}/unwatch", email="Tom@example.com")
    await tom.get(path, 404)


async def test_a_viewer_who_follows_a_ticket_still_only_reads(story: Story, sessions: Sessions) -> None:
    await make_person(sessions, story.account.account_id, "tom@example.com", "viewer")
    path = path_of(await story.open(requester=ANA, watchers=[TOM]))
    tom = await visitor(story, sessions, "tom@example.com")
    await tom.get(path)
    await tom.post(f"{path}/messages", 403, body="x")
    await tom.post(f"{path}/watch", 403, email="eva@example.com")


async def test_whoever_is_deleted_only_reads_and_soon_follows_nothing(
    story: Story, mails: Mails, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(former_addresses, "BATCH", 1)
    account = story.account.account_id
    person = await make_person(sessions, account, "tom@example.com", "viewer")
    paths = [path_of(await story.open(requester=ANA, watchers=[TOM])) for _ in "ab"]
    _, to_tom = await answered(story, mails, paths[0])
    [link] = [line for line in texts(to_tom)[0].splitlines() if line.startswith(f"{SITE}/help#")]
    by_link = Caller(story.customer.client, {"Authorization": f"Bearer {link.rpartition('/')[2]}"})
    in_page = await visitor(story, sessions, "tom@example.com")
    admin = Caller(story.customer.client, await make_key(sessions, "admin"))
    removed = await admin.send("DELETE", f"/v1/accounts/{account}/people/{person.id}")
    assert removed.status_code == 204
    for tom in (by_link, in_page):
        await tom.get(paths[0])
        await tom.post(f"{paths[0]}/messages", 403, body="x")
    assert [message["To"] for message in await answered(story, mails, paths[0])] == ["ana@example.com"]
    assert await Parting(sessions).run_pass() == len(paths)
    for path in paths:
        assert (await story.customer.get(path))["watchers"] == []
        assert (await story.events(path, "ticket.updated"))[-1]["data"]["fields"] == {"watchers": []}
        await in_page.get(path, 404)
    await by_link.get(paths[0], 401)
    assert await fetch(sessions, "SELECT FROM former_addresses") == []
    await in_page.post("/v1/tickets", 201, title="x", description="x")  # what the host product vouches for, as before


async def test_a_person_with_another_address_follows_under_that_one(story: Story, sessions: Sessions) -> None:
    account = story.account.account_id
    admin = Caller(story.customer.client, await make_key(sessions, "admin"))
    person = await make_person(sessions, account, "tom@example.com", "editor")
    tom = f"/v1/accounts/{account}/people/{person.id}"
    path, own = [path_of(await story.open(requester=who, watchers=[TOM])) for who in (ANA, ANA | {"email": "t@e.com"})]
    await admin.patch(tom, email="t@e.com")
    await Parting(sessions).run_pass()
    assert (await story.customer.get(path))["watchers"] == [TOM | {"email": "t@e.com"}]
    assert (await story.customer.get(own))["watchers"] == []
    await (await visitor(story, sessions, "t@e.com")).post(f"{path}/messages", 201, body="x")
    await admin.patch(tom, email="tom@example.com")
    await admin.patch(tom, email="t@e.com")
    await Parting(sessions).run_pass()
    assert (await story.customer.get(path))["watchers"] == [TOM | {"email": "t@e.com"}]


async def test_whom_the_account_does_not_know_lets_nobody_follow(story: Story, sessions: Sessions) -> None:
    tom = await visitor(story, sessions, "tom@example.com")
    opened = {"title": "x", "description": "x"}
    await tom.post("/v1/tickets", 403, **opened, watchers=[{"email": "victim@example.com"}])
    path = path_of(await tom.post("/v1/tickets", 201, **opened))
    await tom.post(f"{path}/watch", 403, email="victim@example.com")
    await tom.post(f"{path}/unwatch", 403, email="ana@example.com")
    guest = replace(tom, key={name: value for name, value in tom.key.items() if name != "Heliodesk-Identity"})
    await guest.post("/v1/tickets", 403, **opened, requester=ANA, watchers=[{"email": "victim@example.com"}])


async def test_a_ticket_has_so_many_watchers_and_each_once(story: Story) -> None:
    many = [{"email": f"w{number}@example.com"} for number in range(MOST_WATCHERS)]
    await story.customer.post("/v1/tickets", 422, title="x", description="x", requester=ANA, watchers=[*many, TOM])
    path = path_of(await story.open(requester=ANA, watchers=many[1:]))
    for _ in range(2):
        watched = await story.customer.post(f"{path}/watch", email="w0@example.com")
        assert len(watched["watchers"]) == MOST_WATCHERS
    await story.customer.post(f"{path}/watch", 409, **TOM)
    await story.product.post(f"{path}/unwatch", 422)
    told = await story.events(path, "ticket.updated")
    assert [len(event["data"]["fields"]["watchers"]) for event in told] == [MOST_WATCHERS]
