"""What happens to problems, and to the tickets behind which they are. Pure."""

from datetime import datetime

from pydantic import BaseModel, Field, JsonValue

from app.events.types.data import EventData, TextEvent


class _OfProblem(TextEvent):
    """Support's own: a problem spans accounts."""

    audience = "internal"
    problem_id: str
    number: str
    title: str
    product: str | None


class SuggestedTicket(BaseModel):
    """One of the tickets that are alike."""

    ticket_id: str
    account_id: str
    number: str
    title: str


class ProblemSuggested(_OfProblem):
    """Recently opened tickets are alike: told first at three, then whenever their number has doubled."""

    type = "problem.suggested"
    words: list[str] = Field(description="The reason: what their texts share, the rarest first")
    count: int = Field(description="How many tickets there are so far")
    tickets: list[SuggestedTicket] = Field(description="The first 50 of them")


class ProblemOpened(_OfProblem):
    """A problem was opened: by support, or by the service where a plan says so."""

    type = "problem.opened"
    source: str = Field(description="`engineer`, `suggestion` (one was accepted) or `automatic`")
    owner_id: str | None
    count: int = Field(description="How many tickets it has")


class ProblemUpdated(_OfProblem):
    """A problem was changed; ``fields`` holds the new values, ``state`` among them where that has changed."""

    type = "problem.updated"
    fields: dict[str, JsonValue]


class ProblemTargetMissed(_OfProblem):
    """A problem did not reach a state within the time that a plan gives for it."""

    type = "problem.target_missed"
    state: str
    due_at: datetime


class ProblemResolved(_OfProblem):
    """A problem was resolved; each of its tickets is told in its customer's language."""

    type = "problem.resolved"
    resolution: str
    resolve_tickets: bool = Field(description="Whether its tickets are resolved with it")
    count: int = Field(description="How many tickets it has")


class TicketProblemLinked(TextEvent):
    """A problem was found to be behind the ticket."""

    type = "ticket.problem_linked"
    problem_id: str
    number: str
    title: str
    state: str
    workaround: str | None


class TicketProblemUnlinked(EventData):
    """The ticket has nothing to do with a problem after all."""

    type = "ticket.problem_unlinked"
    problem_id: str
    number: str
