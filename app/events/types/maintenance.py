"""What is told of maintenance windows. Pure."""

from datetime import datetime

from pydantic import Field

from app.events.types.data import EventData


class _Window(EventData):
    window_id: str
    hook_id: str | None = Field(
        description="The one hook that is silenced; null: all of the product, or of the account"
    )
    product: str | None = Field(description="The one product whose hooks are silenced")
    reason: str
    starts_at: datetime
    ends_at: datetime


class MaintenanceStarted(_Window):
    """A maintenance window has begun: from now on alerts open nothing and page nobody."""

    type = "maintenance.started"


class MaintenanceEnded(_Window):
    """A maintenance window has ended: alerts that still fire, and that no other window holds back, open tickets."""

    type = "maintenance.ended"
    still_firing: int = Field(description="Alerts that were held back and have not been resolved")
