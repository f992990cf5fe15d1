"""Sending the head of an answer in one piece with its body."""

import asyncio
from typing import Any


class JoiningTransport:
    """A connection's transport that holds a piece back until the next one comes, or until its turn of the loop ends.

    Each write is a call of the system that wakes the client, and costs about as much as an eighth of a short read.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._holds, self._held = False, b""

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
        self._transport.write(data)
