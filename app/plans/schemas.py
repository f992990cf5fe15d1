"""What the plans' operations take and answer."""

from typing import Any

from pydantic import ConfigDict, Field

from app.core.schemas.shared import Document, Instant, Strict
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


class PriorityText(Document):
    """A priority, described in one language."""

    key: str = Field(examples=["P1"])
    label: str
    definition: str
    examples: list[str]
    contact: list[Contact] = Field(description="Recommended ways to get in touch, the best first")
    targets: dict[Metric, TargetEntry] = Field(description="What is promised at this priority")


class Priorities(Document):
    """A plan's priorities, the most urgent first, with what decides between them."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.PRIORITIES]})

    plan: PlanRef
    language: str = Field(description="The language of the texts", examples=["es"])
    priorities: list[PriorityText]
    default_priority: str
    matrix: dict[Urgency, dict[Impact, str]] | None = Field(description="urgency -> impact -> priority")


class AssessmentRequest(Strict):
    """How bad it is, and how soon it is needed."""

    plan: PlanKey
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
