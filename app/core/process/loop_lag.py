"""How late the event loop is: what one callback takes, all others wait."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import Histogram

_EVERY: Final = 0.1


class _Sampler:
    """Wants to be called every tenth of a second, and observes how late it was."""

    def __init__(self, lags: Histogram) -> None:
        self._observe, self._loop = lags.observe, asyncio.get_running_loop()
        self._wait()

    def _wait(self) -> None:
        self._due = self._loop.time() + _EVERY
        self._timer = self._loop.call_at(self._due, self._sample)

    def _sample(self) -> None:
        self._observe(max(self._loop.time() - self._due, 0.0))
        self._wait()

    def stop(self) -> None:
        self._timer.cancel()


@contextmanager
def sampled(lags: Histogram) -> Iterator[None]:
    """Observe the lag of the running loop, in seconds, for as long as the block runs."""
    sampler = _Sampler(lags)
    try:
        yield
    finally:
        sampler.stop()
