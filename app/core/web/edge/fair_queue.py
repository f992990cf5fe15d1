"""What strangers send is let in a little in each turn of the event loop, and one network after the other."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from app.core.limits.addresses import counted_network

_AT_ONCE: Final = 2
"""Pieces in one turn of the loop: each may be a request, which takes up to half a millisecond until it is refused."""


class FairQueue:
    """Where very many strangers send something at the same instant, others come in between.

    The event loop would handle all that has come before it looks again at who else has something to say. So what comes
    on connections that nobody known has used waits here if it is much; a network with much of it delays another one's
    by one piece each time.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Callable[[], None]]] = {}
        self._passed = 0

    def admits(self, host: str, go: Callable[[], None]) -> bool:
        """Whether what came from ``host`` may go at once; else ``go`` is called when it may."""
        if not self._waiting and self._passed < _AT_ONCE:
            self._count()
            return True
        self._waiting.setdefault(counted_network(host), deque()).append(go)
        return False

    def _count(self) -> None:
        if not self._passed:
            asyncio.get_running_loop().call_soon(self._turn)
        self._passed += 1

    def _turn(self) -> None:
        self._passed = 0
        while self._waiting and self._passed < _AT_ONCE:
            self._count()
            self._next()()

    def _next(self) -> Callable[[], None]:
        network = next(iter(self._waiting))
        queue = self._waiting.pop(network)
        go = queue.popleft()
        if queue:
            self._waiting[network] = queue
        return go
