"""Verifies webhooks by Standard Webhooks 1.0.0."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any, Final

from heliodesk_client.errors import HeliodeskError
from heliodesk_client.events import EVENTS, WebhookEvent
from heliodesk_client.generated.models import Event

_PREFIX: Final = "whsec_"
_VERSION: Final = "v1"


class InvalidSignature(HeliodeskError):
    """Nobody who knows the secret sent this, or it was sent too long ago. Answer 400."""


class Webhook:
    """What the secrets of an endpoint (``whsec_...``) verify.

    While a secret is rotated the service signs with both the old and the new one, so either is enough. Several secrets
    serve a receiver of several endpoints. ``tolerance`` is how many seconds old, or ahead of this clock, a message may
    be. Raises ValueError for a secret that is not base64.
    """

    def __init__(self, *secrets: str, tolerance: float = 300.0) -> None:
        if not secrets:
            raise ValueError("A webhook is verified with at least one secret")
        self._keys = [_key(secret) for secret in secrets]
        self._tolerance = tolerance

    def verify(self, body: bytes | str, headers: Mapping[str, str]) -> Any:
        """The JSON in a raw request body: the bytes as they came, and the request's headers.

        Raises ``InvalidSignature``. Drop a message whose ``webhook-id`` you have seen: each may come more than once.
        """
        raw = body.encode() if isinstance(body, str) else body
        given = {name.lower(): value for name, value in headers.items()}
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        missing = [name for name in names if not given.get(name)]
        if missing:
            raise InvalidSignature(f"The request has no {' and no '.join(missing)}")
        message_id, sent_at, signatures = (given[name] for name in names)
        self._check_age(sent_at)
        if not self._is_signed(f"{message_id}.{sent_at}.".encode() + raw, signatures):
            raise InvalidSignature("No signature fits")
        try:
            return json.loads(raw)
        except ValueError as error:
            raise InvalidSignature("The body is not JSON") from error

    def event(self, body: bytes | str, headers: Mapping[str, str]) -> WebhookEvent:
        """The same as the class for its type, such as ``DeadlineMissedEvent``; ``Event`` for a type that is not known.

        For endpoints that get events as they are: with a projection, use ``verify``.
        """
        document = self.verify(body, headers)
        return EVENTS.get(document["type"], Event).from_dict(document)

    def _check_age(self, sent_at: str) -> None:
        if not (sent_at.isascii() and sent_at.isdecimal()):
            raise InvalidSignature("The timestamp is not a number of seconds")
        age = time.time() - int(sent_at)
        if abs(age) > self._tolerance:
            raise InvalidSignature(f"The message is {age:.0f} s old; {self._tolerance:.0f} s are tolerated")

    def _is_signed(self, content: bytes, signatures: str) -> bool:
        expected = [base64.b64encode(hmac.digest(key, content, hashlib.sha256)) for key in self._keys]
        given = [part.partition(",") for part in signatures.split()]
        mine = [signature.encode() for version, _, signature in given if version == _VERSION]
        return any(hmac.compare_digest(one, other) for one in expected for other in mine)


def _key(secret: str) -> bytes:
    encoded = secret.strip().removeprefix(_PREFIX)
    key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    if not key:
        raise ValueError("A webhook's secret is empty")
    return key
