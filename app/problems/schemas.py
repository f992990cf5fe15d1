"""What the operations on problems take and show. Pure."""

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import ConfigDict, Field, StringConstraints

from app.accounts.schemas import EngineerId
from app.articles.schemas import Audience
from app.core.schemas.shared import Document, Instant, Locale, Strict, Word, id_pattern
from app.core.text.language import LANGUAGES, Language
from app.events.schemas import Actor
from app.tickets.schemas import Sentence, TicketId, Title

ProblemId = Annotated[str, StringConstraints(pattern=id_pattern("prb"))]
State: TypeAlias = Literal["suggested", "dismissed", "open", "investigating", "known_error", "resolved", "closed"]
SettableState: TypeAlias = Literal["investigating", "known_error", "resolved", "closed"]
Texts: TypeAlias = Annotated[dict[Language, Sentence], Field(max_length=len(LANGUAGES))]
MAX_TICKETS: Final = 200
"""Tickets that one request links."""
PROBLEM: Final = "prb_01k9z3v5q8e9rbn3wz4m6t7y2f"
_ENGINEER: Final = "eng_01k9w2z8n1d6p0k4g9c5w8r7xe"
_TICKET: Final = "tkt_01k9w3b6bz6p1m7h4c0x3r2saa"
_OTHER: Final = "tkt_01k9w2x4bz6p1m7h4c0x3r2sbb"
_EXAMPLE: Final[dict[str, Any]] = {
    "id": PROBLEM,
    "number": "PRB-K7M-3QP",
    "title": "Exports of large reports end with a timeout",
    "description": "The new report engine reads each row twice.",
    "product": "reports",
    "state": "known_error",
    "source": "suggestion",
    "words": ["export", "timeout", "report"],
    "owner_id": _ENGINEER,
    "workaround": "Export one month at a time.",
    "resolution": None,
    "translations": {"workaround": {"es": "Exporte un mes cada vez."}, "resolution": {}},
    "resolve_tickets": False,
    "dismissal": None,
    "tickets": 20,
    "untold": 0,
    "created_by": {"kind": "service", "name": "Heliodesk"},
    "targets": {"resolved": {"due_at": "2026-11-22T20:30:00Z", "missed": False, "reached": False}},
    "opened_at": "2026-11-20T20:30:00Z",
    "resolved_at": None,
    "closed_at": None,
    "version": 3,
    "created_at": "2026-11-20T20:25:00Z",
    "updated_at": "2026-11-20T21:30:00Z",
}


class ProblemFields(Strict):
    """What is written about a problem, and can be changed later."""

    title: Title = Field(description="Customers see it on their tickets")
    description: Annotated[str, StringConstraints(max_length=50_000)] = Field("", description="For support")
    product: Word | None = None
    owner_id: EngineerId | None = Field(None, description="The engineer who follows the problem from start to end")
    workaround: Sentence | None = Field(None, description="Customers see it on their tickets")


class NewProblem(ProblemFields):
    """A new problem, and the tickets behind which it is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"title": _EXAMPLE["title"], "product": "reports", "owner_id": _ENGINEER, "tickets": [_OTHER]}]
        }
    )

    tickets: Annotated[list[TicketId], Field(max_length=MAX_TICKETS)] = Field(default_factory=list)


class Publication(Strict):
    """Who may read a workaround as an article of the knowledge base, and in which language it is written.

    Its slug is the problem's number; published again, it is changed.
    """

    audience: Audience = "customers"
    language: Locale = "en"


class ProblemStateChange(Strict):
    """A new state of a problem, with what the state is about."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"state": "resolved", "resolution": "Version 4.2 reads each row once.", "resolve_tickets": True}
            ]
        }
    )

    state: SettableState
    owner_id: EngineerId | None = Field(
        None, description="Default: whoever owns it, else the engineer whose key this is"
    )
    workaround: Sentence | None = Field(None, description="Of a known error: its tickets are told of a new one")
    publish: Publication | None = Field(None, description="Of a known error: its workaround becomes an article")
    resolution: Sentence | None = Field(None, description="Of a resolved problem: all its tickets are told")
    workarounds: Texts = Field(
        default_factory=dict, description="The workaround in other languages; the rest is told `workaround`"
    )
    resolutions: Texts = Field(
        default_factory=dict, description="The resolution in other languages; the rest is told `resolution`"
    )
    resolve_tickets: bool = Field(False, description="Whether the tickets are resolved with it")


class ProblemAcceptance(Strict):
    """A suggestion becomes a problem."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"title": _EXAMPLE["title"]}]})

    title: Title | None = Field(None, description="Default: the suggested one")
    owner_id: EngineerId | None = Field(None, description="Default: the engineer whose key this is")


class ProblemDismissal(Strict):
    """A suggestion was none: these tickets have nothing in common."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "All of them ask for the same release."}]})

    reason: Sentence | None = None


class ProblemLink(Strict):
    """Further tickets of a problem."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"tickets": [_TICKET]}]})

    tickets: Annotated[list[TicketId], Field(min_length=1, max_length=MAX_TICKETS)]


class ProblemTarget(Document):
    """When a plan wants a problem to be in a state."""

    due_at: Instant
    missed: bool
    reached: bool


class Translations(Document):
    """What tickets are told, by the language of their requesters."""

    workaround: dict[str, str] = Field(default_factory=dict)
    resolution: dict[str, str] = Field(default_factory=dict)


class Problem(Document):
    """A problem, as support sees it."""

    model_config = ConfigDict(extra="ignore", from_attributes=True, json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    number: str
    title: str
    description: str
    product: str | None
    state: State
    source: Literal["engineer", "suggestion", "automatic"] = Field(
        description="Who found it: `suggestion` and `automatic` are the service's, which opened the latter by itself"
    )
    words: list[str] = Field(description="Why the service takes its tickets for alike: words that they share")
    owner_id: str | None
    workaround: str | None
    resolution: str | None
    translations: Translations = Field(description="The same in other languages, which tickets in them are told")
    resolve_tickets: bool
    dismissal: str | None
    tickets: int = Field(description="How many tickets it has")
    untold: int = Field(description="How many of them are still to be told what is new about it")
    created_by: Actor
    targets: dict[str, ProblemTarget] = Field(
        description="By state, when the strictest of the plans of its tickets wants it to be reached"
    )
    opened_at: Instant | None
    resolved_at: Instant | None
    closed_at: Instant | None
    version: int
    created_at: Instant
    updated_at: Instant


class ProblemTicket(Document):
    """A ticket of a problem."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _TICKET,
                    "account_id": "acc_01k9w3b5t8e2r9h6x4m7q1z0va",
                    "number": "K7M-3QP",
                    "title": "Export ends with an error",
                    "status": "open",
                    "priority": "P2",
                    "opened_at": "2026-11-20T20:20:00Z",
                    "linked_at": "2026-11-20T20:30:00Z",
                }
            ]
        }
    )

    id: str
    account_id: str
    number: str
    title: str
    status: str
    priority: str
    opened_at: Instant
    linked_at: Instant
