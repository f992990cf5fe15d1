"""Addresses are judged where they are written, and nowhere else."""

from typing import Any

import httpx
import pytest

from app.core.db.engine import Sessions
from tests.support.actors import Headers, make_key
from tests.support.desk import fetch
from tests.support.stories import TICKET, Begin, Caller, pointers

BAD = "ann@example.com."
ANN: dict[str, Any] = {"name": "Ann", "email": BAD}
WRITTEN: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "engineer": ("POST", "/v1/engineers", ANN, "/email"),
    "manager": ("PATCH", "/v1/accounts/{account}", {"manager": ANN}, "/manager/email"),
    "tam": ("PATCH", "/v1/accounts/{account}", {"tam": ANN}, "/tam/email"),
    "person": ("POST", "/v1/accounts/{account}/people", ANN, "/email"),
    "requester": ("POST", "/v1/tickets", TICKET | {"account_id": "", "requester": ANN}, "/requester/email"),
    "hook": ("POST", "/v1/hooks", {"account_id": "", "name": "Alarms", "requester": ANN}, "/requester/email"),
}


@pytest.mark.parametrize("place", WRITTEN)
async def test_an_address_that_no_mail_can_be_sent_to_is_refused_wherever_it_is_written(
    begin: Begin, client: httpx.AsyncClient, admin: Headers, place: str
) -> None:
    story = await begin("wati-business-plus")
    account_id = story.account.account_id
    method, path, body, where = WRITTEN[place]
    body = body | ({"account_id": account_id} if "account_id" in body else {})
    answer = await client.request(method, path.format(account=account_id), json=body, headers=admin)
    assert (answer.status_code, pointers(answer.json())) == (422, [where])


async def test_who_was_stored_with_such_an_address_is_read_named_and_changed(
    begin: Begin, client: httpx.AsyncClient, admin: Headers, sessions: Sessions
) -> None:
    manager = {"name": "Mia Chen", "email": "mia@example.com"}
    story, support = await begin("wati-business-plus", manager=manager), Caller(client, admin)
    account, engineer = f"/v1/accounts/{story.account.account_id}", f"/v1/engineers/{story.engineer_id}"
    person = await support.post(f"{account}/people", 201, name="Ann", email="ann@example.com", role="editor")
    await fetch(sessions, "UPDATE people SET email = $1", BAD)
    await fetch(sessions, "UPDATE engineers SET email = $1", BAD)
    await fetch(sessions, "UPDATE accounts SET manager = manager || jsonb_build_object('email', $1::text)", BAD)
    for path in (f"{account}/people/{person['id']}", engineer):
        assert (await support.get(path))["email"] == BAD
        assert (await support.patch(path, name="Another name"))["email"] == BAD
        assert pointers(await support.patch(path, 422, email="mia,bob@example.com")) == ["/email"]
    assert (await support.get(account))["manager"]["email"] == BAD
    assert (await support.patch(account, name="Another name"))["manager"]["email"] == BAD
    await story.customer.post("/v1/tickets", 201, **TICKET, actor={"email": BAD})


async def test_a_hook_that_was_stored_with_such_an_address_goes_on(begin: Begin, sessions: Sessions) -> None:
    story = await begin("wati-business-plus")
    support = Caller(story.customer.client, await make_key(sessions, "admin"))
    requester = {"name": "Ann", "email": "ann@example.com"}
    fields = {"account_id": story.account.account_id, "name": "Alarms", "requester": requester}
    hook = await support.post("/v1/hooks", 201, **fields)
    path = f"/v1/hooks/{hook['id']}"
    await fetch(sessions, "UPDATE hooks SET fields = jsonb_set(fields, '{requester,email}', to_jsonb($1::text))", BAD)
    assert (await support.get(path))["requester"]["email"] == BAD
    assert (await support.patch(path, name="Others"))["requester"]["email"] == BAD


@pytest.mark.parametrize("letter", ["\u0130", "\ufb2c"], ids=["lower case", "composed"])
async def test_an_address_that_its_one_spelling_makes_too_long_is_refused_wherever_it_is_read(
    begin: Begin, client: httpx.AsyncClient, letter: str
) -> None:
    story = await begin("wati-business-plus")
    long = letter * 40 + "@example.com"
    people = f"/v1/accounts/{story.account.account_id}/people"
    answer = await client.post(people, json=ANN | {"email": long}, headers=story.customer.key)
    assert (answer.status_code, pointers(answer.json())) == (422, ["/email"])
    answer = await client.get("/v1/webhooks", params={"actor": long}, headers=story.customer.key)
    assert (answer.status_code, pointers(answer.json())) == (422, ["#/query/actor"])


TWINS = {
    "case": ("ana@example.com", "Ana@Example.com"),
    "composed": ("rené@example.com", "rene\u0301@example.com"),
    "punycode": ("ana@bücher.example", "ana@xn--bcher-kva.example"),
    "punycode in capitals": ("ana@bücher.example", "ana@XN--BCHER-KVA.example"),
    "full width of the domain": ("ana@shops.example", "ana@ｓｈｏｐｓ.example"),  # noqa: RUF001
    "full width of the person": ("ana@example.com", "ａＮa@example.com"),  # noqa: RUF001
    "ligature": ("fiona@example.com", "ﬁona@example.com"),
    "superscript": ("ana2@example.com", "ana²@example.com"),
    "another kelvin": ("karl@example.com", "\u212aarl@example.com"),
    "ideographic stop": ("ana@mail.example", "ana@mail。example"),
}


@pytest.mark.parametrize("twin", TWINS)
async def test_the_twin_of_a_persons_address_is_409(begin: Begin, admin: Headers, twin: str) -> None:
    story = await begin("wati-business-plus")
    first, second = TWINS[twin]
    path = f"/v1/accounts/{story.account.account_id}/people"
    client = story.customer.client
    made = await client.post(path, json={"name": "Ana", "email": second}, headers=admin)
    assert (made.status_code, made.json()["email"]) == (201, first)
    answer = await client.post(path, json={"name": "Ana", "email": first}, headers=admin)
    assert answer.status_code == 409


async def test_who_was_stored_with_a_twin_of_an_address_is_still_found_by_it(begin: Begin, admin: Headers) -> None:
    story = await begin("wati-business-plus")
    account_id, client = story.account.account_id, story.customer.client
    for name, email in (("Plain", "ana@example.com"), ("Wide", "wide@example.com")):
        person = {"name": name, "email": email, "role": "owner"}
        await client.post(f"/v1/accounts/{account_id}/people", json=person, headers=admin)
    await fetch(story.sessions, "UPDATE people SET email = 'ａna@example.com' WHERE name = 'Wide'")  # noqa: RUF001
    key = await make_key(story.sessions, account_id=account_id, role="owner")
    for email, name in (("ana@example.com", "Plain"), ("ａna@example.com", "Wide")):  # noqa: RUF001
        ticket = await client.post("/v1/tickets", json=TICKET | {"actor": {"email": email}}, headers=key)
        timeline = await client.get(f"/v1/tickets/{ticket.json()['id']}/timeline", headers=key)
        assert timeline.json()["items"][0]["actor"]["name"] == name


UNSEEN = [
    "a\u200bna@b.example",
    "ana@b\u200bc.example",
    "\ufeffana@b.example",
    "ana\u034f@b.example",
    "ana\ufe0f@b.example",
    "ana\u3164@b.example",
    "ana\u2800@b.example",
]


@pytest.mark.parametrize("address", UNSEEN, ids=ascii)
async def test_an_address_with_an_invisible_character_is_refused(begin: Begin, admin: Headers, address: str) -> None:
    story = await begin("wati-business-plus")
    path = f"/v1/accounts/{story.account.account_id}/people"
    answer = await story.customer.client.post(path, json={"name": "A", "email": address}, headers=admin)
    assert (answer.status_code, pointers(answer.json())) == (422, ["/email"])


async def test_a_person_is_named_by_either_spelling_of_the_domain(begin: Begin, admin: Headers) -> None:
    story = await begin("wati-business-plus")
    account_id, client = story.account.account_id, story.customer.client
    owner = {"name": "Ana", "email": "ana@bücher.example", "role": "owner"}
    await client.post(f"/v1/accounts/{account_id}/people", json=owner, headers=admin)
    key = await make_key(story.sessions, account_id=account_id, role="owner")
    for spelt in ("ana@bücher.example", "ana@xn--bcher-kva.example", "ａna@bücher.example"):  # noqa: RUF001
        answer = await client.post("/v1/tickets", json=TICKET | {"actor": {"email": spelt}}, headers=key)
        assert answer.status_code == 201, answer.text
    query = "UPDATE people SET email = 'ana@xn--bcher-kva.example' WHERE account_id = $1 AND name = 'Ana'"
    await fetch(story.sessions, query, account_id)
    body = TICKET | {"actor": {"email": "ana@xn--bcher-kva.example"}}
    assert (await client.post("/v1/tickets", json=body, headers=key)).status_code == 201


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Ana\u200b Ruiz\ufeff", "Ana Ruiz"),
        ("\u202eAna", "Ana"),
        ("Rene\u0301", "René"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # noqa: RUF001
        ("👩\u200d🚒", "👩\u200d🚒"),
        ("ന്\u200d", "ന്\u200d"),
        ("❤\ufe0f", "❤\ufe0f"),
        ("An\u034fa\u3164", "Ana"),
        ("Ana\r\nRuiz\x1b[31m", "Ana Ruiz [31m"),
    ],
    ids=[
        "zero width",
        "direction",
        "composed",
        "joiner of a word",
        "joiner of an emoji",
        "joiner at the end",
        "form of an emoji",
        "filler",
        "control",
    ],
)
async def test_what_cannot_be_seen_of_a_name_is_left_out(begin: Begin, admin: Headers, given: str, kept: str) -> None:
    story = await begin("wati-business-plus")
    path = f"/v1/accounts/{story.account.account_id}/people"
    answer = await story.customer.client.post(path, json={"name": given, "email": "x@y.example"}, headers=admin)
    assert answer.json()["name"] == kept


async def test_a_name_that_nobody_can_see_or_that_becomes_too_long_is_refused(begin: Begin, admin: Headers) -> None:
    story = await begin("wati-business-plus")
    path = f"/v1/accounts/{story.account.account_id}/people"
    for name in ("\u200b", "\u200d\u2060", "\u202e ", "\u3164", "\ufe0f", "\u2800\u115f", "\x7f", "\ufb2c" * 200):
        answer = await story.customer.client.post(path, json={"name": name, "email": "x@y.example"}, headers=admin)
        assert (answer.status_code, pointers(answer.json())) == (422, ["/name"])


@pytest.mark.parametrize("written", ["2026-12-31T23:59:60Z", "2027-01-01T00:59:60.5+01:00"])
async def test_a_leap_second_is_told_to_be_one(begin: Begin, admin: Headers, written: str) -> None:
    story = await begin("wati-business-plus")
    params = {"due_before": written}
    answer = await story.customer.client.get("/v1/tickets", params=params, headers=admin)
    (fault,) = answer.json()["errors"]
    assert fault["pointer"] == "#/query/due_before"
    assert fault["detail"] == "Leap seconds are not counted here: write second 59, or the beginning of the next minute"
