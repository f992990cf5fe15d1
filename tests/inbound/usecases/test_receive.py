"""Who may send, what is stored of it, and what is refused."""

import base64
import hashlib
import hmac
from dataclasses import replace
from typing import Final

import httpx
import orjson
import pytest
from fastapi import FastAPI

from app.core.settings import Settings
from app.core.state import State
from app.inbound.examples import CLOUDEVENT, GENERIC, PAGERDUTY
from app.inbound.readings import QUICK_BYTES
from app.webhooks.rules.signing import signature
from tests.inbound.conftest import PATHS, Desk, MakeDesk
from tests.support.actors import Headers, make_key
from tests.support.desk import fetch, now_of

EVERY_PATH: Final = pytest.mark.parametrize("path", [path for path in PATHS if path != "/email"])
EVENT: Final = {name: value for name, value in PAGERDUTY.items() if name != "routing_key"}


def basic(password: str) -> Headers:
    return {"Authorization": "Basic " + base64.b64encode(f"any:{password}".encode()).decode()}


def mac(secret: str, body: bytes) -> str:
    return hmac.digest(secret.encode(), body, hashlib.sha256).hex()


async def test_a_hook_key_is_shown_once_and_stored_hashed(desk: Desk) -> None:
    assert desk.hook["secret"].startswith("hd_hook_")
    assert desk.hook["url"] == f"/v1/ingest/{desk.hook['id']}"
    shown = await desk.get(f"/v1/hooks/{desk.hook['id']}")
    assert shown == {name: value for name, value in desk.hook.items() if name != "secret"}
    assert desk.hook["secret"] not in str(await fetch(desk.sessions, "SELECT * FROM hooks, api_keys"))


async def test_the_key_is_taken_in_a_header_as_a_password_or_as_a_parameter(desk: Desk) -> None:
    secret = desk.hook["secret"]
    assert (await desk.send(GENERIC)).status_code == 202
    assert (await desk.send(GENERIC, headers=basic(secret))).status_code == 202
    assert (await desk.send(GENERIC, f"?key={secret}", {})).status_code == 202


async def test_a_scheme_may_be_held_to_one_header(make_desk: MakeDesk) -> None:
    desk = await make_desk()
    for scheme, taken in (("bearer", [202, 401, 401]), ("basic", [401, 202, 401])):
        secret = (await desk.make(signature={"scheme": scheme}))["secret"]
        answers = [
            await desk.send(GENERIC),
            await desk.send(GENERIC, headers=basic(secret)),
            await desk.send(GENERIC, f"?key={secret}", {}),
        ]
        assert [answer.status_code if answer.status_code != 404 else 401 for answer in answers] == taken


@EVERY_PATH
async def test_who_may_not_send(desk: Desk, make_desk: MakeDesk, path: str) -> None:
    other = await make_desk()
    await other.make()
    tries: list[tuple[Headers, int]] = [
        ({}, 401),
        ({"Authorization": "Bearer"}, 401),
        ({"Authorization": "Bearer hd_hook_nobody"}, 401),
        ({"Authorization": "Basic !"}, 401),
        (other.key, 404),
        (desk.owner, 403),
        (await make_key(desk.sessions, "admin"), 403),
        (await make_key(desk.sessions, "hook", account_id=other.account_id), 404),
    ]
    for headers, status in tries:
        answer = await desk.send(EVENT, path, headers)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), headers
    assert await desk.receipts() == []


@pytest.mark.parametrize("what", ["revoked_at = now()", "expires_at = now() - interval '1 s'"])
async def test_a_key_that_is_over(desk: Desk, what: str) -> None:
    await fetch(desk.sessions, f"UPDATE api_keys SET {what} WHERE kind = 'hook'")  # noqa: S608 - our own text
    assert (await desk.send(GENERIC)).status_code == 401


async def test_an_accounts_hook_key_opens_all_its_hooks_and_one_for_a_hook_only_that(desk: Desk) -> None:
    first = desk.hook
    await desk.make()
    for_all = await make_key(desk.sessions, "hook", account_id=desk.account_id)
    for_first = await make_key(desk.sessions, "hook", account_id=desk.account_id, hook_id=first["id"])
    assert (await desk.send(GENERIC, headers=for_all)).status_code == 202
    assert (await desk.send(GENERIC, headers=for_first)).status_code == 404
    desk.hook = first
    assert (await desk.send(GENERIC, headers=for_first)).status_code == 202


async def test_a_key_is_made_for_a_hook_of_its_account_only(desk: Desk, make_desk: MakeDesk) -> None:
    other = await make_desk()
    wanted = {"kind": "hook", "hook_id": desk.hook["id"]}
    answer = await desk.client.post("/v1/keys", json=wanted, headers=desk.owner)
    assert (answer.status_code, answer.json()["hook_id"]) == (201, desk.hook["id"])
    for body in (wanted, wanted | {"kind": "account"}):
        assert (await desk.client.post("/v1/keys", json=body, headers=other.owner)).status_code == 422


async def test_rotated_keys_overlap_until_the_next_rotation(desk: Desk) -> None:
    path = f"/v1/hooks/{desk.hook['id']}/rotate-secret"
    keys = [desk.key]
    for _ in range(2):
        answer = await desk.client.post(path, headers=desk.owner)
        keys.append({"Authorization": f"Bearer {answer.json()['secret']}"})
    assert [(await desk.send(GENERIC, headers=key)).status_code for key in keys] == [401, 202, 202]


async def test_hmac_signatures_of_the_senders(make_desk: MakeDesk) -> None:
    desk, body = await make_desk(), orjson.dumps(GENERIC)
    stamp = str(int((await now_of(desk.sessions)).timestamp()))
    for scheme in ("github", "sentry", "grafana", "standard_webhooks"):
        secret = (await desk.make(signature={"scheme": scheme}))["secret"]
        signed: dict[str, Headers] = {
            "github": {"X-Hub-Signature-256": f"sha256={mac(secret, body)}"},
            "sentry": {"Sentry-Hook-Signature": mac(secret, body)},
            "grafana": {"X-Grafana-Alerting-Signature": mac(secret, body)},
            "standard_webhooks": {
                "webhook-id": "msg_1",
                "webhook-timestamp": stamp,
                "webhook-signature": "v1,other " + signature(secret, "msg_1", int(stamp), body),
            },
        }
        assert (await desk.send(body, headers=signed[scheme])).status_code == 202, scheme
        assert (await desk.send(body + b" ", headers=signed[scheme])).status_code == 401, scheme
        assert (await desk.send(body, headers={})).status_code == 401, scheme


async def test_a_signed_instant_is_held_to_five_minutes(make_desk: MakeDesk) -> None:
    desk, body = await make_desk(), orjson.dumps(GENERIC)
    secret = (await desk.make(signature={"scheme": "grafana"}))["secret"]
    now = int((await now_of(desk.sessions)).timestamp())
    for stamp, status in ((f"{now}", 202), (f"{now - 240}", 202), (f"{now - 330}", 401), ("9" * 30, 401), ("x", 401)):
        signed = {
            "X-Grafana-Alerting-Timestamp": stamp,
            "X-Grafana-Alerting-Signature": mac(secret, f"{stamp}:".encode() + body),
        }
        assert (await desk.send(body, headers=signed)).status_code == status, stamp


async def test_a_senders_own_secret_and_header(make_desk: MakeDesk) -> None:
    desk, body, secret = await make_desk(), orjson.dumps(GENERIC), "the sender's own!".replace(" ", "-")
    given = {"scheme": "hmac", "header": "X-Signature", "prefix": "v0=", "encoding": "hex", "secret": secret}
    hook = await desk.make(signature=given)
    assert "secret" not in hook
    assert secret not in str(hook)
    headers = {"x-signature": f"v0={mac(secret, body)}"}
    assert (await desk.send(body, headers=headers)).status_code == 202
    other = await desk.change(signature={"scheme": "github", "header": None, "secret": None})
    assert other["secret"].startswith("whsec_")


async def test_another_scheme_forgets_the_secrets_of_the_one_before(make_desk: MakeDesk) -> None:
    desk = await make_desk()
    await desk.make(signature={"scheme": "sentry", "secret": "the-secret-of-sentry"})
    await desk.change(signature={"scheme": "standard_webhooks", "secret": None})
    stamp = str(int((await now_of(desk.sessions)).timestamp()))
    headers = {"webhook-id": "1", "webhook-timestamp": stamp, "webhook-signature": "v1,x"}
    assert (await desk.send(GENERIC, headers=headers)).status_code == 401


async def test_none_takes_what_comes(make_desk: MakeDesk) -> None:
    desk = await make_desk()
    assert "secret" not in await desk.make(signature={"scheme": "none"})
    assert (await desk.send(GENERIC, headers={})).status_code == 202


async def test_a_disabled_hook_takes_nothing(desk: Desk) -> None:
    await desk.change(enabled=False)
    assert (await desk.send(GENERIC)).status_code == 409


async def test_no_key_and_no_signature_is_stored(desk: Desk) -> None:
    secret = desk.hook["secret"]
    event = EVENT | {"routing_key": secret}
    headers = desk.key | {"X-Hub-Signature-256": "sha256=1", "User-Agent": "Events", "ce-id": "1", "Cookie": "c"}
    assert (await desk.send(event, "/v2/enqueue", headers)).status_code == 202
    assert (await desk.send(event, "/v2/enqueue", {})).status_code == 202
    rows = await fetch(desk.sessions, "SELECT headers, body FROM receipts ORDER BY received_at")
    assert rows[0]["headers"] == {"user-agent": "Events", "ce-id": "1", "content-type": "application/json"}
    for row in rows:
        assert orjson.loads(row["body"]) == EVENT
        assert secret not in str(row)


async def test_the_payload_is_shown_as_it_came(desk: Desk) -> None:
    for body, encoding, shown in ((b'{"a": 1}\n', "utf-8", '{"a": 1}\n'), (b"\xff\x00", "base64", "/wA=")):
        receipt_id = (await desk.send(body)).json()["receipt_id"]
        receipt = await desk.get(f"/v1/hooks/{desk.hook['id']}/receipts/{receipt_id}")
        assert (receipt["state"], receipt["encoding"], receipt["payload"]) == ("pending", encoding, shown)
        assert receipt["size"] == len(body)


async def test_pagerduty_clients_get_pagerdutys_answers(desk: Desk) -> None:
    answer = await desk.send(EVENT, "/v2/enqueue")
    assert answer.json() == {"status": "success", "message": "Event processed", "dedup_key": "disk/h1"}
    unnamed = await desk.send({name: value for name, value in EVENT.items() if name != "dedup_key"}, "/v2/enqueue")
    assert unnamed.json()["dedup_key"].startswith("rcp_")
    for body in (
        b"{",
        b"[]",
        {},
        EVENT | {"event_action": "shout"},
        {"event_action": "resolve"},
        EVENT | {"payload": {}},
    ):
        answer = await desk.send(body, "/v2/enqueue")
        assert answer.status_code == 400
        assert answer.json()["status"] == "invalid event"
        assert all(isinstance(fault, str) for fault in answer.json()["errors"])
    await desk.process()
    await desk.post({"event_action": "resolve", "dedup_key": unnamed.json()["dedup_key"]}, "/v2/enqueue")
    assert [ticket["status"] for ticket in await desk.tickets()] == ["new", "resolved"]


async def test_the_same_event_again_is_a_duplicate(desk: Desk) -> None:
    structured = desk.key | {"Content-Type": "application/cloudevents+json"}
    binary = desk.key | {f"ce-{name}": CLOUDEVENT[name] for name in ("id", "source", "type", "specversion")}
    answers = [
        await desk.send(CLOUDEVENT, "/cloudevents", structured),
        await desk.send(CLOUDEVENT["data"], "/cloudevents", binary),
        await desk.send(CLOUDEVENT | {"id": "another"}, "/cloudevents", structured),
    ]
    first, second, third = (answer.json() for answer in answers)
    assert second == {"receipt_id": first["receipt_id"], "duplicate": True}
    assert third["duplicate"] is False
    assert len(await desk.receipts()) == 2


@EVERY_PATH
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b'"\\ud800"',
        b"\xff",
        b"[" * 100_000,
        b'{"alerts": ' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"alerts": [' + b"{}," * 200_000 + b"{}]}",
        b'{"alerts": [{"status": "firing", "labels": {"\\u0000": "\\u0000"}, "fingerprint": "\\u0000"}]}',
        b'{"alerts": [{"status": "firing", "annotations": {"summary": " ", "title": 7, "description": []}}]}',
        b'{"title": "\\u0000", "key": "\\u0000", "labels": {"a": "\\u0000"}, "status": "\\u0000"}',
        b'{"key": 1e308, "title": 123456789012345678901234567890, "labels": {"a": true}}',
        orjson.dumps(
            {"key": "k" * 9_000, "title": "t" * 9_000, "text": "x" * 90_000, "labels": {"n" * 999: "v" * 9_999}}
        ),
        orjson.dumps(EVENT | {"dedup_key": "\0", "payload": EVENT["payload"] | {"summary": "\0a", "group": "\0"}}),
        orjson.dumps([CLOUDEVENT | {"id": "\0", "source": "\0", "subject": "\0"}] * 2),
    ],
    ids=lambda body: str(body[:30]),
)
async def test_whatever_comes_is_kept_or_refused_and_nothing_breaks(desk: Desk, path: str, body: bytes) -> None:
    headers = desk.key | ({"Content-Type": "application/cloudevents-batch+json"} if path == "/cloudevents" else {})
    answer = await desk.send(body, path, headers)
    assert answer.status_code == 202 or (path == "/v2/enqueue" and answer.status_code == 400), answer.text
    await desk.process()
    for receipt in await desk.receipts():
        assert receipt["state"] in {"processed", "ignored", "failed"}
        assert "its log says why" not in (receipt["error"] or "")


async def test_a_payload_above_a_mebibyte_is_refused(desk: Desk) -> None:
    assert (await desk.send(b" " * (1024 * 1024 + 1))).status_code == 413


@pytest.fixture
async def busy(desk: Desk, app: FastAPI, state: State) -> Desk:
    """A desk whose hooks may have two receipts waiting each."""
    settings = Settings(database_url=state.settings.database_url, background=False, hook_backlog=2)
    app.state.heliodesk = replace(state, settings=settings)
    return desk


async def let_wait(desk: Desk) -> None:
    """What waits has waited for two seconds."""
    await fetch(desk.sessions, "UPDATE receipts SET received_at = received_at - interval '2 s'")


async def test_more_than_may_wait_is_told_to_come_again_and_not_stored(busy: Desk) -> None:
    answers: list[httpx.Response] = [await busy.send(GENERIC) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 202]  # a burst
    await let_wait(busy)
    answer = await busy.send(GENERIC)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert len(await busy.receipts()) == 3
    await busy.process()
    assert (await busy.send(GENERIC)).status_code == 202


async def test_a_long_event_of_pagerduty_is_read_strictly_before_its_key_is_known(desk: Desk) -> None:
    """What else is put right takes a tenth of a second, and nobody has shown a key yet."""
    details = {"custom_details": {"log": "x" * QUICK_BYTES}}
    long = orjson.dumps(EVENT | {"payload": EVENT["payload"] | details})
    assert (await desk.send(long, "/v2/enqueue")).status_code == 202
    for body, status in ((orjson.dumps(EVENT), 202), (long, 400)):
        answer = await desk.send(body[:-1] + b', "n": NaN}', "/v2/enqueue")
        assert answer.status_code == status
    deep = long[:-1] + b', "n": ' + b"[" * 300 + b"]" * 300 + b"}"
    assert (await desk.send(deep, "/v2/enqueue")).json()["status"] == "invalid event"
