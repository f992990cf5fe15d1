"""Keys and who acts: ``hd_<kind>_<random><checksum>``, and the principal that a key stands for."""

import hashlib
import secrets
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

KeyKind: TypeAlias = Literal["admin", "agent", "account", "hook", "widget"]
AnyKind: TypeAlias = KeyKind | Literal["ticket"]
VisitorKind: TypeAlias = Literal["person", "link", "follower", "guest"]
Role: TypeAlias = Literal["owner", "editor", "viewer"]
ActorKind: TypeAlias = Literal["engineer", "customer", "automation", "service"]

KINDS: Final[tuple[KeyKind, ...]] = ("admin", "agent", "account", "hook", "widget")
TICKET_KEY: Final = "ticket"
"""The kind of the keys that open one ticket each: they are made beside tickets, never by ``POST /v1/keys``."""
ROLES: Final[tuple[Role, ...]] = ("viewer", "editor", "owner")
"""From the least to the most: each includes the rights of those before it."""
AUDIENCE: Final = "heliodesk"
"""Whom identity tokens are for, unless a widget key says otherwise."""
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _base62(number: int, width: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 62)
        digits = _ALPHABET[rest] + digits
    return digits.rjust(width, "0")


def make_key(kind: AnyKind) -> str:
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


def address_mark(email: str) -> str:
    """The mark of tickets that a visitor with this address sees as their own: hashed, for a ticket bears it for good.

    The address has to be verified: as of an identity token, or by whoever names them as a ticket's watcher.
    """
    return hashlib.sha256(f"email\n{email}".encode()).hexdigest()[:32]


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
    unconfirmed: bool = False
    """the name is stated by an e-mail for which nobody vouches"""

    def document(self) -> dict[str, Any]:
        """``{kind, id?, name?, display_name?, unconfirmed?}``, as support sees it."""
        known = {"kind": self.kind, "id": self.id, "name": self.name, "display_name": self.display_name}
        said = {key: value for key, value in known.items() if value is not None}
        return said | ({"unconfirmed": True} if self.unconfirmed else {})


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
class TrustedKey:
    """A key whose signatures on identity tokens count: a shared secret for HS256, else a public key in PEM."""

    kid: str
    alg: str
    key: str = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """By which it is known without being told; another key under the same id has another one."""
        return hashlib.sha256(f"{self.kid}\n{self.key}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Widget:
    """What a widget key is set up with: the pages that may use it, and whose word on their users counts."""

    origins: tuple[str, ...]
    keys: tuple[TrustedKey, ...] = ()
    jwks_url: str | None = None
    audience: str = AUDIENCE
    issuer: str | None = None

    @property
    def identifies(self) -> bool:
        """Whether its visitors can show who they are."""
        return bool(self.keys or self.jwks_url)


@dataclass(frozen=True, slots=True)
class TicketAccess:
    """What a ticket key opens, and for whom: for a person with this address, or for whoever opened the ticket."""

    account_id: str
    ticket_id: str
    email: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody in a browser.

    A ``person`` is named by an identity token of the host product, a ``link`` by a key that was made for them and one
    ticket. A ``follower`` has the key of the ticket that they opened without saying who they are; a ``guest`` has
    nothing.
    """

    kind: VisitorKind
    key: "Principal"
    """what the key alone stands for"""
    email: str | None = None
    name: str | None = None
    person_id: str | None = None
    """of the account's person with this address"""
    marks: tuple[str, ...] = ()
    """by which their own tickets are known: those that bear one of them"""
    ticket_id: str | None = None
    """the one ticket that exists for a link and a follower"""
    ticket_key_id: str | None = None
    """of the key that opens it"""
    locale: str | None = None
    time_zone: str | None = None
    until: datetime | None = None
    """when their token ends"""
    signed_by: str | None = None
    """the fingerprint of the key that signed their token, behind the address where it is published, if it is"""
    is_verified: bool = True
    """whether somebody has seen that they read the mail of their address; what a guest states counts for nothing"""
    is_unconfirmed: bool = False
    """they speak by an e-mail for whose sender nobody vouches: anybody may have written it in this name"""
    address: str = ""
    """of the network, by which those are counted whom nobody vouches for"""

    @property
    def writes_mail(self) -> bool:
        """Whether a hook passes on what they have sent by e-mail: no form has asked them for anything."""
        return self.key.kind == "hook"


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller: what its key is, and so what it sees and may do.

    ``account_id`` confines it to that account: the keys of customers, and of a sandbox account's own engineers.
    ``role`` limits an account's key, and whomever it names. Without it the named person's role alone decides.
    """

    kind: AnyKind
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
    widget: Widget | None = None
    """of a widget key"""
    ticket: TicketAccess | None = None
    """of a ticket key"""
    visitor: Visitor | None = None
    """whom a widget or ticket key was shown by, once that is known"""

    @property
    def stored(self) -> "Principal":
        """What the key alone stands for."""
        return self.visitor.key if self.visitor else self

    @property
    def is_unknown(self) -> bool:
        """Whether it is a visitor for whom nobody vouches: what such ones use up is nobody's but their address's."""
        return self.visitor is not None and self.visitor.kind in ("guest", "follower")

    @property
    def depends_on(self) -> tuple[str, ...]:
        """What has to be there for it: the keys that are shown and the account's person who shows them, by their ids.

        Besides, the host product's key that signed what they show: as the id of the widget key and its fingerprint, or
        as the address that the widget key names, and that address and the fingerprint of what is published there.
        """
        visitor = self.visitor
        if visitor is None:
            return (self.key_id,)
        address, _, fingerprint = (visitor.signed_by or "").rpartition(" ")
        signed = f"{self.key_id} {address or fingerprint}" if fingerprint else None
        beside = (visitor.ticket_key_id, visitor.person_id, signed, visitor.signed_by if address else None)
        return (self.key_id, *(each for each in beside if each and each != self.key_id))

    @property
    def stream_owner(self) -> str:
        """As whose its streams are counted: those of a key, but that visitors who share one are counted apart."""
        visitor = self.visitor
        if visitor is None:
            return self.key_id
        if self.is_unknown:
            return f"guests {visitor.address}"
        return f"{self.key_id} {visitor.ticket_key_id or visitor.marks[0]}"

    @property
    def holder(self) -> str:
        """For whom work is done, as shares of connections count it: guests apart from their account."""
        own = self.account_id or self.key_id
        return f"guests of {own}" if self.is_unknown else own

    @property
    def namespace(self) -> str:
        """Among whose requests an Idempotency-Key is looked for: one's own, or those of all who act for the account."""
        if self.visitor is None:
            return self.key_id if self.is_support else self.account_id or self.key_id
        if not self.is_confined:
            return self.account_id or self.key_id
        if self.visitor.marks:
            return f"{self.account_id} {self.visitor.marks[0]}"
        return self.visitor.ticket_key_id or self.key_id

    @property
    def attaches(self) -> str | None:
        """Whose files it attaches: its own, as its namespace tells them; None: those of all, for support."""
        return None if self.is_support else self.namespace

    @property
    def is_confined(self) -> bool:
        """Whether only some of its account's tickets exist for it: those with its marks, or the one of its key."""
        visitor = self.visitor
        return visitor is not None and (visitor.ticket_id is not None or visitor.person_id is None)

    @property
    def is_support(self) -> bool:
        """Admin and agent keys: they see every internal event, and every account unless confined to one."""
        return self.kind in ("admin", "agent")

    @property
    def spans_accounts(self) -> bool:
        """Support of all accounts: not an engineer of one sandbox, which is its account's own."""
        return self.is_support and self.account_id is None

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
        return self.account_id == account_id or self.spans_accounts

    @property
    def actor(self) -> Actor:
        """Who this key acts as, when the request names nobody else."""
        if self.kind == "agent" and self.engineer_id:
            return Actor("engineer", self.engineer_id, self.name, self.display_name)
        if self.visitor:
            visitor = self.visitor
            return Actor("customer", visitor.person_id, visitor.name, unconfirmed=visitor.is_unconfirmed)
        if self.kind in ("account", "widget"):
            return Actor("customer", self.account_id, self.name)
        return self.automation

    @property
    def automation(self) -> Actor:
        """The automation that this key stands for; customers know it by its label where the key is their account's."""
        return Actor("automation", self.key_id, self.name, None if self.is_support else self.name)
