"""What stands between a connection and its transport."""

import asyncio
from typing import Any, Protocol


class _Receiving(Protocol):
    """A connection."""

    @property
    def is_ahead_of_body(self) -> bool:
        """Whether the answer to the request whose body still comes is complete."""

    def end(self) -> None:
        """Take no further request; what still comes is thrown away, and the connection closed soon."""


class GentleTransport:
    """A transport that, closed while a body still comes, reads on a while: else its sender may miss the answer."""

    __slots__ = ("_connection", "_transport", "is_closing", "write")

    def __init__(self, connection: _Receiving, transport: Any) -> None:
        self._connection, self._transport = connection, transport
        self.write, self.is_closing = transport.write, transport.is_closing

    def close(self) -> None:
        """Close it, at once or after the answer was seen."""
        if self._connection.is_ahead_of_body:
            self._connection.end()
        else:
            self._transport.close()


class JoiningTransport:
    """A connection's transport that holds a piece back until the next one comes, or until its turn of the loop ends.

    Each write is a call of the system that wakes the client, and costs about as much as an eighth of a short read.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._holds, self._held = False, b""
        self.written = 0.0
        """when something was sent last, by the loop's clock"""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def hold_next(self) -> None:
        """Hold back what is written next."""
        self._holds = True

    def write(self, data: bytes) -> None:
        """Send this behind what is held, or hold it."""
        if self._holds and not self._held:
            self._held = data
            self._loop.call_soon(self._release)
        else:
            self._send(self._held + data)

    def write_eof(self) -> None:
        """Send what is held, and say that no more comes."""
        self._release()
        self._transport.write_eof()

    def close(self) -> None:
        """Send what is held, and close."""
        self._release()
        self._transport.close()

    def _release(self) -> None:
        if self._held:
            self._send(self._held)

    def _send(self, data: bytes) -> None:
        self._holds, self._held = False, b""
        self.written = self._loop.time()
        self._transport.write(data)
