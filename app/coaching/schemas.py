"""What the operations on coaching notes take and show. Pure."""

from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, StringConstraints

from app.accounts.schemas import EngineerId
from app.core.schemas.shared import Document, Instant, Strict, id_pattern
from app.events.schemas import Actor
from app.tickets.schemas import Sentence

NoteId = Annotated[str, StringConstraints(pattern=id_pattern("cnt"))]
_ENGINEER: Final = "eng_01k9w2z8n1d6p0k4g9c5w8r7xe"
_BODY: Final = "Good that you asked for the log at once. Next time say when you will write again."
_EXAMPLE: Final[dict[str, Any]] = {
    "id": "cnt_01k9z3v5q8e9rbn3wz4m6t7y2g",
    "account_id": "acc_01k9w3b5t8e2r9h6x4m7q1z0va",
    "ticket_id": "tkt_01k9w3b6bz6p1m7h4c0x3r2saa",
    "engineer_id": _ENGINEER,
    "author": {"kind": "engineer", "id": "eng_01k9w2z8n1d6p0k4g9c5w8r7xf", "name": "Noor Haddad"},
    "body": _BODY,
    "created_at": "2026-11-20T20:50:00Z",
    "acknowledged_at": None,
}


class NewCoachingNote(Strict):
    """A note to an engineer about a ticket."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"engineer_id": _ENGINEER, "body": _BODY}]})

    engineer_id: EngineerId | None = Field(None, description="To whom it is. Default: the ticket's engineer")
    body: Sentence


class CoachingNote(Document):
    """A note to an engineer about a ticket, for support only."""

    model_config = ConfigDict(extra="ignore", from_attributes=True, json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    account_id: str
    ticket_id: str
    engineer_id: str
    author: Actor
    body: str
    created_at: Instant
    acknowledged_at: Instant | None = Field(description="When the engineer said that they have read it")
