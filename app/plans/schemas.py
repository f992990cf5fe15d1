"""What the plans' operations take and answer."""

from typing import Any

from pydantic import ConfigDict, Field

from app.core.schemas.shared import Document, Instant, Strict, Word
from app.plans.document import examples
from app.plans.document.model import PlanDocument, TargetEntry
from app.plans.document.words import Contact, Impact, Metric, PlanKey, Urgency


class PlanSummary(Document):
    """A plan in a list: its current version."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.SUMMARY]})

    key: PlanKey
    version: int
    name: dict[str, str] = Field(description="By language", examples=[{"en": "Zmanda Standard"}])
    created_at: Instant


class VersionSummary(Document):
    """One version of a plan in a list."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.VERSION]})

    key: PlanKey
    version: int
    created_at: Instant
    archived_at: Instant | None = None


class PlanVersion(VersionSummary):
    """One version of a plan. It never changes: a change makes the next version."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.VERSION_DOCUMENT]})

    document: PlanDocument


class PlanRef(Document):
    """A version of a plan."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.REF]})

    key: PlanKey
    version: int


class TicketPlan(PlanRef):
    """The version of a plan that a ticket has."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {"key": "google-premium", "version": 1, "programme_url": "/programmes/google-premium?version=1"}
            ]
        },
    )

    programme_url: str = Field(
        description="The page that shows what is promised, relative to this service's address. Everybody can read it "
        "where this version and the plan's current one are `public`; otherwise it needs a key that may read plans",
        examples=["/programmes/google-premium?version=1"],
    )


class PriorityText(Document):
    """A priority, described in one language."""

    key: str = Field(examples=["P1"])
    label: str
    definition: str
    examples: list[str]
    contact: list[Contact] = Field(description="Recommended ways to get in touch, the best first")
    targets: dict[Metric, TargetEntry] = Field(description="What is promised at this priority")


class CustomerRights(Document):
    """What a customer may change of its tickets' urgency."""

    priority: str = Field(description="`any`, `raise` or `none`", examples=["raise"])
    escalate: bool
    reasons: list[str] = Field(description="The reasons for which a ticket can be escalated")


class Priorities(Document):
    """A plan's priorities, the most urgent first, with what decides between them."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.PRIORITIES]})

    plan: PlanRef
    language: str = Field(description="The language of the texts", examples=["es"])
    priorities: list[PriorityText]
    default_priority: str
    matrix: dict[Urgency, dict[Impact, str]] | None = Field(description="urgency -> impact -> priority")
    requires: dict[str, list[str]] = Field(
        description="The texts that a ticket of a priority needs", examples=[{"P1": ["business_impact"]}]
    )
    call_priorities: list[str] = Field(description="The priorities that get a live call")
    customer_may: CustomerRights


class ProgrammeTable(Document):
    """A table: the first cell of each row says what the row is of."""

    columns: list[str] = Field(examples=[["Priority", "First response"]])
    rows: list[list[str]] = Field(examples=[[["P1: critical", "1 hour"]]])


class ProgrammeFact(Document):
    """A figure or a word of the plan, under what it is of."""

    name: str = Field(examples=["Time to reopen a resolved ticket"])
    value: str = Field(examples=["7 days"])
    programme_url: str | None = Field(None, description="The page of the programme that it names")


class ProgrammeEntry(Document):
    """A priority, a calendar or an add-on."""

    key: str = Field(examples=["P1"])
    title: str = Field(examples=["P1: critical"])
    language: str = Field(description="The language of the title, the text and the items", examples=["en"])
    text: str | None = None
    items: list[str] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list, description="What else holds, in the page's language")


class ProgrammeSection(Document):
    """A part of a programme's page. It has those members that it needs; the others are empty or null."""

    key: str = Field(examples=["deadlines"])
    title: str = Field(examples=["What we promise"])
    paragraphs: list[str] = Field(default_factory=list)
    table: ProgrammeTable | None = None
    facts: list[ProgrammeFact] = Field(default_factory=list)
    entries: list[ProgrammeEntry] = Field(default_factory=list)
    items: list[str] = Field(default_factory=list)


class Programme(Document):
    """What a plan promises, told in one language."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [examples.PROGRAMME]})

    plan: PlanRef
    language: str = Field(description="The language of the page", examples=["es"])
    text_language: str = Field(
        description="The language of what the plan says in its own words: English where it lacks the page's",
        examples=["es"],
    )
    name: str
    text: str = Field(description="Markdown: the programme in the plan's own words")
    sections: list[ProgrammeSection] = Field(description="All that the plan document promises, figure by figure")


class AssessmentRequest(Strict):
    """How bad it is, and how soon it is needed."""

    plan: PlanKey | None = Field(None, description="Default: the plan of the account whose key this is")
    product: Word | None = Field(None, description="For the account's plan of this product")
    impact: Impact | None = None
    urgency: Urgency | None = None

    model_config = Strict.model_config | {
        "json_schema_extra": {"examples": [{"plan": "zmanda-standard", "impact": "large", "urgency": "medium"}]}
    }


class Assessment(Document):
    """The priority that a ticket would get, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.ASSESSMENT]})

    plan: PlanRef
    priority: str = Field(examples=["P2"])
    source: str = Field(description="`matrix` or `default`", examples=["matrix"])
    label: str
    detail: str = Field(examples=["The plan's matrix gives P2 for urgency medium and impact large."])


def as_plan(key: str, version: int) -> dict[str, Any]:
    """A ``PlanRef``."""
    return {"key": key, "version": version}
