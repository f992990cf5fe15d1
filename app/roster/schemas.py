"""What is sent and answered about engineers and regions."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, StrictBool, StrictInt, StringConstraints, model_validator

from app.core.problems import invalid_value
from app.core.schemas.shared import Document, Email, Instant, Locale, Name, Strict, TimeZone, Word, id_pattern
from app.core.text.messages import _
from app.plans.document.model import PlanCalendar

EngineerId = Annotated[str, StringConstraints(pattern=id_pattern("eng"))]
RegionId = Annotated[str, StringConstraints(pattern=id_pattern("reg"))]
AccountId = Annotated[str, StringConstraints(pattern=id_pattern("acc"))]
RegionKey = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$"), Field(examples=["emea"])]

_STAMPS: dict[str, Any] = {"version": 1, "created_at": "2026-11-20T20:30:00Z", "updated_at": "2026-11-20T20:30:00Z"}
_WORKDAY = [["08:00", "17:00"]]
_CALENDAR: dict[str, Any] = {
    "time_zone": "Asia/Singapore",
    "weekly": dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), _WORKDAY),
    "holidays": {"country": None, "subdivision": None, "dates": ["2026-12-25"]},
}
_REGION: dict[str, Any] = {"key": "apac", "name": "Asia and the Pacific", "place": 1, "calendar": _CALENDAR}
_ENGINEER: dict[str, Any] = {
    "name": "Noor Haddad",
    "display_name": "Noor",
    "email": "noor@example.com",
    "tier": 2,
    "region": "emea",
    "time_zone": "Europe/Warsaw",
    "languages": ["en", "pl"],
    "products": ["backup"],
    "capacity": 5,
    "shifts": None,
    "absences": [{"from": "2026-12-24T00:00:00Z", "to": "2026-12-28T00:00:00Z"}],
    "active": True,
}


class Absence(Strict):
    """A time in which an engineer is away, whatever the shifts say: from ``from`` on, before ``to``."""

    since: Instant = Field(alias="from")
    until: Instant = Field(alias="to")

    @model_validator(mode="after")
    def _ends_later(self) -> Self:
        if self.until <= self.since:
            raise invalid_value("absence", _("An absence ends after it begins"))
        return self


class RegionFields(Strict):
    """What can be written about a region, and changed later."""

    name: Name
    place: Annotated[StrictInt, Field(ge=0, le=1000)] = Field(description="Its place in the order of the sun")
    calendar: PlanCalendar = Field(description="The shift of its engineers that have none of their own")


class NewRegion(RegionFields):
    """A new region."""

    model_config = ConfigDict(json_schema_extra={"examples": [_REGION]})

    key: RegionKey
    account_id: AccountId | None = Field(None, description="The sandbox account to which this region belongs")


class Region(RegionFields):
    """A region."""

    model_config = ConfigDict(
        extra="ignore",
        from_attributes=True,
        json_schema_extra={
            "examples": [{"id": "reg_01k9z3v5q8e9rbn3wz4m6t7y2d", "account_id": None, **_REGION, **_STAMPS}]
        },
    )

    id: RegionId
    account_id: AccountId | None
    key: str
    version: int
    created_at: Instant
    updated_at: Instant


class ListedRegion(Document):
    """A region in a list: customers, who may lock a ticket to it, see only its key and its name."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"key": _REGION["key"], "name": _REGION["name"]}]})

    key: str
    name: str
    id: RegionId | None = None
    account_id: AccountId | None = None
    place: int | None = Field(None, description="Its place in the order of the sun")
    calendar: PlanCalendar | None = Field(None, description="The shift of its engineers that have none of their own")
    version: int | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None


class EngineerFields(Strict):
    """What can be written about an engineer, and changed later."""

    name: Name
    display_name: Name | None = Field(None, description="What customers see instead of the name; null: the name")
    email: Email
    tier: Annotated[StrictInt, Field(ge=1, le=9)] = 1
    region: RegionKey | None = Field(None, description="The key of an existing region")
    time_zone: TimeZone = "UTC"
    languages: list[Locale] = Field(default_factory=list, max_length=20)
    products: list[Word] = Field(default_factory=list, max_length=100, description="None: all products")
    capacity: Annotated[StrictInt, Field(ge=0, le=1000)] = Field(5, description="Tickets at a time")
    shifts: PlanCalendar | None = Field(None, description="When they work; null: as their region, else 24x7")
    absences: list[Absence] = Field(default_factory=list, max_length=200)
    active: StrictBool = Field(True, description="False: the engineer gets no tickets, and their keys can only read")


class NewEngineer(EngineerFields):
    """A new engineer."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ENGINEER]})

    account_id: AccountId | None = Field(None, description="The only account that the engineer serves, a sandbox")


class Engineer(EngineerFields):
    """An engineer."""

    model_config = ConfigDict(
        extra="ignore",
        from_attributes=True,
        json_schema_extra={
            "examples": [{"id": "eng_01k9z3v5q8e9rbn3wz4m6t7y2d", "account_id": None, **_ENGINEER, **_STAMPS}]
        },
    )

    id: EngineerId
    account_id: AccountId | None
    version: int
    created_at: Instant
    updated_at: Instant


class Candidate(Document):
    """An engineer who could take a ticket now, or what rules them out."""

    engineer_id: EngineerId
    name: str
    region: str | None
    tier: int
    open_tickets: int
    held_for: str | None = Field(description="The ticket that they work on and nothing else")
    first: bool = Field(description="Whether this is the one who would be alerted")
    reason: Literal[
        "inactive",
        "other_region",
        "absent",
        "covered",
        "off_shift",
        "lower_tier",
        "tried",
        "held",
        "full",
        "capped",
        "only",
        "declined",
        "present",
        "region",
        "preferred",
        "product",
        "tier",
        "language",
        "load",
        "shift",
        "id",
    ] = Field(
        description="Why they cannot take it (`capped`: the account holds as many experts as its plan allows); else "
        "the criterion that put the first one before the others"
    )


class TicketCandidates(Document):
    """Who could take a ticket now: those available by rank, then those ruled out."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "at": "2026-11-20T20:30:00Z",
                    "assignee": None,
                    "candidates": [
                        {
                            "engineer_id": "eng_01k9z3v5q8e9rbn3wz4m6t7y2d",
                            "name": _ENGINEER["name"],
                            "region": _ENGINEER["region"],
                            "tier": 2,
                            "open_tickets": 1,
                            "held_for": None,
                            "first": True,
                            "reason": "only",
                        }
                    ],
                }
            ]
        }
    )

    at: Instant
    assignee: EngineerId | None
    candidates: list[Candidate]
