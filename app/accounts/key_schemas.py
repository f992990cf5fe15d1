"""What is sent and answered about keys."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, StringConstraints, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema

from app.accounts.schemas import AccountId, EngineerId, HookId, KeyId
from app.core.auth import AUDIENCE, KeyKind, Role
from app.core.keys.scopes import SCOPES, KnownScope, Scope
from app.core.keys.trusted import Unfit, from_jwk, material
from app.core.problems import invalid_value
from app.core.schemas.origins import Origin
from app.core.schemas.shared import ActorRef, Document, HttpsUrl, Instant, Name, Strict, Word, at_most
from app.core.text.invisible import visible
from app.core.text.messages import _

KeyLabel = Annotated[str, StringConstraints(max_length=100), AfterValidator(visible)]
"""By which customers know an automation that acts by the key: a name, or empty."""
MOST_ORIGINS = 50
MOST_JWT_KEYS = 10


class JwtKey(Strict):
    """A key with which the host product signs the identity tokens of its users, for a widget key."""

    kid: Word = Field(description="What the header of a token names the key by")
    alg: Literal["HS256", "RS256", "ES256", "EdDSA"]
    key: Annotated[str, StringConstraints(min_length=1, max_length=8000)] | None = Field(
        None, description="A secret of at least 32 bytes for HS256, else a public key in PEM; never shown"
    )
    jwk: Annotated[dict[str, JsonValue], at_most(20)] | None = Field(
        None, description="In the place of `key`: a public key in the form of RFC 7517"
    )

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        """A key that verifies nothing is refused here, where its author sees it; what is kept is its PEM."""
        if self.key is not None and self.jwk is not None:
            raise invalid_value("jwt_key", _("A key is given either as key or as jwk"))
        try:
            if self.jwk is not None:
                self.key, self.jwk = from_jwk(self.jwk, self.alg)[1], None
            elif self.key is not None:
                material(self.alg, self.key)
        except Unfit as error:
            raise invalid_value("jwt_key", error.reason) from error
        return self


class WidgetFields(Strict):
    """How a widget key is set up. It can be changed, so that pages keep the key that they have."""

    allowed_origins: list[Origin] = Field(
        default_factory=list,
        max_length=MOST_ORIGINS,
        description="The pages that may use the key: origins such as `https://app.example.com`, and "
        "`https://*.example.com` for all subdomains of a domain",
    )
    jwt_keys: list[JwtKey] = Field(
        default_factory=list,
        max_length=MOST_JWT_KEYS,
        description="The keys with which the host product signs the identity tokens of its users",
    )
    jwks_url: HttpsUrl | None = Field(
        None, description="In the place of `jwt_keys`: where the host product publishes its public keys (RFC 7517)"
    )
    jwt_audience: Name | None = Field(
        None, description=f"What `aud` of an identity token has to be. Default: `{AUDIENCE}`"
    )
    jwt_issuer: Name | None = Field(None, description="What `iss` of an identity token has to be, if anything")

    @model_validator(mode="after")
    def _are_distinct(self) -> Self:
        kids = [key.kid for key in self.jwt_keys]
        if len(set(kids)) < len(kids):
            raise invalid_value("jwt_keys", _("Each of jwt_keys needs a kid of its own"))
        if self.jwt_keys and self.jwks_url:
            raise invalid_value("jwks_url", _("A widget key has either jwt_keys or a jwks_url"))
        return self


class KeyPatch(WidgetFields):
    """A change of a widget key, and for whom the account's key makes it.

    An entry of `jwt_keys` with neither `key` nor `jwk` keeps the key that is stored under its `kid`.
    """

    label: KeyLabel = ""
    actor: ActorRef | None = Field(None, description="The owner for whom the account's key acts")

    @model_validator(mode="after")
    def _has_origins(self) -> Self:
        _require_origins(self)
        return self


def _require_origins(fields: WidgetFields) -> None:
    if not fields.allowed_origins:
        raise ValueError(_("A widget key needs allowed_origins"))


_WIDGET: frozenset[str] = frozenset(WidgetFields.model_fields)
_OF_KIND: dict[str, frozenset[str]] = {
    "agent": frozenset({"engineer_id"}),
    "account": frozenset({"role"}),
    "hook": frozenset({"hook_id"}),
    "widget": _WIDGET,
}
_OF_SOME_KIND: frozenset[str] = frozenset[str]().union(*_OF_KIND.values())


def _have_keys(keys: list[JwtKey]) -> None:
    for key in keys:
        if key.key is None:
            raise invalid_value("jwt_key", _("The key {kid} of jwt_keys needs its key or jwk", kid=key.kid))


class NewKey(WidgetFields):
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
        None,
        description="Required, except for admin and agent keys, and for the widget key of a host product that serves "
        "many accounts; implied for owners",
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
    label: KeyLabel = ""
    scopes: list[KnownScope] | None = Field(
        None,
        max_length=len(SCOPES),
        json_schema_extra={"minItems": 1},
        description="Everything that the key may do, within what its kind and role allow. Default: all of that. Hook "
        "keys have none",
    )
    expires_at: Instant | None = Field(None, description="Not later than the key that creates it")
    actor: ActorRef | None = Field(None, description="The owner for whom the account's key acts")

    @field_validator("scopes")
    @classmethod
    def _some(cls, scopes: list[Scope] | None) -> list[Scope] | None:
        if scopes == []:
            raise ValueError(_("A key without scopes can do nothing: leave scopes out to allow all, or name some"))
        return scopes

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        allowed = _OF_KIND.get(self.kind, frozenset())
        for member in sorted(_OF_SOME_KIND - allowed):
            if getattr(self, member):
                raise ValueError(_("A key of the kind {kind} has no {member}", kind=self.kind, member=member))
        if self.kind == "widget":
            _require_origins(self)
            _have_keys(self.jwt_keys)
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
    "jwks_url": None,
    "jwt_audience": None,
    "jwt_issuer": None,
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
    jwks_url: str | None
    jwt_audience: str | None
    jwt_issuer: str | None
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
