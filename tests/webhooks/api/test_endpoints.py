import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.accounts.models import AccountRow
from app.core.clock import wall_now
from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.ids import new_id
from app.core.state import State
from app.webhooks.background.deliver import Sender
from app.webhooks.delivery_schemas import DeliveryAttempt
from app.webhooks.outbox.attempts import DeliveryOutcome
from app.webhooks.outbox.claims import claim
from app.webhooks.outbox.outcomes import forget_deliveries, record_outcomes
from app.webhooks.rules.sharing import Share
from app.webhooks.usecases import endpoints
from tests.support import making
from tests.support.actors import Headers, make_account, make_key, make_person, make_plan
from tests.support.waiting import PATIENCE
from tests.webhooks.conftest import Tell, deliveries, event_row, seconds_between
from tests.webhooks.receiver import Receiver, status

URL = "https://example.com/hook"


@pytest.fixture
async def account(sessions: Sessions) -> AccountRow:
    return await make_account(sessions, await make_plan(sessions, "gold"))


@pytest.fixture
async def editor(sessions: Sessions, account: AccountRow) -> Headers:
    return await make_key(sessions, account_id=account.account_id, role="editor")


@pytest.fixture
async def viewer(sessions: Sessions, account: AccountRow) -> Headers:
    return await make_key(sessions, account_id=account.account_id, role="viewer")


@pytest.fixture
async def stranger(sessions: Sessions, account: AccountRow) -> Headers:
    other = await make_account(sessions, account.plan, name="Another")
    return await make_key(sessions, account_id=other.account_id, role="owner")


@pytest.fixture
async def sender(state: State) -> AsyncIterator[Sender]:
    sender = Sender(state)
    yield sender
    await sender.stop()


async def send(sender: Sender) -> None:
    await sender.run_pass()
    await sender.drain()


async def made(client: httpx.AsyncClient, headers: Headers, **fields: Any) -> dict[str, Any]:
    endpoint: dict[str, Any] = await making.made(client, "webhooks", headers, **{"url": URL} | fields)
    return endpoint


async def test_an_accounts_endpoint_is_made_and_its_secret_shown_once(
    client: httpx.AsyncClient, editor: Headers, account: AccountRow
) -> None:
    answer = await client.post("/v1/webhooks", json={"url": URL}, headers=editor)
    endpoint = answer.json()
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    assert (endpoint["account_id"], endpoint["events"], endpoint["format"]) == (account.account_id, ["*"], "standard")
    assert endpoint["enabled"] is True
    assert endpoint.pop("secret").startswith("whsec_")
    assert (await client.get(f"/v1/webhooks/{endpoint['id']}", headers=editor)).json() == endpoint
    assert (await client.get("/v1/webhooks", headers=editor)).json()["items"] == [endpoint]


async def test_a_replayed_create_has_no_secret(client: httpx.AsyncClient, editor: Headers) -> None:
    headers = editor | {"Idempotency-Key": "once"}
    first = await client.post("/v1/webhooks", json={"url": URL}, headers=headers)
    again = await client.post("/v1/webhooks", json={"url": URL}, headers=headers)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == {name: value for name, value in first.json().items() if name != "secret"}


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "https://user:pass@example.com/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://167772161/",
        "https://0xa.1/",
        "https://[::1]/",
        "https://[fe80::1]/",
        "http://[64:ff9b::7f00:1]/",
        "https://example.com:99999/",
        "https://",
        "ftp://example.com/",
        "https://example.com/\u0000",
        "https://ex\u00e4mple.com/",
        "https://" + "a" * 2000,
        "//example.com",
        "",
        7,
    ],
)
async def test_a_url_that_could_never_be_called_is_refused(
    client: httpx.AsyncClient, editor: Headers, url: object
) -> None:
    answer = await client.post("/v1/webhooks", json={"url": url}, headers=editor)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == "/url"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("ftp://example.com/", "An address begins with https:// or http://, and not with ftp:"),
        ("example.com/heliodesk", "An address begins with https:// or http://"),
        ("", "An address begins with https:// or http://"),
        ("https:/example.com", "An address needs a host, like https://example.com/"),
        ("https://example.com/a b", "An address cannot contain blanks, backslashes or invisible characters"),
        ("https://example.com/\u00e4", "Only ASCII is accepted: other characters are percent-encoded, "),
    ],
    ids=["scheme", "no scheme", "nothing", "no host", "blank", "letter"],
)
async def test_what_is_wrong_with_a_url_is_told_in_words(
    client: httpx.AsyncClient, editor: Headers, url: str, told: str
) -> None:
    answer = await client.post("/v1/webhooks", json={"url": url}, headers=editor)
    (fault,) = answer.json()["errors"]
    assert (fault["pointer"], fault["detail"][: len(told)]) == ("/url", told)


async def test_the_case_of_a_scheme_does_not_matter(client: httpx.AsyncClient, editor: Headers) -> None:
    assert (await made(client, editor, url="HTTPS://example.com/A"))["url"] == "HTTPS://example.com/A"


@pytest.mark.parametrize(
    ("url", "network"),
    [
        ("http://127.0.0.1", "127.0.0.0/8"),
        ("https://127.0.0.1/", "127.0.0.0/8"),
        ("http://localhost:9000/", "127.0.0.0/8"),
        ("https://app.localhost/", "127.0.0.0/8"),
        ("https://10.0.0.1/", "10.0.0.1/32"),
        ("http://[fd00::1]/", "fd00::1/128"),
    ],
)
async def test_a_refused_private_address_names_the_setting_that_allows_it(
    app: FastAPI, state: State, editor: Headers, url: str, network: str
) -> None:
    closed = replace(state, settings=state.settings.model_copy(update={"allow_networks": []}))
    app.state.heliodesk = closed
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        answer = await client.post("/v1/webhooks", json={"url": url}, headers=editor)
    app.state.heliodesk = state
    (fault,) = answer.json()["errors"]
    assert fault["hint"] == f"The operator of the service can allow it: HELIODESK_ALLOW_NETWORKS={network}"


async def test_a_name_without_tls_is_told_that_networks_are_of_addresses(
    client: httpx.AsyncClient, editor: Headers
) -> None:
    answer = await client.post("/v1/webhooks", json={"url": "http://receiver.internal/"}, headers=editor)
    assert "HELIODESK_ALLOW_NETWORKS takes addresses" in answer.json()["errors"][0]["hint"]


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:9/", "http://localhost:9/", "http://app.localhost:9/", "https://127.0.0.1/", "https://8.8.8.8/"],
)
async def test_addresses_in_allowed_networks_may_be_called_even_in_the_clear(
    client: httpx.AsyncClient, editor: Headers, url: str
) -> None:
    assert (await made(client, editor, url=url))["url"] == url


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("events", []),
        ("events", ["Ticket.*"]),
        ("events", ["a("]),
        ("events", ["*"] * 51),
        ("events", ["a" * 65]),
        ("events", "ticket.*"),
        ("format", "irc"),
        ("locale", "it"),
        ("format", None),
        ("account_id", "acc_1"),
        ("secret", "mine"),
    ],
)
async def test_other_faulty_input_is_refused(
    client: httpx.AsyncClient, editor: Headers, field: str, value: object
) -> None:
    answer = await client.post("/v1/webhooks", json={"url": URL, field: value}, headers=editor)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith(f"/{field}")


async def test_who_may_manage_endpoints(
    client: httpx.AsyncClient, sessions: Sessions, account: AccountRow, viewer: Headers, editor: Headers
) -> None:
    agent = await make_key(sessions, "agent")
    await make_person(sessions, account.account_id, "ana@example.com", "viewer")
    for headers, actor in ((viewer, None), (agent, None), (editor, {"email": "ana@example.com"})):
        answer = await client.post("/v1/webhooks", json={"url": URL, "actor": actor}, headers=headers)
        assert answer.status_code == 403
    endpoint = await made(client, editor)
    seen = await client.get(f"/v1/webhooks/{endpoint['id']}", headers=viewer)
    assert seen.status_code == 200
    assert seen.json() | {"secret": endpoint["secret"]} == endpoint | {"url": str(httpx.URL(URL).join("/"))}
    assert seen.json()["url"] != URL
    assert (await client.get("/v1/webhooks", headers=viewer)).json()["items"] == [seen.json()]
    assert (await client.delete(f"/v1/webhooks/{endpoint['id']}", headers=viewer)).status_code == 403
    named = {"actor": "ana@example.com"}
    assert (await client.delete(f"/v1/webhooks/{endpoint['id']}", headers=editor, params=named)).status_code == 403


async def test_an_admin_makes_endpoints_for_all_accounts_or_one(
    client: httpx.AsyncClient, admin: Headers, account: AccountRow
) -> None:
    assert (await made(client, admin))["account_id"] is None
    assert (await made(client, admin, account_id=account.account_id))["account_id"] == account.account_id
    unknown = await client.post("/v1/webhooks", json={"url": URL, "account_id": new_id("acc")}, headers=admin)
    assert unknown.status_code == 404


async def test_an_account_cannot_make_an_endpoint_for_another(
    client: httpx.AsyncClient, stranger: Headers, account: AccountRow
) -> None:
    answer = await client.post("/v1/webhooks", json={"url": URL, "account_id": account.account_id}, headers=stranger)
    assert answer.status_code == 404


async def test_another_accounts_endpoint_and_an_operators_do_not_exist(
    client: httpx.AsyncClient, editor: Headers, stranger: Headers, admin: Headers, tell: Tell, sessions: Sessions
) -> None:
    theirs, operators = await made(client, editor), await made(client, admin)
    await tell(event_row(account_id=theirs["account_id"]))
    for endpoint in (theirs, operators):
        path = f"/v1/webhooks/{endpoint['id']}"
        answers = [
            await client.get(path, headers=stranger),
            await client.patch(path, json={}, headers=stranger),
            await client.delete(path, headers=stranger),
            await client.get(f"{path}/deliveries", headers=stranger),
            *[await client.post(f"{path}/{do}", headers=stranger) for do in ("rotate-secret", "test", "enable")],
        ]
        assert {answer.status_code for answer in answers} == {404}
    for delivery in await deliveries(sessions):
        answer = await client.post(f"/v1/deliveries/{delivery.id}/redeliver", headers=stranger)
        assert answer.status_code == 404
    assert (await client.get("/v1/webhooks", headers=stranger)).json()["items"] == []
    params = {"account_id": theirs["account_id"]}
    assert (await client.get("/v1/webhooks", headers=stranger, params=params)).status_code == 404


async def test_lists_are_paged(client: httpx.AsyncClient, editor: Headers, admin: Headers) -> None:
    ids = [(await made(client, editor))["id"] for _ in range(3)]
    await made(client, admin)
    first = (await client.get("/v1/webhooks", headers=editor, params={"limit": 2})).json()
    params = {"cursor": first["next_cursor"]}
    rest = (await client.get("/v1/webhooks", headers=editor, params=params)).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == ids
    assert rest["next_cursor"] is None


async def test_a_change_takes_effect_on_the_next_event(
    client: httpx.AsyncClient, editor: Headers, tell: Tell, sessions: Sessions
) -> None:
    endpoint = await made(client, editor, events=["ticket.*"])
    path = f"/v1/webhooks/{endpoint['id']}"
    changed = await client.patch(path, json={"events": ["call.ready", "call.ready"]}, headers=editor)
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert changed.json()["events"] == ["call.ready"]
    account_id = endpoint["account_id"]
    await tell(event_row("ticket.opened", account_id), event_row("call.ready", account_id))
    assert len(await deliveries(sessions)) == 1
    stale = editor | {"If-Match": '"1"'}
    assert (await client.patch(path, json={"events": ["*"]}, headers=stale)).status_code == 412
    assert (await client.patch(path, json={"url": "http://example.com"}, headers=editor)).status_code == 422
    assert (await client.patch(path, json={"url": None}, headers=editor)).status_code == 422
    assert (await client.patch(path, json={"version": 9}, headers=editor)).status_code == 422


async def test_a_deleted_endpoint_takes_its_deliveries_with_it(
    client: httpx.AsyncClient, editor: Headers, tell: Tell, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of very many, the rest goes later: nobody waits until all are removed."""
    monkeypatch.setattr(endpoints, "BATCH", 2)
    endpoint, other = await made(client, editor), await made(client, editor)
    await tell(*(event_row(account_id=endpoint["account_id"]) for _ in range(3)))
    path = f"/v1/webhooks/{endpoint['id']}"
    assert (await client.delete(path, headers=editor)).status_code == 204
    assert (await client.get(path, headers=editor)).status_code == 404
    left = [one.endpoint_id for one in await deliveries(sessions)]
    assert (left.count(endpoint["id"]), left.count(other["id"])) == (1, 3)
    await forget_deliveries(sessions)
    assert {one.endpoint_id for one in await deliveries(sessions)} == {other["id"]}


async def test_an_endpoint_can_be_deleted_while_a_sender_records(
    client: httpx.AsyncClient, editor: Headers, tell: Tell, sessions: Sessions
) -> None:
    endpoint = await made(client, editor)
    await tell(*(event_row(account_id=endpoint["account_id"]) for _ in range(2)))
    async with transaction(sessions) as session:
        (held,) = await claim(session, Share(limit=1, per_endpoint=1), lease=timedelta(seconds=30))
    async with asyncio.timeout(PATIENCE), transaction(sessions) as session:
        await (await driver(session)).execute("SELECT FROM deliveries WHERE id = $1 FOR UPDATE", held.id)
        assert (await client.delete(f"/v1/webhooks/{endpoint['id']}", headers=editor)).status_code == 204
        await record_outcomes(session, [DeliveryOutcome(held, "delivered", 1, {"status": 204})])
    (left,) = await deliveries(sessions)
    assert (left.id, left.state) == (held.id, "delivered")


async def test_a_test_message_arrives_whatever_the_globs_are(
    client: httpx.AsyncClient, editor: Headers, receiver: Receiver, sender: Sender
) -> None:
    endpoint = await made(client, editor, url=receiver.url, events=["call.ready"])
    await made(client, editor, url=receiver.url)
    answer = await client.post(f"/v1/webhooks/{endpoint['id']}/test", headers=editor)
    assert answer.status_code == 201
    assert (answer.json()["endpoint_id"], answer.json()["state"]) == (endpoint["id"], "pending")
    await send(sender)
    (message,) = receiver.messages
    told = message.verified(endpoint["secret"])
    assert told["id"] == message.id == answer.json()["event_id"]
    assert (told["type"], told["audience"], told["ticket_id"]) == ("webhook.test", "public", None)
    assert (told["actor"]["kind"], told["data"]) == ("customer", {"endpoint_id": endpoint["id"], "event_type": None})


async def test_an_operators_test_message_belongs_to_no_account(
    client: httpx.AsyncClient, admin: Headers, receiver: Receiver, sender: Sender
) -> None:
    endpoint = await made(client, admin, url=receiver.url)
    answer = await client.post(f"/v1/webhooks/{endpoint['id']}/test", headers=admin)
    assert answer.json()["account_id"] is None
    await send(sender)
    assert receiver.messages[0].verified(endpoint["secret"])["account_id"] is None


async def test_after_rotations_the_last_three_secrets_verify(
    client: httpx.AsyncClient, editor: Headers, receiver: Receiver, sender: Sender
) -> None:
    endpoint = await made(client, editor, url=receiver.url)
    path = f"/v1/webhooks/{endpoint['id']}"
    secrets = [endpoint["secret"]]
    for number in range(2, 5):
        rotated = await client.post(f"{path}/rotate-secret", headers=editor)
        assert (rotated.status_code, rotated.json()["version"]) == (200, number)
        secrets.append(rotated.json()["secret"])
    ends = [seconds_between(wall_now(), datetime.fromisoformat(end)) for end in rotated.json()["secrets_until"]]
    assert [round(seconds / 3600) for seconds in ends] == [24, 24]
    await client.post(f"{path}/test", headers=editor)
    await send(sender)
    assert [receiver.messages[0].is_signed_with(secret) for secret in secrets] == [False, True, True, True]


@pytest.mark.parametrize(("overlap", "signed"), [("PT0S", [False, True]), ("PT1H", [True, True])])
async def test_an_old_secret_signs_until_the_overlap_ends(
    client: httpx.AsyncClient, editor: Headers, receiver: Receiver, sender: Sender, overlap: str, signed: list[bool]
) -> None:
    endpoint = await made(client, editor, url=receiver.url)
    path = f"/v1/webhooks/{endpoint['id']}"
    rotated = await client.post(f"{path}/rotate-secret", headers=editor, json={"overlap": overlap})
    secrets = [endpoint["secret"], rotated.json()["secret"]]
    for now in (None, wall_now() + timedelta(hours=1, seconds=1)):
        await client.post(f"{path}/test", headers=editor)
        await sender.run_pass(now)
        await sender.drain()
    headers = [message.headers["webhook-signature"] for message in receiver.messages]
    assert [receiver.messages[0].is_signed_with(secret) for secret in secrets] == signed
    assert [len(header.split()) for header in headers] == [sum(signed), 1]


@pytest.mark.parametrize("overlap", ["PT168H1S", "P1D", "PT-1S", "", None, 5])
async def test_a_faulty_overlap_is_refused(client: httpx.AsyncClient, editor: Headers, overlap: object) -> None:
    endpoint = await made(client, editor)
    path = f"/v1/webhooks/{endpoint['id']}/rotate-secret"
    answer = await client.post(path, headers=editor, json={"overlap": overlap})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/overlap")


async def test_a_disabled_endpoint_is_told_of_and_can_be_enabled_again(
    client: httpx.AsyncClient, editor: Headers, receiver: Receiver, sender: Sender, tell: Tell
) -> None:
    endpoint = await made(client, editor, url=receiver.url, events=["ticket.opened"])
    watching = await made(client, editor, events=["webhook.disabled"])
    (event,) = await tell(event_row(account_id=endpoint["account_id"]))
    receiver.answer = status(410)
    await send(sender)
    path = f"/v1/webhooks/{endpoint['id']}"
    disabled = (await client.get(path, headers=editor)).json()
    assert (disabled["enabled"], disabled["disabled_reason"]) == (False, "The receiver answered 410 Gone")
    german = (await client.get(path, headers=editor | {"Accept-Language": "de"})).json()
    assert german["disabled_reason"] == "Der Empfänger hat mit 410 Gone geantwortet"
    (told,) = (await client.get(f"/v1/webhooks/{watching['id']}/deliveries", headers=editor)).json()["items"]
    assert told["event_id"] != event["id"]
    assert (await client.post(f"{path}/test", headers=editor)).status_code == 409
    (failed,) = (await client.get(f"{path}/deliveries", headers=editor)).json()["items"]
    again = f"/v1/deliveries/{failed['id']}/redeliver"
    assert (await client.post(again, headers=editor)).status_code == 409
    enabled = (await client.post(f"{path}/enable", headers=editor)).json()
    assert (enabled["enabled"], enabled["disabled_reason"], enabled["version"]) == (True, None, 3)
    receiver.answer = status(204)
    assert (await client.post(again, headers=editor)).json()["state"] == "pending"
    await send(sender)
    assert receiver.ids == [event["id"]] * 2


async def test_an_owner_disables_an_endpoint_and_enables_it_again(
    client: httpx.AsyncClient, editor: Headers, receiver: Receiver, sender: Sender, tell: Tell
) -> None:
    """What waits fails when its turn comes; what happens meanwhile is sent by a replay alone."""
    endpoint = await made(client, editor, url=receiver.url, events=["ticket.opened"])
    watching = await made(client, editor, events=["webhook.disabled"])
    mine, path = endpoint["account_id"], f"/v1/webhooks/{endpoint['id']}"
    (waiting,) = await tell(event_row(account_id=mine))
    disabled = (await client.patch(path, json={"enabled": False}, headers=editor)).json()
    said = "It was disabled through the API"
    assert (disabled["enabled"], disabled["disabled_reason"], disabled["version"]) == (False, said, 2)
    (missed,) = await tell(event_row(account_id=mine))
    await send(sender)
    assert receiver.ids == []
    (failed,) = (await client.get(f"{path}/deliveries", headers=editor)).json()["items"]
    assert (failed["event_id"], failed["state"]) == (waiting["id"], "failed")
    (told,) = (await client.get(f"/v1/webhooks/{watching['id']}/deliveries", headers=editor)).json()["items"]
    (event,) = [
        each
        for each in (await client.get("/v1/events", headers=editor)).json()["items"]
        if each["id"] == told["event_id"]
    ]
    assert (event["actor"]["kind"], event["data"]["endpoint_id"]) == ("customer", endpoint["id"])
    assert event["data"]["reason"] == said
    renamed = (await client.patch(path, json={"events": ["ticket.*"]}, headers=editor)).json()
    assert (renamed["enabled"], renamed["disabled_reason"]) == (False, said)
    enabled = (await client.patch(path, json={"enabled": True}, headers=editor)).json()
    assert (enabled["enabled"], enabled["disabled_reason"]) == (True, None)
    (after,) = await tell(event_row(account_id=mine))
    await send(sender)
    assert receiver.ids == [after["id"]]
    since = disabled["created_at"]
    assert (await client.post(f"{path}/replay", json={"since": since}, headers=editor)).status_code == 202
    await send(sender)
    assert set(receiver.ids) == {waiting["id"], missed["id"], after["id"]}


async def test_an_endpoint_is_made_disabled_where_its_owner_wants_that(
    client: httpx.AsyncClient, editor: Headers, receiver: Receiver, sender: Sender, tell: Tell
) -> None:
    endpoint = await made(client, editor, url=receiver.url, enabled=False)
    assert endpoint["disabled_reason"] == "It was disabled through the API"
    await tell(event_row(account_id=endpoint["account_id"]))
    await send(sender)
    assert receiver.ids == []


async def test_the_log_of_deliveries_shows_the_last_attempt_newest_first(
    client: httpx.AsyncClient, editor: Headers, receiver: Receiver, sender: Sender, tell: Tell
) -> None:
    endpoint = await made(client, editor, url=receiver.url)
    path = f"/v1/webhooks/{endpoint['id']}/deliveries"
    receiver.answer = status(500)
    (old,) = await tell(event_row(account_id=endpoint["account_id"]))
    await send(sender)
    (new,) = await tell(event_row(account_id=endpoint["account_id"]))
    items = (await client.get(path, headers=editor)).json()["items"]
    assert [item["event_id"] for item in items] == [new["id"], old["id"]]
    attempt = items[1]["last_attempt"]
    assert (attempt["status"], attempt["error"], attempt["answer"]) == (500, None, "")
    assert set(attempt) == set(DeliveryAttempt.model_fields)
    assert (items[1]["state"], items[1]["attempt_count"], items[0]["last_attempt"]) == ("pending", 1, None)
    page = (await client.get(path, headers=editor, params={"limit": 1})).json()
    rest = (await client.get(path, headers=editor, params={"cursor": page["next_cursor"]})).json()
    assert [item["event_id"] for item in rest["items"]] == [old["id"]]
    delivered = await client.get(path, headers=editor, params={"state": "delivered"})
    assert delivered.json()["items"] == []


async def test_a_redelivery_is_sent_again_with_the_same_id(
    client: httpx.AsyncClient, editor: Headers, viewer: Headers, receiver: Receiver, sender: Sender, tell: Tell
) -> None:
    endpoint = await made(client, editor, url=receiver.url)
    (event,) = await tell(event_row(account_id=endpoint["account_id"]))
    await send(sender)
    (row,) = (await client.get(f"/v1/webhooks/{endpoint['id']}/deliveries", headers=editor)).json()["items"]
    again = f"/v1/deliveries/{row['id']}/redeliver"
    assert (await client.post(again, headers=viewer)).status_code == 403
    answer = await client.post(again, headers=editor)
    assert (answer.status_code, answer.json()["state"], answer.json()["attempt_count"]) == (200, "pending", 0)
    await send(sender)
    assert receiver.ids == [event["id"]] * 2


@pytest.mark.parametrize("path", ["/v1/webhooks/wh_x", "/v1/webhooks/a%00b"])
async def test_unknown_ids_are_404(client: httpx.AsyncClient, admin: Headers, path: str) -> None:
    assert (await client.get(path, headers=admin)).status_code == 404
    assert (await client.post("/v1/deliveries/dlv_x/redeliver", headers=admin)).status_code == 404
