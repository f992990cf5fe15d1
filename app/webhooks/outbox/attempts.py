"""One attempt to deliver a message: how the log keeps it, and what it makes of its delivery. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from app.core.text.messages import Message, to_stored
from app.events.envelope import instant
from app.webhooks.rules.retry import Disable, Outcome, RetryAt, next_attempt
from app.webhooks.schemas import DeliveryState

if TYPE_CHECKING:
    from app.webhooks.outbox.claims import Claimed

Row: TypeAlias = Mapping[str, Any]

ANSWER_KEPT: Final = 1024
"""Bytes of an answer that the log keeps."""

_HEADERS_KEPT: Final = ("content-type", "location", "retry-after", "server")
_HEADER_KEPT: Final = 256
_NO_ERROR: Final[Row] = {"error": None, "error_message": None}


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """What has become of a claimed delivery. ``disable``: why its endpoint is to get no more, or None."""

    delivery: "Claimed"
    state: DeliveryState
    attempts: int
    last_attempt: Row
    next_attempt_at: datetime | None = None
    disable: Message | None = None

    def row(self) -> Row:
        """The values that the statement needs."""
        return {
            "account_id": self.delivery.account_id,
            "id": self.delivery.id,
            "claim_id": self.delivery.claim_id,
            "state": self.state,
            "attempts": self.attempts,
            "next_attempt_at": self.next_attempt_at,
            "last_attempt": self.last_attempt,
            "first": self.delivery.attempts == 0,
        }


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was sent and what came back. ``answer`` is None when there was none.

    ``seconds`` is how long it took, ``at`` when it began, by the database's clock.
    """

    at: datetime
    seconds: float
    outcome: Outcome
    sent: Mapping[str, str]
    received: Mapping[str, str] = field(default_factory=dict)
    answer: bytes | None = None


def conclude(delivery: "Claimed", exchange: Exchange, now: datetime, jitter: float) -> DeliveryOutcome:
    """What an attempt makes of its delivery; ``now`` is the database's instant, ``jitter`` lies in -1 to 1."""
    attempts, outcome = delivery.attempts + 1, exchange.outcome
    if outcome.success:
        return DeliveryOutcome(delivery, "delivered", attempts, _log(exchange, None))
    decision = next_attempt(attempts, outcome, now, jitter, failing_since=delivery.failing_since)
    if isinstance(decision, RetryAt):
        return DeliveryOutcome(delivery, "pending", attempts, _log(exchange, decision.at), next_attempt_at=decision.at)
    reason = decision.reason if isinstance(decision, Disable) else None
    return DeliveryOutcome(delivery, "failed", attempts, _log(exchange, None), disable=reason)


def unsent(delivery: "Claimed", state: Literal["skipped", "failed"], reason: Message) -> DeliveryOutcome:
    """The end of a delivery for which nothing is sent; ``reason`` is for the endpoint's owner."""
    return DeliveryOutcome(delivery, state, delivery.attempts, {"at": instant(delivery.present()), **_error(reason)})


def storable(raw: bytes) -> str:
    """The beginning of a text from outside, without what Postgres cannot store."""
    return raw[:ANSWER_KEPT].decode(errors="replace").replace("\0", "\ufffd")


def _error(reason: Message | None) -> Row:
    """Why nothing came back: in English, and what it takes to say it in other languages."""
    if reason is None:
        return _NO_ERROR
    return {"error": reason, "error_message": to_stored(reason)}


def _log(exchange: Exchange, next_at: datetime | None) -> Row:
    return {
        "at": instant(exchange.at),
        "request_headers": {name.lower(): value for name, value in exchange.sent.items()},
        "status": exchange.outcome.status,
        **_error(exchange.outcome.error),
        "duration_ms": round(exchange.seconds * 1000, 3),
        "answer_headers": {
            name: _header(exchange.received[name]) for name in _HEADERS_KEPT if name in exchange.received
        },
        "answer": None if exchange.answer is None else storable(exchange.answer),
        "next_attempt_at": instant(next_at) if next_at else None,
    }


def _header(value: str) -> str:
    """A header's value: aiohttp leaves lone surrogates in it for bytes that are not UTF-8."""
    if len(value) <= _HEADER_KEPT and value.isascii() and "\0" not in value:
        return value
    return storable(value.encode(errors="surrogateescape")[:_HEADER_KEPT])
