"""Where the command ``heliodesk`` begins.

Imports make hundreds of thousands of objects that all stay. The collector, which would look through them time and
again, is off until they are made: that takes a fifth off a start. It never looks at them afterwards: a full collection
would hold up the event loop.
"""

import gc

gc.disable()

from app.cli.main import main  # noqa: E402  what is above has to come before it


def run() -> None:
    """Run the command."""
    gc.freeze()
    gc.enable()
    main()
