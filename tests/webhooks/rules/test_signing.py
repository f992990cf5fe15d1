import base64
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from app.webhooks.rules.signing import MAX_SECRETS, in_force, make_secret, rotated, sign, signature

BODY = '{"type":"ticket.opened","data":{"título":"añb"}}'.encode()


def now() -> datetime:
    """The library refuses timestamps that are not of these minutes, and offers no clock."""
    return datetime.now(UTC)


def test_the_specifications_own_vector() -> None:
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == expected


def test_the_public_library_verifies_what_is_signed() -> None:
    secret = make_secret()
    assert Webhook(secret).verify(BODY, sign([secret], "evt_1", now(), BODY)) == {
        "type": "ticket.opened",
        "data": {"título": "añb"},
    }


def test_both_secrets_of_a_rotation_verify() -> None:
    new, old = make_secret(), make_secret()
    headers = sign([new, old], "evt_1", now(), BODY)
    assert Webhook(new).verify(BODY, headers)
    assert Webhook(old).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(make_secret()).verify(BODY, headers)


def test_a_rotation_keeps_at_most_three_secrets_and_none_beyond_its_overlap() -> None:
    first, today = make_secret(), now()
    secrets, ends = rotated([first], [], today + timedelta(hours=24))
    assert (secrets[1:], ends) == ([first], [today + timedelta(hours=24)])
    secrets, ends = rotated(secrets, ends, today + timedelta(hours=1))
    assert (secrets[2], ends) == (first, [today + timedelta(hours=1)] * 2)
    older = secrets[:2]
    secrets, ends = rotated(secrets, ends, today + timedelta(hours=48))
    assert secrets[1:] == older
    assert ends == [today + timedelta(hours=48), today + timedelta(hours=1)]
    assert len(secrets) == MAX_SECRETS == 3


def test_a_secret_ends_at_its_instant() -> None:
    secrets, end = [make_secret() for _ in range(3)], now()
    ends = [end, end - timedelta(hours=1)]
    assert in_force(secrets, ends, end - timedelta(hours=2)) == secrets
    assert in_force(secrets, ends, end - timedelta(microseconds=1)) == secrets[:2]
    assert in_force(secrets, ends, end) == secrets[:1]


@pytest.mark.parametrize("changed", [{"webhook-id": "evt_2"}, {"webhook-timestamp": "+10"}, {}])
def test_a_changed_message_does_not_verify(changed: dict[str, str]) -> None:
    secret, sent = make_secret(), now()
    headers = sign([secret], "evt_1", sent, BODY)
    if "webhook-timestamp" in changed:
        changed = {"webhook-timestamp": str(int((sent + timedelta(seconds=10)).timestamp()))}
    body = BODY if changed else BODY + b" "
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers | changed)


def test_secrets_are_32_random_bytes() -> None:
    first, second = make_secret(), make_secret()
    assert first != second
    assert len(base64.b64decode(first.removeprefix("whsec_"))) == 32


@pytest.mark.parametrize("secret", ["", "c2VjcmV0", "whsec_*", "whsec_abc"])
def test_a_malformed_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        signature(secret, "evt_1", 1, b"")
