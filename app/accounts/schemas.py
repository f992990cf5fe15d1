"""What is sent and answered about accounts, their people and their keys."""

from typing import Annotated, Any, Literal

from pydantic import (
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StrictBool,
    StringConstraints,
    model_serializer,
)

from app.core.auth import Role
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

AccountId = Annotated[str, StringConstraints(pattern=id_pattern("acc"))]
PersonId = Annotated[str, StringConstraints(pattern=id_pattern("per"))]
KeyId = Annotated[str, StringConstraints(pattern=id_pattern("key"))]
EngineerId = Annotated[str, StringConstraints(pattern=id_pattern("eng"))]
HookId = Annotated[str, StringConstraints(pattern=id_pattern("hook"))]
PlanKey = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
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


class AccountWarning(Document):
    """Something that keeps the account's plan from being carried out as it promises."""

    code: Literal["tam_missing", "manager_missing"]
    pointer: str = Field(description="The member of the account that mends it")
    detail: str = Field(description="In the reader's language")


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
    warnings: list[AccountWarning] = Field(
        default_factory=list,
        description="Contacts whom the plan notifies and which the account lacks; for support only",
    )
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
