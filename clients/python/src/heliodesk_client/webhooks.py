"""Verifies webhooks by Standard Webhooks 1.0.0."""

from collections.abc import Mapping
from typing import Any

from standardwebhooks.webhooks import Webhook as Standard
from standardwebhooks.webhooks import WebhookVerificationError

InvalidSignature = WebhookVerificationError


class Webhook:
    """What an endpoint's secret (``whsec_...``) verifies."""

    def __init__(self, secret: str) -> None:
        self._standard = Standard(secret)

    def verify(self, body: bytes | str, headers: Mapping[str, str]) -> dict[str, Any]:
        """The event in a raw request body; ``InvalidSignature`` where it was not signed, or more than 5 minutes ago.

        Drop an event whose ``id`` has been seen: each may come more than once.
        """
        lower = {name.lower(): value for name, value in headers.items()}
        event: dict[str, Any] = self._standard.verify(body, lower)
        return event
