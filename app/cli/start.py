"""Where the command ``heliodesk`` begins.

Imports make hundreds of thousands of objects that all stay. The collector, which would look through them a hundred times
over, is off until they are made (a fifth of the time that a start takes), and never looks at them afterwards: a full
collection would hold up the event loop for as long as it does.
"""

import gc

gc.disable()

from app.cli.main import main  # noqa: E402  what is above has to come before it


def run() -> None:
    """Run the command."""
    gc.freeze()
    gc.enable()
    main()
