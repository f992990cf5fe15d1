"""What is raised when the service refuses, or does not answer.

Every error is a ``HeliodeskError``. A refusal is a ``ProblemError``, and ``heliodesk_client.problems`` has a subclass
for each problem type of the service. ``ConnectionFailed`` and ``TimedOut`` mean that there was no answer.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar, Self

import httpx


class HeliodeskError(Exception):
    """Base of all errors of this package."""


class ConnectionFailed(HeliodeskError):
    """There was no answer, so what was asked for may have been done or not; ``__cause__`` is the error of httpx."""


class TimedOut(ConnectionFailed):
    """There was no answer in time."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One place of the request that is wrong: a JSON pointer (RFC 6901), and what is wrong there."""

    pointer: str
    detail: str
    hint: str | None = None


class ProblemError(HeliodeskError):
    """The service refused (RFC 9457).

    ``slug`` names the kind of problem, never changes its meaning, and selects the subclass: ``not-found``,
    ``invalid-input``. It is empty for an answer that is not the service's own, such as a proxy's page. ``retry_after``
    is how many seconds the service asks callers to wait.
    """

    _kinds: ClassVar[dict[str, type["ProblemError"]]] = {}

    def __init_subclass__(cls, *, slug: str) -> None:
        super().__init_subclass__()
        cls._kinds[slug] = cls

    def __init__(self, response: httpx.Response) -> None:
        self.response, self.status = response, response.status_code
        self.document = _document(response)
        self.slug = _slug(self.document)
        self.title = str(self.document.get("title", response.reason_phrase))
        self.detail: str | None = self.document.get("detail")
        self.request_id: str | None = response.headers.get("x-request-id")
        self.retry_after = seconds_to_wait(response)
        self.faults = [
            Fault(str(each.get("pointer", "")), str(each.get("detail", "")), each.get("hint"))
            for each in self.document.get("errors") or ()
        ]
        super().__init__(self._said())

    @classmethod
    def of(cls, response: httpx.Response) -> "ProblemError":
        """The error for a response, of the subclass for its problem type."""
        return cls._kinds.get(_slug(_document(response)), cls)(response)

    def __reduce__(self) -> tuple[type[Self], tuple[httpx.Response]]:
        return type(self), (self.response,)

    def _said(self) -> str:
        places = "; ".join(f"{fault.pointer}: {fault.detail}" for fault in self.faults)
        said = ": ".join(part for part in (self.title, self.detail, places) if part)
        return f"{self.status} {said}" + (f" ({self.request_id})" if self.request_id else "")


def seconds_to_wait(response: httpx.Response) -> float | None:
    """The seconds that ``Retry-After`` asks for, written as such or as a date (RFC 9110, 10.2.3); None without it."""
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((aware - datetime.now(UTC)).total_seconds(), 0.0)


def _slug(document: dict[str, Any]) -> str:
    return str(document.get("type", "")).rpartition("/")[2]


def _document(response: httpx.Response) -> dict[str, Any]:
    try:
        document = response.json()
    except ValueError:
        return {}  # a proxy's own page
    return document if isinstance(document, dict) else {}
