"""Signing as the Standard Webhooks specification 1.0.0 has it. Pure."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from app.core.text.messages import _

_PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = 32
MAX_SECRETS: Final = 3
"""How many secrets of an endpoint sign at once: the newest, and those before it whose overlap has not ended."""

OVERLAP: Final = timedelta(hours=24)
"""How long a secret goes on to sign after a rotation, unless it is said."""

MAX_OVERLAP: Final = timedelta(days=7)


def make_secret() -> str:
    """A new signing secret: ``whsec_`` and the base64 of 32 random bytes (the specification asks for 24 to 64)."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signature(secret: str, message_id: str, seconds: int, *body: bytes) -> str:
    """``v1,`` and the base64 of HMAC-SHA256 over ``id.timestamp.body``; ``body`` in pieces.

    Raises ``ValueError`` for a secret that is not ``whsec_`` and base64.
    """
    mac = hmac.new(_key(secret), b"%s.%d." % (message_id.encode(), seconds), hashlib.sha256)
    for piece in body:
        mac.update(piece)
    return "v1," + base64.b64encode(mac.digest()).decode()


def sign(secrets_in_force: Sequence[str], message_id: str, now: datetime, body: bytes) -> dict[str, str]:
    """The three headers of a message: one signature for each secret, so that a secret can be rotated without a gap.

    ``message_id`` is the same on every retry; ``now`` is the instant of this attempt, on this machine's clock.
    """
    seconds = int(now.timestamp())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(signature(secret, message_id, seconds, body) for secret in secrets_in_force),
    }


def rotated(secrets: Sequence[str], ends: Sequence[datetime], end: datetime) -> tuple[list[str], list[datetime]]:
    """A new secret in front, and when each of the others ends: the one that was newest at ``end``, none later.

    Of more than ``MAX_SECRETS`` the oldest are dropped.
    """
    kept = [make_secret(), *secrets][:MAX_SECRETS]
    return kept, [end, *(min(each, end) for each in ends)][: len(kept) - 1]


def in_force(secrets: Sequence[str], ends: Sequence[datetime], now: datetime) -> list[str]:
    """The secrets that sign at ``now``: the newest, and those before it that have not ended yet."""
    return [*secrets[:1], *(secret for secret, end in zip(secrets[1:], ends, strict=True) if now < end)]


def _key(secret: str) -> bytes:
    if not secret.startswith(_PREFIX):
        raise ValueError(_("A signing secret starts with whsec_"))
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError(_("A signing secret is whsec_ and base64")) from error
