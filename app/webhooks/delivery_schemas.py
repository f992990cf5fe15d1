"""What is sent and answered about deliveries."""

from typing import Any, Final

from pydantic import ConfigDict, Field

from app.core.schemas.shared import ActorRef, Document, Instant, Strict
from app.webhooks.outbox.attempts import ANSWER_KEPT
from app.webhooks.outbox.outcomes import ATTEMPTS_KEPT
from app.webhooks.schemas import ACCOUNT, ENDPOINT, DeliveryState

_EVENT: Final = "evt_01k9z3v5q8e9rbn3wz4m6t7y2f"
_ATTEMPT: Final[dict[str, Any]] = {
    "at": "2026-11-20T20:30:00.120000Z",
    "request_headers": {
        "content-type": "application/json",
        "webhook-id": _EVENT,
        "webhook-timestamp": "1795206600",
        "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
        "heliodesk-via": "inst_01k9z3v5q8e9rbn3wz4m6t7y2a",
    },
    "status": 500,
    "error": None,
    "duration_ms": 12.5,
    "answer_headers": {"content-type": "text/plain"},
    "answer": "oops",
    "next_attempt_at": "2026-11-20T20:30:05.130000Z",
}
_DELIVERY: Final[dict[str, Any]] = {
    "id": "dlv_01k9z3v5q8e9rbn3wz4m6t7y2e",
    "account_id": ACCOUNT,
    "endpoint_id": ENDPOINT,
    "event_id": _EVENT,
    "state": "pending",
    "attempt_count": 1,
    "next_attempt_at": "2026-11-20T20:30:05.130000Z",
    "last_attempt": _ATTEMPT,
    "created_at": "2026-11-20T20:30:00Z",
    "finished_at": None,
}


class DeliveryAttempt(Document):
    """One attempt to deliver a message."""

    at: Instant | None = None
    request_headers: dict[str, str] = Field({}, description="As they were sent; the body is the event's envelope")
    status: int | None = Field(None, description="The receiver's status; null when it gave no answer")
    error: str | None = Field(None, description="Why there was no answer")
    duration_ms: float | None = None
    answer_headers: dict[str, str] = Field({}, description="`content-type`, `location`, `retry-after`, `server`")
    answer: str | None = Field(None, description=f"The first {ANSWER_KEPT} bytes of the answer")
    next_attempt_at: Instant | None = Field(None, description="When the next attempt was to be made; null: no more")


class Delivery(Document):
    """One event on its way to one endpoint."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [_DELIVERY]})

    id: str
    account_id: str | None
    endpoint_id: str
    event_id: str = Field(description="The message's `webhook-id`, the same on every attempt")
    state: DeliveryState = Field(description="`skipped`: the endpoint's projection left the event out")
    attempt_count: int = Field(description="Attempts since it was made, or was last sent again")
    next_attempt_at: Instant | None = Field(description="While it is sent: when its lease ends; null before its turn")
    last_attempt: DeliveryAttempt | None
    created_at: Instant
    finished_at: Instant | None


class DeliveryWithAttempts(Delivery):
    """A delivery with its attempts."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DELIVERY | {"attempts": [_ATTEMPT]}]})

    attempts: list[DeliveryAttempt] = Field(
        description=f"The newest last; of more than {ATTEMPTS_KEPT} the newest",
    )


class ReplayPeriod(Strict):
    """Which events are sent again."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"since": "2026-11-20T20:00:00Z", "until": "2026-11-20T22:30:00Z"}]}
    )

    since: Instant = Field(
        description="The start of the period, by the real time at which events were recorded, also those of a sandbox"
    )
    until: Instant | None = Field(None, description="The end of the period, exclusive. Default: now")
    actor: ActorRef | None = Field(None, description="The person for whom the account's key acts")


class Replay(Document):
    """A period that is sent again."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"since": "2026-11-20T20:00:00Z", "until": "2026-11-20T22:30:00Z", "events": 412}]
        }
    )

    since: Instant
    until: Instant
    events: int = Field(
        description="How many events of the period are sent; those that are on their way already are not sent twice"
    )
