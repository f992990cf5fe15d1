"""What support sees of notices. Pure."""

from typing import Any, Final, Literal

from pydantic import ConfigDict, Field

from app.core.schemas.shared import Document, Instant

_EXAMPLE: Final[dict[str, Any]] = {
    "id": "ntc_01k9z3v5q8e9rbn3wz4m6t7y2g",
    "event_type": "ticket.opened",
    "role": "guest",
    "name": "Ana Silva",
    "email": "ana@example.com",
    "state": "sent",
    "sent_by": ["mail"],
    "attempts": 1,
    "error": None,
    "created_at": "2026-11-20T20:15:00Z",
    "finished_at": "2026-11-20T20:15:01Z",
}


class BouncedAddress(Document):
    """An address from which a mail came back: mails to customers that go there are held."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "examples": [
                {
                    "email": "ana@example.com",
                    "status": "5.1.1",
                    "reason": "550 5.1.1 User unknown",
                    "bounced_at": "2026-11-20T20:15:00Z",
                }
            ]
        },
    )

    email: str
    status: str = Field(description="By RFC 3463")
    reason: str = Field(description="In the words of the server that refused it")
    bounced_at: Instant


class Notice(Document):
    """A message about a ticket to one person, and what became of it."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    event_type: str = Field(description="The type of the event that it tells")
    role: str = Field(description="As whom the person gets it: `expert`, `manager`, `tam`, `guest`, ...")
    name: str | None
    email: str | None
    state: Literal["pending", "sent", "failed", "no_channel", "suppressed", "held"] = Field(
        description="`no_channel`: there is no way to reach the person. `suppressed`: the guest's address got another "
        "mail less than an hour before. `held`: a mail to the address came back, and `DELETE "
        "/v1/accounts/{account_id}/bounces/{email}` has not lifted that"
    )
    sent_by: list[str] = Field(description="Channels that have taken it")
    attempts: int
    error: str | None = Field(description="Why the last attempt failed, in the language of `Accept-Language`")
    created_at: Instant
    finished_at: Instant | None
