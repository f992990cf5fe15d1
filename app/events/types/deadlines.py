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
    """A clock started, or a cancelled cycle resumed."""

    type = "deadline.started"
    state: str
    started_at: datetime


class DeadlineMove(DeadlineEvent):
    """The due instant is another than it was (null: none)."""

    before: datetime | None = Field(alias="from")
    after: datetime | None = Field(alias="to")
    reason: str


class DeadlineMoved(DeadlineMove):
    """The due time of a deadline moved."""

    type = "deadline.moved"


class DeadlinePaused(DeadlineMove):
    """A clock paused; it has no due instant until it resumes."""

    type = "deadline.paused"


class DeadlineResumed(DeadlineMove):
    """A clock resumed."""

    type = "deadline.resumed"


class DeadlineWarning(DeadlineEvent):
    """A percentage of the time is used up."""

    type = "deadline.warning"
    share: int


class DeadlineMissed(DeadlineEvent):
    """A deadline was missed. ``lag_ms``: how late that was noticed; null on a sandbox's clock."""

    type = "deadline.missed"
    noticed_at: datetime
    lag_ms: float | None
    unconfirmed: bool = Field(
        False, description="Its ticket is a guest's, with whom nobody has dealt: not to be counted as a broken promise"
    )


class DeadlineMet(DeadlineEvent):
    """A deadline was met on time."""

    type = "deadline.met"
    stopped_by: str


class DeadlineMetLate(DeadlineEvent):
    """A deadline was met late."""

    type = "deadline.met_late"
    stopped_by: str


class DeadlineCancelled(DeadlineEvent):
    """A deadline was cancelled."""

    type = "deadline.cancelled"
    reason: str


class PlanApplied(EventData):
    """A plan version was applied to an open ticket; the deadlines' own events say what moved."""

    type = "plan.applied"
    before: PlanPins = Field(alias="from")
    after: PlanPins = Field(alias="to")
    priorities: dict[str, str] = Field(description="What became of priorities that the version does not know")
