"""What a historical record says. Pure."""

from typing import Any, Final

from pydantic import ConfigDict, Field

from app.core.schemas.shared import Document, Instant

_AT: Final = "2026-11-20T20:30:00Z"
_EXAMPLE: Final[dict[str, Any]] = {
    "account_id": "acc_01k9w3b5t8e2r9h6x4m7q1z0va",
    "name": "Solar Roofs",
    "person_id": None,
    "email": None,
    "at": "2026-11-25T09:00:00Z",
    "totals": {"tickets": 1, "missed": 1, "escalations": 0, "calls": 1},
    "by_status": {"resolved": 1},
    "by_priority": {"P1": 1},
    "tickets": [
        {
            "id": "tkt_01k9w3b6bz6p1m7h4c0x3r2saa",
            "number": "K7M-3QP",
            "title": "No backup has succeeded since Thursday",
            "product": "backup",
            "status": "resolved",
            "priority": "P1",
            "requester": "Ana Ruiz",
            "opened_at": _AT,
            "resolved_at": "2026-11-21T14:40:00Z",
            "missed": ["first_response"],
            "problem": "PRB-4F7-2WX",
            "calls": [{"state": "ended", "requested_at": _AT, "ended_at": "2026-11-20T21:30:00Z"}],
            "escalations": [],
        }
    ],
    "articles": [
        {
            "article_id": "art_01k9z3v5q8e9rbn3wz4m6t7y2a",
            "slug": "pdf-export-fails",
            "language": "en",
            "title": "Exporting a report to PDF fails",
            "reader": "Ana Ruiz",
            "times": 2,
            "first_read_at": "2026-11-20T20:10:00Z",
            "last_read_at": "2026-11-20T20:25:00Z",
        }
    ],
    "more": False,
}


class RecordedCall(Document):
    """A call of a ticket."""

    state: str
    requested_at: Instant
    ended_at: Instant | None


class RecordedEscalation(Document):
    """An escalation of a ticket."""

    kind: str
    reason: str
    state: str
    requested_at: Instant
    ended_at: Instant | None


class RecordedTicket(Document):
    """A ticket, and what happened to it."""

    id: str
    number: str
    title: str
    product: str | None
    status: str
    priority: str
    requester: str
    opened_at: Instant
    resolved_at: Instant | None
    missed: list[str] = Field(description="The metrics whose deadlines were missed, each once")
    problem: str | None = Field(description="The number of the problem behind it")
    calls: list[RecordedCall]
    escalations: list[RecordedEscalation]


class RecordedRead(Document):
    """An article that somebody of the account has read."""

    article_id: str
    slug: str
    language: str
    title: str
    reader: str | None = Field(description="The person's name; null: somebody with the account's key")
    times: int = Field(description="In how many hours they read it")
    first_read_at: Instant
    last_read_at: Instant


class RecordTotals(Document):
    """What there is in the period, counted over the tickets of the record."""

    tickets: int
    missed: int = Field(description="Deadlines that were missed")
    escalations: int
    calls: int


class HistoricalRecord(Document):
    """All tickets of an account, or of one of its people, of a period: the newest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    account_id: str
    name: str = Field(description="The account's, or the person's")
    person_id: str | None
    email: str | None = Field(description="The person's")
    at: Instant = Field(description="When the record was made")
    totals: RecordTotals
    by_status: dict[str, int]
    by_priority: dict[str, int]
    tickets: list[RecordedTicket]
    articles: list[RecordedRead] = Field(description="Known solutions that were read in the period: the last 100")
    more: bool = Field(description="There are older ones than the 500 of the record: ask for an earlier period")
