"""What is sent and answered when the clock of a sandbox account is moved."""

from datetime import datetime, timedelta
from typing import Any, Final, Self

from pydantic import ConfigDict, Field, model_validator

from app.accounts.schemas import AccountId
from app.core.problems import Fault, Invalid
from app.core.schemas.shared import LAST_YEAR, ActorRef, Document, Instant, Strict
from app.core.text.messages import _
from app.events.example_data import ACCOUNT
from app.events.examples import event_example
from app.events.schemas import Event
from app.plans.document.words import Duration

_MISSED: Final = event_example("deadline.missed")
ADVANCED: Final[dict[str, Any]] = {
    "account_id": ACCOUNT,
    "from": "2026-11-20T20:30:00.000000Z",
    "now": "2026-11-20T22:30:00.000000Z",
    "events": [
        _MISSED | {"sandbox": True, "data": _MISSED["data"] | {"noticed_at": _MISSED["timestamp"], "lag_ms": None}}
    ],
    "next": None,
}


class ClockAdvance(Strict):
    """How far the clock is moved: by a length of time, or to an instant."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"by": "PT4H"}, {"to": "2026-11-21T09:00:00Z"}]})

    by: Duration | None = None
    to: Instant | None = None
    actor: ActorRef | None = Field(None, description="The person for whom the account's key acts")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.by is None) == (self.to is None):
            raise ValueError(_("Give either by (a duration such as PT4H) or to (an instant)"))
        return self

    def goal(self, now: datetime) -> datetime:
        """The instant that is asked for, from ``now`` on; 422 beyond the years that instants lie in."""
        if self.to is not None:
            return self.to
        goal = now + (self.by or timedelta(0))
        if goal.year > LAST_YEAR:
            raise Invalid(
                errors=[
                    Fault(
                        pointer="/by", detail=_("Instants lie before the end of {last_year}", last_year=str(LAST_YEAR))
                    )
                ]
            )
        return goal


class SandboxAdvance(Document):
    """A clock that was moved, and what that made happen."""

    account_id: AccountId
    from_: Instant = Field(alias="from", description="Where the clock stood")
    now: Instant = Field(description="Where it stands")
    events: list[Event] = Field(
        description="What happened, in order (instant, metric, ticket): what the caller may see of it, at most 10,000"
    )
    next: Instant | None = Field(
        description="Null when the clock has reached its goal; otherwise call again with it as `to`"
    )
