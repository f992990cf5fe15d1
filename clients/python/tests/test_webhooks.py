"""Messages as the service signs them, and messages that it did not sign."""

import pytest
from heliodesk_client import InvalidSignature, Webhook
from heliodesk_client.events import EVENTS, DeadlineMissedEvent, Event
from signing import OTHER, SECRET, example, signed


def test_an_event_has_the_class_for_its_type() -> None:
    event = Webhook(SECRET).event(*signed(example("deadline.missed")))
    assert isinstance(event, DeadlineMissedEvent)
    assert event.data.metric == "first_response"


@pytest.mark.parametrize("kind", EVENTS)
def test_every_event_is_read(kind: str) -> None:
    event = Webhook(SECRET).event(*signed(example(kind)))
    assert (type(event), event.type_) == (EVENTS[kind], kind)


def test_what_a_later_version_adds_is_read_too() -> None:
    later = example("deadline.missed") | {"type": "ticket.sung_about", "audience": "everybody", "more": 1}
    event = Webhook(SECRET).event(*signed(later))
    assert (type(event), event.audience, event["more"]) == (Event, "everybody", 1)


@pytest.mark.parametrize(
    ("mine", "theirs"), [([SECRET], [OTHER, SECRET]), ([OTHER, SECRET], [SECRET])], ids=["both sign", "I have both"]
)
def test_a_secret_is_rotated(mine: list[str], theirs: list[str]) -> None:
    body, headers = signed({"text": "a projection"}, *theirs)
    assert Webhook(*mine).verify(body.decode(), headers) == {"text": "a projection"}


@pytest.mark.parametrize("age", [400, -400], ids=["old", "ahead"])
def test_the_age_is_limited_as_you_like(age: float) -> None:
    message = signed({}, age=age)
    assert Webhook(SECRET, tolerance=500).verify(*message) == {}
    with pytest.raises(InvalidSignature, match="tolerated"):
        Webhook(SECRET).verify(*message)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"Webhook-Signature": ""},
        {"Webhook-Signature": "v1"},
        {"Webhook-Signature": "v1,not base64 é"},
        {"Webhook-Signature": signed({}, OTHER)[1]["Webhook-Signature"]},
        {"Webhook-Signature": signed({})[1]["Webhook-Signature"].replace("v1,", "v2,")},
        {"Webhook-Timestamp": "1e9"},
        {"Webhook-Timestamp": "-1"},
        {"Webhook-Id": "evt_2"},
    ],
    ids=[
        "unsigned",
        "no signature",
        "no base64",
        "another secret",
        "another version",
        "a power",
        "negative",
        "another id",
    ],
)
def test_what_nobody_signed_is_refused(spoilt: dict[str, str]) -> None:
    body, headers = signed({})
    with pytest.raises(InvalidSignature):
        Webhook(SECRET).verify(body, headers | spoilt)


@pytest.mark.parametrize("body", [b"{} ", b"\xff", b""], ids=repr)
def test_another_body_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidSignature):
        Webhook(SECRET).verify(body, signed({})[1])


@pytest.mark.parametrize("secrets", [[], [""], ["whsec_"], ["whsec_!"]], ids=repr)
def test_a_secret_that_is_not_one_is_refused_at_once(secrets: list[str]) -> None:
    with pytest.raises(ValueError, match=r"secret|base64|padding"):
        Webhook(*secrets)
