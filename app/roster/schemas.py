"""What is sent and answered about engineers."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, StrictInt, StringConstraints

from app.core.schemas import Email, Instant, Locale, Name, Strict, TimeZone, Word, id_pattern

EngineerId = Annotated[str, StringConstraints(pattern=id_pattern("eng"))]
AccountId = Annotated[str, StringConstraints(pattern=id_pattern("acc"))]
_EXAMPLE: dict[str, Any] = {
    "name": "Noor Haddad",
    "email": "noor@example.com",
    "tier": 2,
    "region": "emea",
    "time_zone": "Europe/Warsaw",
    "languages": ["en", "pl"],
    "products": ["backup"],
    "capacity": 5,
}


class EngineerFields(Strict):
    """What can be written about an engineer, and changed later."""

    name: Name
    email: Email
    tier: Annotated[StrictInt, Field(ge=1, le=9)] = 1
    region: Word | None = None
    time_zone: TimeZone = "UTC"
    languages: list[Locale] = Field(default_factory=list, max_length=20)
    products: list[Word] = Field(default_factory=list, max_length=100, description="None: all products")
    capacity: Annotated[StrictInt, Field(ge=0, le=1000)] = Field(5, description="Tickets at a time")


class EngineerCreate(EngineerFields):
    """A new engineer."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    account_id: AccountId | None = Field(None, description="Of a sandbox account that the engineer alone serves")


class EngineerDocument(EngineerFields):
    """An engineer."""

    model_config = ConfigDict(
        extra="ignore",
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "eng_01k9z3v5q8e9rbn3wz4m6t7y2d",
                    "account_id": None,
                    **_EXAMPLE,
                    "version": 1,
                    "created_at": "2026-11-20T20:30:00Z",
                    "updated_at": "2026-11-20T20:30:00Z",
                }
            ]
        },
    )

    id: EngineerId
    account_id: AccountId | None
    version: int
    created_at: Instant
    updated_at: Instant
