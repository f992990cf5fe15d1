"""How long the event loop is held: the processor time of its callbacks, whatever else the machine does."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from time import thread_time
from typing import Any


class Turns:
    """The longest callback of the event loop since the last ``forget``, in seconds of a processor."""

    longest = 0.0

    def forget(self) -> None:
        """Begin anew."""
        self.longest = 0.0

    @contextmanager
    def watched(self) -> Iterator["Turns"]:
        """Watch all callbacks meanwhile."""
        handles: Any = asyncio.events.Handle  # its method is no part of asyncio's interface
        run = handles._run

        def timed(handle: asyncio.events.Handle) -> None:
            began = thread_time()
            run(handle)
            self.longest = max(self.longest, thread_time() - began)

        handles._run = timed
        try:
            yield self
        finally:
            handles._run = run
