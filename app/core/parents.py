"""Processes that do not outlive the one that started them, however that ends."""

import ctypes
import os
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None)


def die_with(parent: int, number: int) -> None:
    """For a new child to call: let it get signal ``number`` when process ``parent`` dies (Linux; elsewhere nothing).

    It is the parent's thread that counts, so children that call this are started from the main thread.
    """
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # it died before we asked to be told
            os.kill(os.getpid(), number)


def end_with_parent() -> None:
    """Let this process stop in order when the process that started it dies."""
    die_with(os.getppid(), signal.SIGTERM)
