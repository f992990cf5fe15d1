"""Signs as the service does, by the specification's own library."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from standardwebhooks.webhooks import Webhook as Standard

SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER: Final = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
_DOCUMENT: Final = json.loads((Path(__file__).parents[3] / "openapi" / "openapi.json").read_text())


def signed(event: Any, *secrets: str, age: float = 0) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of a message that was sent ``age`` seconds ago."""
    text, at = json.dumps(event), datetime.fromtimestamp(int(time.time() - age), UTC)
    signatures = [Standard(secret).sign("evt_1", at, text) for secret in secrets or [SECRET]]
    headers = {
        "Webhook-Id": "evt_1",
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": " ".join(signatures),
    }
    return text.encode(), headers


def example(kind: str) -> dict[str, Any]:
    """The document's example of an event."""
    body: dict[str, Any] = _DOCUMENT["webhooks"][kind]["post"]["requestBody"]["content"]["application/json"]["example"]
    return body
