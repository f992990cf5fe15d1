"""Access tokens of a Google service account with domain-wide delegation: it acts in the name of a user (``sub``)."""

from pathlib import Path
from typing import Final

import httpx
from google.auth import jwt
from google.auth.crypt import RSASigner
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.calls.providers.provider import CallFailed
from app.core.settings import Unconfigurable

_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFE: Final = 3600
"""Seconds for which an assertion is valid: the longest that Google takes."""
_SPARE: Final = 60.0
"""Seconds before its end at which a token is no longer used."""


class ServiceAccount(BaseModel):
    """A service account's key, as Google's console gives it out; of the file, only what is needed."""

    model_config = ConfigDict(hide_input_in_errors=True)

    client_email: str
    private_key_id: str
    private_key: str = Field(repr=False)

    def signer(self) -> RSASigner:
        """What signs assertions. Raises ``ValueError`` where the key is none."""
        signer: RSASigner = RSASigner.from_string(self.private_key, self.private_key_id)
        return signer


class _Token(BaseModel):
    access_token: str = Field(min_length=1)
    expires_in: float = Field(gt=0)


def read_service_account(path: Path) -> ServiceAccount:
    """The key in a file. Raises ``Unconfigurable`` that says what is wrong, without the key."""
    try:
        account = ServiceAccount.model_validate_json(path.read_bytes())
        account.signer()
    except (OSError, ValueError) as error:
        raise Unconfigurable(f"{path} holds no usable key of a service account: {error}") from error
    return account


class Tokens:
    """The tokens of one service account for one scope, kept by user until shortly before they end."""

    def __init__(self, account: ServiceAccount, token_url: str, scope: str) -> None:
        self._account = account
        self._signer = account.signer()
        self.url = token_url
        self._scope = scope
        self._kept: dict[str, tuple[str, float]] = {}

    def kept(self, user: str, now: float) -> str | None:
        """The user's token, if there is one that is valid yet; ``now`` in seconds of a monotonic clock."""
        token, until = self._kept.get(user, ("", 0.0))
        return token if now < until else None

    def form(self, user: str, at: float) -> dict[str, str]:
        """What is posted for a token (RFC 7523): an assertion, issued ``at`` (unix seconds)."""
        claims = {
            "iss": self._account.client_email,
            "sub": user,
            "scope": self._scope,
            "aud": self.url,
            "iat": int(at),
            "exp": int(at) + _LIFE,
        }
        return {"grant_type": _GRANT, "assertion": jwt.encode(self._signer, claims).decode()}

    def keep(self, user: str, answer: httpx.Response, now: float) -> str:
        """The token in the answer, kept from now on. Raises ``CallFailed`` when there is none."""
        try:
            token = _Token.model_validate_json(answer.content)
        except ValidationError as error:
            raise CallFailed("unreadable_answer") from error
        self._kept[user] = (token.access_token, now + token.expires_in - _SPARE)
        return token.access_token

    def forget(self, user: str) -> None:
        """The user's token is no longer taken."""
        self._kept.pop(user, None)
