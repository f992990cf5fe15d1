"""What is sent and answered about accounts, their people and their keys."""

import re
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StrictBool,
    StringConstraints,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from app.core.auth import KeyKind, Role
from app.core.keys.scopes import SCOPES, KnownScope, Scope
from app.core.problems import invalid_value
from app.core.schemas.shared import (
    ActorRef,
    Country,
    Document,
    Email,
    HttpsUrl,
    Instant,
    Locale,
    Name,
    Strict,
    TimeZone,
    Word,
    at_most,
    id_pattern,
)
from app.core.text.messages import _

AccountId = Annotated[str, StringConstraints(pattern=id_pattern("acc"))]
PersonId = Annotated[str, StringConstraints(pattern=id_pattern("per"))]
KeyId = Annotated[str, StringConstraints(pattern=id_pattern("key"))]
EngineerId = Annotated[str, StringConstraints(pattern=id_pattern("eng"))]
HookId = Annotated[str, StringConstraints(pattern=id_pattern("hook"))]
PlanKey = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
_ORIGIN: Final = r"^https?://[a-zA-Z0-9.-]{1,253}(:[0-9]{1,5})?$"


def _origin(value: str) -> str:
    if not re.fullmatch(_ORIGIN, value):
        said = _(
            "An origin is a scheme, a host and perhaps a port, such as https://shop.example:8443, and nothing else"
        )
        raise invalid_value("origin", said)
    return value


Origin = Annotated[str, AfterValidator(_origin), Field(json_schema_extra={"pattern": _ORIGIN})]

_ACCOUNT: dict[str, Any] = {
    "name": "Solar Roofs",
    "plan": "zmanda-standard",
    "time_zone": "America/New_York",
    "country": "US",
    "locale": "en",
    "call_link": "https://meet.solar-roofs.example/support",
    "manager": {"name": "Mia Chen", "email": "mia@example.com"},
}
_STAMPS: dict[str, Any] = {"version": 1, "created_at": "2026-11-20T20:30:00Z", "updated_at": "2026-11-20T20:30:00Z"}


class Contact(Strict):
    """Somebody on our side who is notified of misses and escalations."""

    name: Name
    email: Email
    locale: Locale | None = Field(
        None, description="The language of their notices. Default: that of the ticket's requester, else of the account"
    )

    @model_serializer(mode="wrap")
    def _written(self, handler: SerializerFunctionWrapHandler) -> dict[str, str]:
        return {name: value for name, value in handler(self).items() if value is not None}


class AccountContact(Document):
    """Somebody on the vendor's side who is notified of misses and escalations; customers see the name."""

    name: str
    email: Email | None = Field(description="Null for customers, who see no address of the vendor's people")
    locale: Locale | None = None

    @model_serializer(mode="wrap")
    def _written(self, handler: SerializerFunctionWrapHandler) -> dict[str, str | None]:
        return {name: value for name, value in handler(self).items() if value is not None or name == "email"}


class AccountFields(Strict):
    """What can be written about an account, and changed later."""

    name: Name
    plan: PlanKey = Field(description="Key of the plan that holds for every product without its own")
    product_plans: Annotated[dict[Word, PlanKey], at_most(100)] = Field(
        default_factory=dict, max_length=100, description="Plans of single products", examples=[{"backup": "p"}]
    )
    addons: list[Word] = Field(default_factory=list, max_length=20, description="Of those that the plan offers")
    time_zone: TimeZone
    country: Country | None = Field(None, description="Whose public holidays close the account's calendars")
    locale: Locale = "en"
    trial_ends_at: Instant | None = Field(None, description="Until then the plan's trial plan holds")
    call_link: HttpsUrl | None = Field(None, description="The customer's own conferencing, used for its P1 calls")
    call_provider: Word | None = None
    region_lock: Word | None = Field(
        None,
        description="Where its P1s stay: a region's key, or an IANA time zone, for the region that works in its "
        "daytime when a ticket is opened",
    )
    manager: Contact | None = None
    tam: Contact | None = Field(None, description="Technical account manager")
    preferred_engineers: list[EngineerId] = Field(default_factory=list, max_length=50)
    external_ref: Name | None = Field(None, description="The account's id in your own system")


class AccountPatch(AccountFields):
    """A change of an account, and for whom the account's key makes it."""

    actor: ActorRef | None = Field(None, description="The owner for whom the account's key acts")


class SandboxStart(Strict):
    """Where the standing clock of a sandbox account begins."""

    starts_at: Instant


class NewAccount(AccountFields):
    """A new account."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ACCOUNT]})

    sandbox: StrictBool | SandboxStart = Field(
        False, description="An account for integrators' tests, whose clock stands still until it is moved"
    )


class Account(AccountFields, Document):
    """An account."""

    model_config = ConfigDict(
        extra="ignore",
        from_attributes=True,
        json_schema_extra={
            "examples": [{"id": "acc_01k9z3v5q8e9rbn3wz4m6t7y2a", **_ACCOUNT, "sandbox": False, **_STAMPS}]
        },
    )

    id: AccountId
    manager: AccountContact | None = None  # type: ignore[assignment]  # less is answered than is written
    tam: AccountContact | None = Field(None, description="Technical account manager")  # type: ignore[assignment]
    sandbox: bool
    sandbox_now: Instant | None = None
    version: int
    created_at: Instant
    updated_at: Instant


class PersonFields(Strict):
    """What can be written about a person."""

    email: Email
    name: Name
    role: Role = Field("viewer", description="`viewer` reads; `editor` also writes; `owner` also manages people")
    locale: Locale | None = None


class NewPerson(PersonFields):
    """A new person of the account."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"email": "ana@example.com", "name": "Ana Silva", "role": "editor"}]}
    )

    actor: ActorRef | None = Field(None, description="The owner for whom the account's key acts")


class Person(PersonFields):
    """One of an account's people."""

    model_config = ConfigDict(
        extra="ignore",
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "per_01k9z3v5q8e9rbn3wz4m6t7y2b",
                    "account_id": "acc_01k9z3v5q8e9rbn3wz4m6t7y2a",
                    "email": "ana@example.com",
                    "name": "Ana Silva",
                    "role": "editor",
                    "locale": None,
                    **_STAMPS,
                }
            ]
        },
    )

    email: Email | None = Field(  # type: ignore[assignment]  # less is answered than is written
        description="Null for viewers, who see no other person's address"
    )
    id: PersonId
    account_id: AccountId
    version: int
    created_at: Instant
    updated_at: Instant


class JwtKey(Strict):
    """A key with which the host product signs the tokens of its users, for a widget key."""

    kid: Word
    alg: Literal["HS256", "RS256", "ES256", "EdDSA"]
    key: Annotated[str, StringConstraints(min_length=16, max_length=8000)] = Field(
        description="A secret for HS256, else a public key in PEM; never shown"
    )


class NewKey(Strict):
    """A new API key. Which members it takes depends on its kind."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "account",
                    "account_id": "acc_01k9z3v5q8e9rbn3wz4m6t7y2a",
                    "role": "editor",
                    "label": "back end",
                }
            ]
        }
    )

    kind: KeyKind
    account_id: AccountId | None = Field(
        None, description="Required, except for admin and agent keys; implied for owners"
    )
    engineer_id: EngineerId | None = Field(
        None, description="The engineer whose agent key it is; without one, it is an internal product's"
    )
    hook_id: HookId | None = Field(
        None, description="The hook that a hook key opens; without one, any hook of its account"
    )
    role: Role | None = Field(
        None,
        description="For an account key: the most that it may do, also for a person whom it names. Default: `editor`",
    )
    label: Annotated[str, StringConstraints(max_length=100)] = ""
    scopes: list[KnownScope] | None = Field(
        None,
        max_length=len(SCOPES),
        json_schema_extra={"minItems": 1},
        description="Everything that the key may do, within what its kind and role allow. Default: all of that. Hook "
        "keys have none",
    )
    expires_at: Instant | None = Field(None, description="Not later than the key that creates it")
    allowed_origins: list[Origin] = Field(default_factory=list, max_length=50, description="Of a widget key")
    jwt_keys: list[JwtKey] = Field(default_factory=list, max_length=10, description="Of a widget key")
    actor: ActorRef | None = Field(None, description="The owner for whom the account's key acts")

    @field_validator("scopes")
    @classmethod
    def _some(cls, scopes: list[Scope] | None) -> list[Scope] | None:
        if scopes == []:
            raise ValueError(_("A key without any scope is of no use: leave scopes out to allow all, or name some"))
        return scopes

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        allowed = {
            "agent": {"engineer_id"},
            "account": {"role"},
            "hook": {"hook_id"},
            "widget": {"allowed_origins", "jwt_keys"},
        }
        for member in {"engineer_id", "role", "hook_id", "allowed_origins", "jwt_keys"} - allowed.get(self.kind, set()):
            if getattr(self, member):
                raise ValueError(_("A key of the kind {kind} has no {member}", kind=self.kind, member=member))
        if self.kind == "widget" and not self.allowed_origins:
            raise ValueError(_("A widget key needs allowed_origins"))
        if self.scopes is not None and self.kind == "hook":
            raise ValueError(_("A key of the kind hook has no scopes"))
        if self.kind in ("admin", "agent") and self.account_id:
            raise ValueError(_("A key of the kind {kind} belongs to no account", kind=self.kind))
        return self


_KEY: dict[str, Any] = {
    "id": "key_01k9z3v5q8e9rbn3wz4m6t7y2c",
    "kind": "account",
    "account_id": "acc_01k9z3v5q8e9rbn3wz4m6t7y2a",
    "engineer_id": None,
    "hook_id": None,
    "role": "editor",
    "label": "back end",
    "scopes": ["tickets:read", "tickets:write"],
    "hint": "hd_account_7Qx2",
    "allowed_origins": [],
    "jwt_keys": [],
    "expires_at": None,
    "revoked_at": None,
    "created_at": "2026-11-20T20:30:00Z",
}


class StoredJwtKey(Document):
    """A widget's JWT key without the key itself."""

    model_config = ConfigDict(extra="ignore")

    kid: str
    alg: str


class Key(Document):
    """A key; its secret is shown only once, by the answer that makes it."""

    model_config = ConfigDict(extra="ignore", from_attributes=True, json_schema_extra={"examples": [_KEY]})

    id: KeyId
    kind: KeyKind
    account_id: AccountId | None
    engineer_id: EngineerId | None
    hook_id: HookId | None
    role: Role | None
    label: str
    scopes: list[str] | None = Field(
        description="Null: everything that its kind and role allow. Keys of earlier versions can have unknown ones, "
        "which grant nothing"
    )
    hint: str = Field(description="The first characters of the secret, to recognise it by")
    allowed_origins: list[str]
    jwt_keys: list[StoredJwtKey]
    expires_at: Instant | None
    revoked_at: Instant | None
    created_at: Instant

    @field_validator("scopes", mode="before")
    @classmethod
    def _none_for_all(cls, stored: list[str]) -> list[str] | None:
        return stored or None


class KeyWithSecret(Key):
    """A key that was just made."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [_KEY | {"secret": "hd_account_7Qx2rT0nLr4fK1w9mZbV3cXyA5sD6gHjPq8ueW"}]}
    )

    secret: str | SkipJsonSchema[None] = Field(
        None, description="Shown this once; a replay of the request does not have it"
    )
