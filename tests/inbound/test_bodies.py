"""Bodies as senders send them: what can be kept is kept, the good alerts open, and what was left out is told."""

import gzip
import hashlib
import hmac
import zlib
from collections.abc import Callable
from typing import Any, Final

import orjson
import pytest

from app.core.pieces import Pieces
from app.inbound.examples import GENERIC, PAGERDUTY
from app.inbound.formats.codings import MAX_RATIO, decoded
from app.inbound.formats.parsing import MAX_DEPTH, parse
from app.inbound.formats.signal import Unreadable
from tests.inbound.conftest import Desk, MakeDesk
from tests.inbound.results import outcomes, statuses

GOOD: Final[dict[str, Any]] = {"status": "firing", "fingerprint": "good", "annotations": {"summary": "Good"}}
HUGE: Final = b"123456789012345678901234567890"


def alerts(*items: Any, **more: Any) -> dict[str, Any]:
    return {"version": "4", "groupKey": "g", "alerts": list(items)} | more


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        ('{"a": "é"}'.encode("utf-16"), {"a": "é"}),
        ('{"a": "é"}'.encode("utf-16-le"), {"a": "é"}),
        ('{"a": "é"}'.encode("utf-32"), {"a": "é"}),
        (b'{"a": "\\ud83d"}', {"a": "\ufffd"}),
        (b'{"a": "\\uDE00\\ud83d\\ude00\\\\ud83d\\n"}', {"a": "\ufffd😀\\ud83d\n"}),
        (b'{"\\ud83d": "\\ud83d\\ud83d\\ude00"}', {"\ufffd": "\ufffd😀"}),
        (b'{"a": "\xff"}', {"a": "\ufffd"}),
        (b'{"a": "one\ntwo\x01"}', {"a": "one\ntwo\x01"}),
        (b'{"a": NaN, "b": [Infinity, -Infinity]}', {"a": "NaN", "b": ["Infinity", "-Infinity"]}),
        (b"[1e999, -1e999, 1e-999]", ["1e999", "-1e999", 0.0]),
        (b'{"a": %s, "b": -%s, "c": 7}' % (HUGE, HUGE), {"a": HUGE.decode(), "b": f"-{HUGE.decode()}", "c": 7}),
        (b'{"a": %s}' % (b"9" * 5_000), {"a": "9" * 5_000}),
        (b'{"a": 18446744073709551616.5}', {"a": 18446744073709551616.5}),
    ],
    ids=lambda part: part.hex()[:40] if isinstance(part, bytes) else "",
)
def test_json_is_read_as_far_as_it_goes(body: bytes, value: Any) -> None:
    parsed = parse(body)
    assert (parsed.value, parsed.omissions) == (value, ())
    orjson.dumps(parsed.value)


def test_a_declared_charset_counts_for_what_is_no_utf_8() -> None:
    kind = "application/json; charset=ISO-8859-1"
    assert parse('{"a": "é"}'.encode("latin-1"), kind).value == {"a": "é"}
    assert parse('{"a": "é"}'.encode(), kind).value == {"a": "é"}


@pytest.mark.parametrize("brackets", [(b"[", b"]"), (b'{"a":', b"}")], ids=["arrays", "objects"])
@pytest.mark.parametrize("depth", [300, 1_500, 40_000])
def test_what_is_nested_too_deeply_is_left_out(brackets: tuple[bytes, bytes], depth: int) -> None:
    opening, closing = brackets
    deep = opening * depth + b"1" + closing * depth
    parsed = parse(b'[{"text": "[{\\"", "deep": %s, "after": 1}, 2]' % deep)
    first, second = parsed.value
    assert (first["text"], first["after"], second) == ('[{"', 1, 2)
    assert parsed.omissions == (f"1 value nested more than {MAX_DEPTH} levels deep",)
    orjson.dumps(parsed.value)


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 80_000, b'"', b"{'a': 1}", b'{"a": "\\ud83d}', b"\xff", b"{]"])
def test_what_is_no_json_says_so(body: bytes) -> None:
    with pytest.raises(Unreadable, match="not valid JSON"):
        parse(body)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (None, "alerts/0 is not an object, but null"),
        (7, "alerts/0 is not an object, but a number"),
        ("firing", "alerts/0 is not an object, but a text"),
        ([], "alerts/0 is not an object, but a list"),
        ({}, "alerts/0/status is neither 'firing' nor 'resolved', but ''"),
        ({"status": "suppressed"}, "alerts/0/status is neither 'firing' nor 'resolved', but 'suppressed'"),
        ({"status": None}, "alerts/0/status is neither 'firing' nor 'resolved', but ''"),
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/alertmanager", "/grafana"])
async def test_an_alert_that_makes_no_sense_is_left_out_and_the_others_open(
    desk: Desk, path: str, bad: Any, why: str
) -> None:
    await desk.change(ticket_per="group")
    answer = await desk.send(alerts(bad, GOOD), path)
    assert (answer.status_code, answer.json()["omissions"]) == (202, [why])
    await desk.process()
    [receipt] = await desk.receipts()
    assert (receipt["state"], receipt["left_out"], receipt["omissions"]) == ("processed", 1, [why])
    assert outcomes(receipt) == ["started"]
    assert [ticket["title"] for ticket in await desk.tickets()] == ["Good"]
    await desk.post(alerts(bad, GOOD | {"status": "resolved"}), path)
    assert statuses(await desk.tickets()) == ["new"]  # what makes no sense may be firing
    await desk.post(alerts(GOOD | {"status": "RESOLVED"}), path)
    assert statuses(await desk.tickets()) == ["resolved"]


async def test_a_payload_of_which_nothing_makes_sense_fails_with_the_reasons(desk: Desk) -> None:
    receipt = await desk.post(alerts(*[None] * 30), "/alertmanager")
    assert receipt["state"] == "failed"
    assert receipt["error"].startswith("alerts/0 is not an object, but null; alerts/1 is not an object")
    assert receipt["error"].endswith("; and 10 more")


async def test_an_item_of_a_list_that_makes_no_sense_is_left_out_and_the_others_open(desk: Desk) -> None:
    receipt = await desk.post([None, GENERIC, "disk"])
    why = ["item 0 is not an object, but null", "item 2 is not an object, but a text"]
    assert (outcomes(receipt), receipt["omissions"], receipt["left_out"]) == (["started"], why, 2)
    await desk.change(expressions={"key": "join('', [a, b])"})
    receipt = await desk.post([{"a": 1}, {"a": "x", "b": "y"}])
    assert [signal["key"] for signal in receipt["signals"]] == ["xy"]
    [why_not] = receipt["omissions"]
    assert why_not.startswith("The hook's expression for 'key' cannot be applied")


@pytest.mark.parametrize(
    ("stated", "counted"),
    [
        (b"5000000000", 2_147_483_647),
        (HUGE, 2_147_483_647),
        (b"1e999", 0),
        (b"3.0", 3),
        (b'"2"', 2),
        (b"-5000000000", 0),
        (b"true", 0),
        (b"NaN", 0),
        (b"null", 0),
        (b"{}", 0),
    ],
)
async def test_a_count_that_no_column_holds_is_cut_to_what_one_does(desk: Desk, stated: bytes, counted: int) -> None:
    body = orjson.dumps(alerts(GOOD, truncatedAlerts="?")).replace(b'"?"', stated)
    receipt = await desk.post(body, "/alertmanager")
    assert (receipt["state"], receipt["left_out"], outcomes(receipt)) == ("processed", counted, ["started"])


@pytest.mark.parametrize(
    ("path", "body", "title"),
    [
        ("/alertmanager", b"\xef\xbb\xbf" + orjson.dumps(alerts(GOOD)), "Good"),
        ("/alertmanager", orjson.dumps(alerts(GOOD)).replace(b"Good", b"Disk \\ud83d"), "Disk \ufffd"),
        ("", b'{"key": NaN, "title": "Load", "value": Infinity, "count": %s}' % HUGE, "Load"),
        ("", b'{"key": "a", "title": "Load\non h1"}', "Load\non h1"),
        ("", b'{"key": "a", "title": "Deep", "more": %s}' % (b"[" * 2_000 + b"]" * 2_000), "Deep"),
        (
            "/v2/enqueue",
            orjson.dumps(PAGERDUTY).replace(
                b'"severity"', b'"custom_details": %s, "severity"' % (b"[" * 300 + b"]" * 300)
            ),
            "Disk full on h1",
        ),
        ("/v2/enqueue", b"\xef\xbb\xbf" + orjson.dumps(PAGERDUTY).replace(b"Disk", b"\\udead"), "\ufffd full on h1"),
    ],
    ids=["byte order mark", "lone surrogate", "numbers", "raw line break", "deep", "deep details", "pagerduty"],
)
async def test_an_odd_body_opens_its_ticket(desk: Desk, path: str, body: bytes, title: str) -> None:
    receipt = await desk.post(body, path)
    assert (receipt["state"], outcomes(receipt)) == ("processed", ["started"])
    assert [ticket["title"] for ticket in await desk.tickets()] == [title]


async def test_long_numbers_that_differ_in_their_last_digit_are_two_alerts(desk: Desk) -> None:
    await desk.post(b'[{"key": %s1}, {"key": %s2}]' % (HUGE, HUGE))
    assert len(await desk.tickets()) == 2


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        ("gzip", gzip.compress),
        ("X-GZip", gzip.compress),
        ("gzip", lambda body: gzip.compress(body[:9]) + gzip.compress(body[9:])),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body)[2:-4]),
        ("identity", bytes),
    ],
    ids=["gzip", "x-gzip", "two members", "deflate", "raw deflate", "identity"],
)
@pytest.mark.parametrize(("path", "body"), [("", GENERIC), ("/v2/enqueue", PAGERDUTY)], ids=["generic", "pagerduty"])
async def test_a_compressed_body_is_kept_without_its_content_coding(
    desk: Desk, path: str, body: Any, coding: str, pack: Callable[[bytes], bytes]
) -> None:
    content = orjson.dumps(body)
    receipt = await desk.post(pack(content), path, desk.key | {"Content-Encoding": coding})
    assert outcomes(receipt) == ["started"]
    shown = await desk.get(f"/v1/hooks/{desk.hook['id']}/receipts/{receipt['id']}")
    kept = {name: value for name, value in body.items() if name != "routing_key"}
    assert (orjson.loads(shown["payload"]), shown["size"]) == (kept, len(orjson.dumps(kept)))


@pytest.mark.parametrize("path", ["", "/alertmanager", "/cloudevents", "/v2/enqueue"])
@pytest.mark.parametrize(
    ("coding", "body", "status"),
    [
        ("br", b"{}", 415),
        ("zstd", b"{}", 415),
        ("gzip, gzip", gzip.compress(gzip.compress(b"{}")), 415),
        ("gzip", b"{}", 400),
        ("gzip", gzip.compress(orjson.dumps(GENERIC))[:-9], 400),
        ("deflate", b"{}", 400),
        ("gzip", gzip.compress(b" " * (1024 * 1024 + 1)), 413),
        ("gzip", gzip.compress(b" " * 600_000), 413),
    ],
    ids=["br", "zstd", "two codings", "no gzip", "cut off", "no deflate", "too large", "too dense"],
)
async def test_a_content_coding_that_cannot_be_undone_is_refused(
    desk: Desk, path: str, coding: str, body: bytes, status: int
) -> None:
    answer = await desk.send(body, path, desk.key | {"Content-Encoding": coding})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.headers.get("accept-encoding") == ("gzip, deflate" if status == 415 else None)
    assert await desk.receipts() == []


async def test_a_stranger_has_nothing_decoded(desk: Desk) -> None:
    assert (await desk.send(b"{}", headers={"Content-Encoding": "gzip"})).status_code == 401


def test_what_grows_is_bounded_in_size_and_in_ratio() -> None:
    plain = b"".join(hashlib.sha256(bytes([number])).digest() for number in range(200)) * 40
    packed = gzip.compress(plain)
    assert decoded(Pieces.of(packed), "gzip", 1024 * 1024).whole() == plain
    assert len(plain) / len(packed) < MAX_RATIO


@pytest.mark.parametrize("scheme", ["github", "sentry", "grafana", "hmac", "enqueue"])
async def test_a_signature_covers_the_bytes_as_sent_and_its_digits_may_be_capitals(
    make_desk: MakeDesk, scheme: str
) -> None:
    desk, content = await make_desk(), PAGERDUTY if scheme == "enqueue" else GENERIC
    body = gzip.compress(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    own = {"scheme": "hmac", "header": "X-Signature", "prefix": "V0="}
    secret = (await desk.make(signature=own if scheme in ("hmac", "enqueue") else {"scheme": scheme}))["secret"]
    digest = hmac.digest(secret.encode(), body, hashlib.sha256).hex().upper()
    names = {"github": ("X-Hub-Signature-256", "sha256="), "sentry": ("Sentry-Hook-Signature", "")}
    names |= {"grafana": ("X-Grafana-Alerting-Signature", "")}
    name, prefix = names.get(scheme, ("X-Signature", "V0="))
    path = "/v2/enqueue" if scheme == "enqueue" else ""
    signed = {"Content-Encoding": "gzip", name: prefix + digest}
    assert (await desk.send(body, path, signed)).status_code == 202
    assert (await desk.send(gzip.compress(b"{}"), "", signed)).status_code == 401
    assert (await desk.send(body, path, signed | {name: prefix + digest[::-1]})).status_code == 401


async def test_what_would_be_left_out_is_told_before(desk: Desk) -> None:
    path = f"/v1/hooks/{desk.hook['id']}/try"
    tried = {"payload": alerts(None, GOOD), "format": "alertmanager"}
    answer = (await desk.client.post(path, json=tried, headers=desk.owner)).json()
    assert (answer["left_out"], answer["omissions"]) == (1, ["alerts/0 is not an object, but null"])
