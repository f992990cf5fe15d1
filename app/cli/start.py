"""Where the command ``heliodesk`` begins.

Imports make hundreds of thousands of objects that all stay. The collector, which would look through them time and
again, is off until they are made: that takes a fifth off a start. It never looks at them afterwards: a full collection
would hold up the event loop.

Imports take a second, in which a Ctrl-C ends the process at once: nothing has begun.
"""

import gc
import os
import signal
from typing import Any

gc.disable()


def _leave(*_: Any) -> None:
    os._exit(130)


_heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # a shell's & lets it be ignored
if _heard:
    signal.signal(signal.SIGINT, _leave)

from app.cli.main import main  # noqa: E402  what is above has to come before it

if _heard:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def run() -> None:
    """Run the command."""
    gc.freeze()
    gc.enable()
    main()
