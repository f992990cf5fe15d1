"""What the operations on mails about a ticket take and show. Pure."""

from typing import Any, Final

from pydantic import ConfigDict, Field

from app.core.schemas.shared import ActorRef, Document, EmailRef, Strict

_EXAMPLE: Final[dict[str, Any]] = {
    "ticket_id": "tkt_01k9w3b6bz6p1m7h4c0x3r2saa",
    "email": "ana@solar-roofs.example",
    "muted": True,
}


class MailReader(Strict):
    """Whose mails it is about, of those who get some about the ticket."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "ana@solar-roofs.example"}]})

    email: EmailRef | None = Field(None, description="Default: a visitor's own; else the actor's; else the requester's")
    actor: ActorRef | None = None


class TicketMails(Document):
    """Whether somebody gets e-mails about a ticket."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [_EXAMPLE]})

    ticket_id: str
    email: str
    muted: bool = Field(description="Whether they get none, of their own will")
