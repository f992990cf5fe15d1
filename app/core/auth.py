"""Keys and who acts: ``hd_<kind>_<random><checksum>``, and the principal that a key stands for."""

import hashlib
import secrets
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

KeyKind: TypeAlias = Literal["admin", "agent", "account", "hook", "widget"]
Role: TypeAlias = Literal["owner", "editor", "viewer"]
ActorKind: TypeAlias = Literal["engineer", "customer", "automation", "service"]

KINDS: Final[tuple[KeyKind, ...]] = ("admin", "agent", "account", "hook", "widget")
ROLES: Final[tuple[Role, ...]] = ("viewer", "editor", "owner")
"""From the least to the most: each includes the rights of those before it."""
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _base62(number: int, width: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 62)
        digits = _ALPHABET[rest] + digits
    return digits.rjust(width, "0")


def make_key(kind: KeyKind) -> str:
    """A new secret key: 190 random bits and a CRC-32, so that a scanner or a typing error is recognised offline."""
    body = f"hd_{kind}_{_base62(secrets.randbits(190), 32)}"
    return body + _base62(zlib.crc32(body.encode()), 6)


def is_well_formed(key: str) -> bool:
    """Whether the key's shape and checksum are right; says nothing about whether it exists."""
    body, check = key[:-6], key[-6:]
    return key.startswith("hd_") and key.isascii() and check == _base62(zlib.crc32(body.encode()), 6)


def hash_key(key: str) -> bytes:
    """What is stored: SHA-256, enough for 190 random bits."""
    return hashlib.sha256(key.encode()).digest()


def lesser(one: Role | None, other: Role | None) -> Role | None:
    """The role with fewer rights. None limits nothing, so the other one decides."""
    known = [role for role in (one, other) if role is not None]
    return min(known, key=ROLES.index, default=None)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something, as every event tells it (``service`` is the clock itself)."""

    kind: ActorKind
    id: str | None = None
    name: str | None = None
    display_name: str | None = None
    """what customers see as the name: of an engineer who has chosen one, and of an account's own automation"""

    def document(self) -> dict[str, str]:
        """``{kind, id?, name?, display_name?}``, as support sees it."""
        known = {"kind": self.kind, "id": self.id, "name": self.name, "display_name": self.display_name}
        return {key: value for key, value in known.items() if value is not None}


def for_customers(actor: Mapping[str, Any]) -> dict[str, Any]:
    """An actor's document, or a message's author, as customers see it: by the name that is chosen for them.

    An automation that acts by a key is named after the key's label. What support calls its own keys stays with support:
    customers see that label only where the key is one of their account's, which has it as ``display_name`` too.
    """
    shown = {key: value for key, value in actor.items() if key != "display_name"}
    if "display_name" in actor:
        return shown | {"name": actor["display_name"]}
    if actor["kind"] == "automation" and "id" in actor:
        shown.pop("name", None)
    return shown


SERVICE: Final = Actor("service", name="Heliodesk")


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller: what its key is, and so what it sees and may do.

    ``account_id`` confines it to that account: the keys of customers, and of a sandbox account's own engineers.
    ``role`` limits an account's key, and whomever it names. Without it the named person's role alone decides.
    """

    kind: KeyKind
    key_id: str
    account_id: str | None = None
    engineer_id: str | None = None
    name: str | None = None
    display_name: str | None = None
    """of an engineer who has chosen one: what customers see in the place of ``name``"""
    role: Role | None = None
    scopes: tuple[str, ...] = ()
    expires_at: datetime | None = None
    active: bool = True
    """False: the key's engineer is inactive, and can only read"""
    locale: str | None = None
    """the account's, where the key belongs to one"""

    @property
    def is_support(self) -> bool:
        """Admin and agent keys: they see every internal event, and every account unless confined to one."""
        return self.kind in ("admin", "agent")

    @property
    def audiences(self) -> tuple[str, ...]:
        """Which events this caller may see; the one place that decides it."""
        return ("public", "internal") if self.is_support else ("public",)

    @property
    def only(self) -> str | None:
        """The one account of which resources exist for this caller, as a statement asks for it; None: of all."""
        return self.account_id if self.account_id or self.is_support else ""

    def sees(self, account_id: str) -> bool:
        """Whether resources of this account exist for the caller (else: 404)."""
        return self.account_id == account_id or (self.is_support and self.account_id is None)

    @property
    def actor(self) -> Actor:
        """Who this key acts as, when the request names nobody else."""
        if self.kind == "agent" and self.engineer_id:
            return Actor("engineer", self.engineer_id, self.name, self.display_name)
        if self.kind in ("account", "widget"):
            return Actor("customer", self.account_id, self.name)
        return self.automation

    @property
    def automation(self) -> Actor:
        """The automation that this key stands for; customers know it by its label where the key is their account's."""
        return Actor("automation", self.key_id, self.name, None if self.is_support else self.name)
