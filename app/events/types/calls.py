"""What happens to the live call of a ticket. Pure."""

from datetime import datetime

from pydantic import Field

from app.events.failures import CallFailure
from app.events.types.data import DISPLAY_NAME, EventData, NotifyingEvent, TextEvent


class _Call(EventData):
    call_id: str
    provider: str | None = None


class CallRequested(_Call):
    """A live call was requested."""

    type = "call.requested"


class CallReady(_Call):
    """The call's link is ready."""

    type = "call.ready"
    join_url: str
    remind_at: datetime = Field(description="When a customer who has neither joined nor declined is reminded")
    join_by: datetime


class CallReminded(_Call):
    """The customer was reminded of the call, which it can still join in time."""

    type = "call.reminded"
    join_by: datetime


class CallJoined(_Call):
    """Somebody joined the call."""

    type = "call.joined"
    participant: str


class CallDeclined(NotifyingEvent, _Call, TextEvent):
    """The customer will not join. Its engineer is notified; without one, the account's manager."""

    type = "call.declined"
    reason: str
    assignee_id: str | None = Field(description="The engineer to notify: the ticket's assignee")
    assignee_name: str | None = None
    assignee_display_name: str | None = DISPLAY_NAME


class CallNoShow(_Call):
    """The customer has not joined in time, but still can."""

    type = "call.no_show"
    join_by: datetime


class CallFailed(NotifyingEvent, _Call):
    """No link could be created: one from the customer revives the call. Its engineer, else the manager, is notified."""

    type = "call.failed"
    reason: str = Field(description="Why, in English; `failures` says it by codes")
    failures: list[CallFailure] = Field([], description="Why each provider made no link, in the order of the attempts")
    assignee_id: str | None = Field(None, description="The engineer to notify: the ticket's assignee")
    assignee_name: str | None = None
    assignee_display_name: str | None = DISPLAY_NAME


class CallEnded(_Call):
    """The call is over."""

    type = "call.ended"
