"""What follows an attempt to deliver a message: the retry policy as a value. Pure.

The delays and what counts as success are those of the Standard Webhooks specification 1.0.0.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final, TypeAlias

from app.core.outgoing.retry_after import parse_retry_after
from app.core.text.messages import Message, _

DELAYS: Final = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""The wait before each attempt; together about three days and three hours."""

JITTER: Final = 0.2
"""The part of a delay by which it varies, so that a receiver's outage does not end in one big wave."""

DISABLE_AFTER: Final = timedelta(days=5)
"""How long an endpoint may do nothing but fail."""

_TRIED: Final = 3
"""So many attempts, over five minutes, show that the receiver is still down: a restart after quiet days is shorter."""

_THROTTLING: Final = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt ended: the receiver's status, or None with ``error`` when there was no answer."""

    status: int | None
    error: Message | None = None
    retry_after: str | None = None
    timed_out: bool = False

    @property
    def success(self) -> bool:
        """Only 2xx: a redirect is a failure, because a receiver is to be registered where it is."""
        return self.status is not None and self.status // 100 == HTTPStatus.OK // 100

    @property
    def burdens(self) -> bool:
        """Whether the receiver holds what is sent to it for long, or asks for less."""
        return self.timed_out or self.throttles

    @property
    def throttles(self) -> bool:
        """Whether the receiver, or what stands before it, asks for less."""
        return self.status in _THROTTLING


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Try again at this instant."""

    at: datetime


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Every attempt was used: the delivery has failed."""


@dataclass(frozen=True, slots=True)
class Disable:
    """The delivery has failed, and its endpoint gets no more; ``reason`` is for the endpoint's owner."""

    reason: Message


Decision: TypeAlias = RetryAt | GiveUp | Disable


def next_attempt(
    attempts: int, outcome: Outcome, now: datetime, jitter: float, *, failing_since: datetime | None = None
) -> Decision:
    """What to do after the attempt number ``attempts`` (the first is 1) has failed.

    ``jitter`` lies in -1 to 1 and moves the delay by up to 20 %. A throttling answer's Retry-After is honoured,
    but never less than the delay nor more than twice the delay. ``failing_since``: since when the endpoint has
    taken nothing; once that is five days, a delivery that fails for the third time takes the endpoint with it.
    """
    if outcome.status == HTTPStatus.GONE:
        return Disable(_("The receiver answered 410 Gone"))
    if attempts >= _TRIED and failing_since is not None and now - failing_since >= DISABLE_AFTER:
        return Disable(_("Nothing could be delivered for five days"))
    if attempts >= len(DELAYS):
        return GiveUp()
    delay = DELAYS[attempts] * (1 + JITTER * jitter)
    asked = parse_retry_after(outcome.retry_after, now) if outcome.throttles else None
    return RetryAt(now + (min(max(asked, delay), 2 * delay) if asked is not None else delay))
