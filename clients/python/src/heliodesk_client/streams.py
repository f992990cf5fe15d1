"""The feed as server-sent events: what is read of a stream, and how it goes on after it broke off."""

import logging
from collections.abc import Sequence
from typing import Any, Final

import httpx
from httpx_sse import ServerSentEvent

from heliodesk_client.generated.models import FeedEvent
from heliodesk_client.sending import Outcome, Retries, successful

_SILENCE: Final = 45.0
"""Seconds without a word after which a stream counts as broken: the service says something every 15."""
_TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0, read=_SILENCE)
_PAUSE: Final = 1.0
"""Seconds before a stream that ended in order is opened again, unless the service says otherwise."""
_log: Final = logging.getLogger("heliodesk_client")


class Reading:
    """One reader's place in the feed, over all the streams that it takes to follow it."""

    def __init__(self, retries: Retries, **asked: str | bool | Sequence[str] | None) -> None:
        self._retries, self._pause, self._failures = retries, _PAUSE, 0
        self._params = {name: value for name, value in asked.items() if value is not None}
        self._place: str | None = None

    def request(self) -> dict[str, Any]:
        """The request that opens the next stream, behind the last event that was read."""
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if self._place:
            headers["Last-Event-ID"] = self._place
        asked = {"method": "get", "url": "/v1/events/stream", "params": self._params, "headers": headers}
        return asked | {"timeout": _TIMEOUT}

    def take(self, message: ServerSentEvent) -> FeedEvent | None:
        """The event that a message brings; None for one that says how far the feed has come, or that it is alive."""
        self._failures, self._place = 0, message.id or self._place
        if message.retry is not None:
            self._pause = message.retry / 1000
        return FeedEvent.from_dict({**message.json(), "cursor": message.id}) if message.data else None

    def wait(self, outcome: Outcome) -> float:
        """Seconds to wait before the next stream; raises when there is to be none, as other operations do."""
        if isinstance(outcome, httpx.Response) and outcome.is_success:
            return self._pause
        self._failures += 1
        wait = self._retries.wait(self._failures, outcome, repeatable=True)
        if wait is None:
            successful(outcome)
            raise AssertionError  # what is successful is not waited for here
        _log.info("the stream of events is opened again in %.1f s: %r", wait, outcome)
        return wait
