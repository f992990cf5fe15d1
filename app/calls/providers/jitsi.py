"""Jitsi Meet: a room exists as soon as somebody opens its address, so an unguessable name is all it takes.

A server that asks for tokens gets one in the link (HS256, by the application's secret), for this room alone.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from google.auth import jwt
from google.auth.crypt import Signer

from app.calls.providers.provider import CallRequest, Link
from app.core.clock import wall_now
from app.core.settings import Settings

TOKEN_LIFE: Final = timedelta(hours=24)
"""How long a link lets people in: far past ``join_by``, because a late customer is still welcome."""


class _Hmac(Signer):
    """Signs as HS256 (RFC 7518, 3.2)."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    @property
    def key_id(self) -> None:
        """A shared secret has no id."""

    def sign(self, message: bytes) -> bytes:
        """The HMAC of the message."""
        return hmac.digest(self._secret, message, hashlib.sha256)


@dataclass(frozen=True, slots=True)
class Application:
    """How the Jitsi server knows us: its ``app_id`` and ``app_secret``, and whom its tokens are for."""

    app_id: str
    secret: str
    audience: str
    subject: str

    def token(self, room: str, user: str, expires: float) -> str:
        """A token that lets into ``room`` until ``expires`` (unix seconds)."""
        claims = {
            "iss": self.app_id,
            "aud": self.audience,
            "sub": self.subject,
            "room": room,
            "exp": int(expires),
            "context": {"user": {"id": user}},
        }
        token: bytes = jwt.encode(_Hmac(self.secret), claims, header={"alg": "HS256"})
        return token.decode()


@dataclass(frozen=True, slots=True)
class Jitsi:
    """Rooms on the Jitsi server at ``base_url``; with tokens where it knows us as an ``application``."""

    base_url: str
    application: Application | None = None
    name: str = "jitsi"

    async def create(self, request: CallRequest) -> Link:
        """A room with 160 random bits in its name, and nothing about the ticket.

        One link serves everybody, so its token names the call, not a person.
        """
        room = f"heliodesk-{secrets.token_hex(20)}"
        url = f"{self.base_url.rstrip('/')}/{room}"
        if self.application:
            url += "?jwt=" + self.application.token(room, request.call_id, (wall_now() + TOKEN_LIFE).timestamp())
        return Link(self.name, url)


def make_jitsi(settings: Settings) -> Jitsi | None:
    """Jitsi as the operator has set it up; None without an address."""
    if settings.jitsi_base_url is None:
        return None
    url = str(settings.jitsi_base_url)
    application = Application(
        settings.jitsi_app_id,
        settings.jitsi_app_secret.get_secret_value(),
        settings.jitsi_audience,
        settings.jitsi_subject or urlsplit(url).hostname or "*",
    )
    return Jitsi(url, application if settings.jitsi_app_id else None)
