"""The key that a request shows, and where it has it."""

import base64
from dataclasses import dataclass
from typing import Literal, TypeAlias

from fastapi import Request

Carrier: TypeAlias = Literal["bearer", "basic", "query", "body"]


@dataclass(frozen=True, slots=True)
class Key:
    """What a caller shows, and where."""

    text: str
    carrier: Carrier


def key_of(request: Request) -> Key | None:
    """The key of a request: a bearer token, the password of Basic, or the parameter ``key``."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return Key(rest.strip(), "bearer")
    if scheme.lower() == "basic":
        return Key(_password(rest.strip()), "basic")
    given = request.query_params.get("key")
    return Key(given, "query") if given else None


def _password(credentials: str) -> str:
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except ValueError:  # no Base64, or no UTF-8 in it
        return ""
