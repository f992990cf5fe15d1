"""How a client takes what waits to be sent to it."""

from typing import Any, Final

from app.core.web.edge.watched import Lag

_TAKEN: Final = 2**16
"""Bytes of a long answer that a client takes at least in the time that it has."""
_SLOW: Final = 0.5


class SlowReader:
    """Notes since when more has waited for a client than is sent at once."""

    def __init__(self, transport: Any, timeout: float) -> None:
        self._transport, self._timeout = transport, timeout
        self._lag: Lag | None = None

    def begin(self, now: float) -> None:
        """More waits than is sent at once."""
        self._lag = Lag(now, self._transport.get_write_buffer_size())

    def end(self) -> None:
        """The client has taken most of it."""
        self._lag = None

    def lag(self, now: float) -> Lag | None:
        """What the client has not taken yet, if it has been slow to for a while."""
        if self._lag is None or now - self._lag.since < _SLOW:
            return None
        return Lag(self._lag.since, self._transport.get_write_buffer_size())

    def is_too_slow(self, now: float) -> bool:
        """Whether the client takes less than it has to of an answer, or not the rest of what is to be closed."""
        unsent = self._transport.get_write_buffer_size()
        if self._transport.is_closing() and unsent and self._lag is None:
            self._lag = Lag(now, unsent)
        if self._lag is None or now - self._lag.since <= self._timeout:
            return False
        enough = unsent <= self._lag.size - _TAKEN
        self._lag = Lag(now, unsent)
        return not enough
