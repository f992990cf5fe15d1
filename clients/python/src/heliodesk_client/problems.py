"""What is raised for an answer that is a problem (RFC 9457)."""

from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True, slots=True)
class Fault:
    """One place of the request that is wrong: a JSON pointer (RFC 6901), and what is wrong there."""

    pointer: str
    detail: str
    hint: str | None = None


class HeliodeskError(Exception):
    """The service refused. ``slug`` never changes its meaning: ``not-found``, ``quota-exceeded``, ``invalid-input``."""

    def __init__(self, response: httpx.Response) -> None:
        self.response, self.status = response, response.status_code
        self.document = _document(response)
        self.slug = str(self.document.get("type", "")).rpartition("/")[2]
        self.title = str(self.document.get("title", response.reason_phrase))
        self.detail: str | None = self.document.get("detail")
        self.request_id: str | None = response.headers.get("x-request-id")
        self.faults = [
            Fault(str(each.get("pointer", "")), str(each.get("detail", "")), each.get("hint"))
            for each in self.document.get("errors") or ()
        ]
        super().__init__(self._said())

    def _said(self) -> str:
        places = "; ".join(f"{fault.pointer}: {fault.detail}" for fault in self.faults)
        said = ": ".join(part for part in (self.title, self.detail, places) if part)
        return f"{self.status} {said}" + (f" ({self.request_id})" if self.request_id else "")


def _document(response: httpx.Response) -> dict[str, Any]:
    try:
        document = response.json()
    except ValueError:
        return {}  # a proxy's own page
    return document if isinstance(document, dict) else {}
