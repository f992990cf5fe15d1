"""What happens to the clocks of a ticket. Pure."""

from datetime import datetime

from pydantic import BaseModel, Field

from app.events.types.data import EventData


class PlanPins(BaseModel):
    """A plan version, and what else of its account a ticket keeps to: add-ons, zone, holidays."""

    key: str
    version: int
    addons: list[str]
    time_zone: str
    holiday_set: str | None


class DeadlineEvent(EventData):
    """What is told of every deadline."""

    deadline_id: str
    metric: str
    cycle: int
    priority: str
    subject: str | None = None
    due_at: datetime | None


class DeadlineStarted(DeadlineEvent):
    """A clock started, or a cancelled cycle went on."""

    type = "deadline.started"
    state: str
    started_at: datetime


class DeadlineMove(DeadlineEvent):
    """The due instant is another than it was (null: none)."""

    before: datetime | None = Field(alias="from")
    after: datetime | None = Field(alias="to")
    reason: str


class DeadlineMoved(DeadlineMove):
    """A due instant moved."""

    type = "deadline.moved"


class DeadlinePaused(DeadlineMove):
    """A clock stands still; it has no due instant while it does."""

    type = "deadline.paused"


class DeadlineResumed(DeadlineMove):
    """A clock goes on."""

    type = "deadline.resumed"


class DeadlineWarning(DeadlineEvent):
    """A share of the time, in per cent, is used up."""

    type = "deadline.warning"
    share: int


class DeadlineMissed(DeadlineEvent):
    """A deadline passed. ``lag_ms``: how late that was noticed; null on a sandbox's clock."""

    type = "deadline.missed"
    noticed_at: datetime
    lag_ms: float | None


class DeadlineMet(DeadlineEvent):
    """What was promised was done in time."""

    type = "deadline.met"
    stopped_by: str


class DeadlineMetLate(DeadlineEvent):
    """What was promised was done after it was due."""

    type = "deadline.met_late"
    stopped_by: str


class DeadlineCancelled(DeadlineEvent):
    """A clock ended without a result."""

    type = "deadline.cancelled"
    reason: str


class PlanApplied(EventData):
    """A plan version now holds for an open ticket; what it moved is told by events of the deadlines."""

    type = "plan.applied"
    before: PlanPins = Field(alias="from")
    after: PlanPins = Field(alias="to")
    priorities: dict[str, str] = Field(description="What became of priorities that the version does not know")
