"""CloudEvents in each of their modes, and the handshake before them."""

import base64
from typing import Any, Final

import httpx
import orjson
import pytest

from app.inbound.examples import CLOUDEVENT
from app.inbound.formats import cloudevents
from app.inbound.formats.cloudevents import BATCH, STRUCTURED, attribute_of, events_of
from app.inbound.readings import QUICK_BYTES
from tests.inbound.conftest import PATHS, Desk
from tests.inbound.results import outcomes
from tests.support.actors import Headers

BARE: Final = {"specversion": "1.0", "id": "45", "source": "/m", "type": "disk.full"}
ASKS: Final = {"WebHook-Request-Origin": "eventgrid.azure.net"}


def binary(desk: Desk, event: dict[str, str], **more: str) -> Headers:
    return desk.key | {f"ce-{name}": value for name, value in event.items()} | more


def structured(desk: Desk, kind: str = STRUCTURED) -> Headers:
    return desk.key | {"Content-Type": kind}


@pytest.mark.parametrize(
    ("value", "attribute"),
    [
        ("disk%20full", "disk full"),
        ("/m/%E2%82%AC", "/m/€"),
        ("Euro%20%e2%82%ac%20%F0%9F%98%80", "Euro € 😀"),
        ('"disk full"', "disk full"),
        (r'"a \"b\" \\ c"', r'a "b" \ c'),
        ('"disk%20full"', "disk full"),
        ("%2520", "%20"),
        ("%22a%22", '"a"'),
        ("100%", "100%"),
        ("%zz", "%zz"),
        ("a+b", "a+b"),
        ('"', '"'),
        ("%FF", "\ufffd"),
        ("€".encode().decode("latin-1"), "€"),
        ("caf\xe9", "café"),
    ],
)
def test_a_header_stands_for_its_attribute_after_one_round_of_unquoting_and_decoding(
    value: str, attribute: str
) -> None:
    assert attribute_of(value) == attribute


async def test_rules_and_identity_go_by_the_decoded_attributes(desk: Desk) -> None:
    await desk.change(format="cloudevents", mapping=[{"match": {"subject": "disk full"}, "priority": "P2"}])
    event = BARE | {"source": "/m/%E2%82%AC", "subject": "disk%20full"}
    receipt = await desk.post({}, "/cloudevents", binary(desk, event))
    assert [signal["key"] for signal in receipt["signals"]] == ["/m/€/45"]
    (ticket,) = await desk.tickets()
    assert (ticket["title"], ticket["priority"]) == ("disk full", "P2")
    again = BARE | {"source": "/m/€", "subject": "disk full"}
    assert (await desk.send(again, "/cloudevents", structured(desk))).json()["duplicate"] is True
    assert (await desk.send(again, "", structured(desk))).json()["duplicate"] is True


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        (b"", None, ""),
        (b" \n", "application/json", ""),
        (b"null", "application/json", ""),
        (b"Disk is full", "text/plain; charset=utf-8", "Disk is full"),
        (b'{"message": "Disk is full"}', "application/vnd.disk+json", "Disk is full"),
        (b"\xef\xbb\xbf" + b'{"message": "Disk is full"}', "application/json", "Disk is full"),
    ],
    ids=["none", "blank", "null", "text", "json", "byte order mark"],
)
async def test_a_binary_event_opens_its_ticket_whatever_its_data(
    desk: Desk, body: bytes, kind: str | None, text: str
) -> None:
    headers = binary(desk, BARE) | ({"Content-Type": kind} if kind else {"Content-Type": ""})
    receipt = await desk.post(body, "/cloudevents", headers)
    assert (receipt["state"], outcomes(receipt), receipt["omissions"]) == ("processed", ["started"], [])
    (ticket,) = await desk.tickets()
    assert ticket["title"] == "disk.full"
    assert text in ticket["description"]


async def test_data_that_cannot_be_read_is_left_out_of_its_event(desk: Desk) -> None:
    receipt = await desk.post(b"<disk/>", "/cloudevents", binary(desk, BARE, **{"Content-Type": "application/xml"}))
    assert outcomes(receipt) == ["started"]
    [why] = receipt["omissions"]
    assert why.startswith("The event's data: The body is not valid JSON")


@pytest.mark.parametrize("kind", [BATCH, f"{BATCH}; charset=utf-8", "application/json"])
async def test_a_bad_event_of_a_batch_is_left_out_and_the_others_open(desk: Desk, kind: str) -> None:
    batch = [
        BARE | {"id": "1"},
        {"specversion": "1.0", "id": "2"},
        None,
        BARE | {"id": "3"},
        BARE | {"specversion": "0.3"},
    ]
    answer = await desk.send(batch, "/cloudevents", structured(desk, kind))
    why = ["event 1 lacks source, type", "event 2 is not an object, but null", "event 4 is not of CloudEvents 1.0"]
    assert answer.json()["omissions"] == why
    await desk.process()
    [receipt] = await desk.receipts()
    assert (receipt["state"], receipt["left_out"], receipt["omissions"]) == ("processed", 3, why)
    assert [signal["key"] for signal in receipt["signals"]] == ["/m/1", "/m/3"]
    assert len(await desk.tickets()) == 2


def encoded(content: bytes, **more: Any) -> dict[str, Any]:
    return BARE | {"data_base64": base64.b64encode(content).decode()} | more


@pytest.mark.parametrize(
    ("event", "data"),
    [
        (encoded(b'{"message": "x"}'), {"message": "x"}),
        (encoded(b'\xef\xbb\xbf{"message": "\\ud83d"}', datacontenttype="application/json"), {"message": "\ufffd"}),
        (encoded(b"plain", datacontenttype="text/plain"), "plain"),
        (encoded(b'{"a": 1}', data={"b": 2}), {"b": 2}),
        (BARE | {"data_base64": "eyJtZXNzYWdl\r\nIjogIngifQ"}, {"message": "x"}),
        (BARE | {"data_base64": "eyJhIjogIj8_fn4ifQ"}, {"a": "??~~"}),
    ],
    ids=["json", "json with a mark", "text", "data beside it", "in lines, unpadded", "in the alphabet of URLs"],
)
def test_what_is_in_data_base64_is_the_data(event: dict[str, Any], data: Any) -> None:
    for body, kind in ((event, STRUCTURED), ([event], BATCH)):
        parsed = events_of(orjson.dumps(body), {"content-type": kind})
        assert ([found["data"] for found in parsed.value], parsed.omissions) == ([data], ())


@pytest.mark.parametrize("event", [encoded(b"\x00\xff"), BARE | {"data_base64": "?"}], ids=["bytes", "no base64"])
async def test_an_event_whose_data_base64_is_neither_json_nor_text_opens_without_it(desk: Desk, event: Any) -> None:
    receipt = await desk.post(event, "/cloudevents", structured(desk))
    assert outcomes(receipt) == ["started"]
    [why] = receipt["omissions"]
    assert why.startswith("event 0/data_base64")


async def test_a_rule_sees_what_is_in_data_base64(desk: Desk) -> None:
    await desk.post(encoded(b'{"severity": "warning", "message": "97 %"}'), "/cloudevents", structured(desk))
    (ticket,) = await desk.tickets()
    assert ticket["priority"] == "P3"
    assert "97 %" in ticket["description"]


async def ask(desk: Desk, path: str, **headers: str) -> httpx.Response:
    return await desk.client.options(f"/v1/ingest/{desk.hook['id']}{path}", headers=headers)


@pytest.mark.parametrize("path", PATHS)
async def test_a_sender_that_asks_may_send(desk: Desk, path: str) -> None:
    answer = await ask(desk, path, **ASKS)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["webhook-allowed-origin"] == "eventgrid.azure.net"
    assert answer.headers["webhook-allowed-rate"] == "12000"
    assert answer.headers["allow"] == "POST"
    assert (await ask(desk, f"{path}?key={desk.hook['secret']}", **ASKS)).status_code == 200


@pytest.mark.parametrize(("asked", "granted"), [("120", "120"), ("999999", "12000"), ("0", "12000"), ("x", "12000")])
async def test_a_sender_is_granted_the_rate_that_it_asks_for_up_to_the_limit(
    desk: Desk, asked: str, granted: str
) -> None:
    callback = {"WebHook-Request-Callback": "http://169.254.169.254/latest"}  # is never called
    answer = await ask(desk, "/cloudevents", **ASKS, **callback, **{"WebHook-Request-Rate": asked})
    assert answer.headers["webhook-allowed-rate"] == granted


async def test_what_is_no_handshake_has_no_consent(desk: Desk) -> None:
    preflight = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    for headers, status in (({}, 405), (preflight, 405), ({"WebHook-Request-Origin": "a b"}, 400)):
        answer = await ask(desk, "/cloudevents", **headers)
        assert (answer.status_code, answer.headers.get("webhook-allowed-origin")) == (status, None)
        assert answer.headers.get("allow") == ("POST" if status == 405 else None)
    await desk.change(enabled=False)
    assert (await ask(desk, "/cloudevents", **ASKS)).status_code == 409
    desk.hook = {"id": "hook_nowhere"}
    assert (await ask(desk, "/cloudevents", **ASKS)).status_code == 404


async def test_event_grid_subscribes_and_delivers(desk: Desk) -> None:
    """By its documents: it asks with a callback and no rate, and sends batches of one as structured events."""
    address = f"/cloudevents?key={desk.hook['secret']}"
    callback = {"WebHook-Request-Callback": "https://rp-eastus.eventgrid.azure.net:553/validate?id=1"}
    assert (await ask(desk, address, **ASKS, **callback)).status_code == 200
    headers = {"Content-Type": f"{STRUCTURED}; charset=utf-8", "aeg-event-type": "Notification"} | ASKS
    receipt = await desk.post(CLOUDEVENT, address, headers)
    assert outcomes(receipt) == ["started"]


async def test_a_long_event_is_known_again_by_its_bytes_and_not_read_while_others_wait(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("This reads it in the event loop")

    long = CLOUDEVENT | {"data": {"log": "x" * QUICK_BYTES}}
    monkeypatch.setattr(cloudevents, "parse", refuse)
    for event, duplicate in ((long, False), (long, True), (long | {"id": "other"}, False)):
        answer = await desk.send(event, "/cloudevents", structured(desk))
        assert answer.json()["duplicate"] is duplicate
    headers = binary(desk, BARE)
    for body, duplicate in ((b"x" * QUICK_BYTES + b"x", False), (b"y" * QUICK_BYTES + b"y", True)):
        assert (await desk.send(body, "/cloudevents", headers)).json()["duplicate"] is duplicate
