"""When a provider is asked again, and for how long a room is watched: policies as values. Pure."""

from datetime import timedelta
from typing import Final

DELAYS: Final = (timedelta(seconds=2), timedelta(seconds=4), timedelta(seconds=9), timedelta(seconds=15))
"""The waits after each failure of a provider: where all come at once, it is asked after 0, 2, 6, 15 and 30 seconds."""

WINDOW: Final = timedelta(minutes=1)
"""How long one provider is asked, since it was first asked. Then the next one is."""

POLL: Final = timedelta(seconds=10)
"""Between two polls of who is in a room, while the customer is expected."""
LATE_POLL: Final = timedelta(minutes=1)
"""The same when it is late."""
LATE: Final = timedelta(hours=1)
"""For how long after ``join_by`` a late customer is still looked for."""
ENDING: Final = timedelta(minutes=1)
"""For how long a provider is asked to end a room."""


def retry_in(attempts: int, asked_for: timedelta, retry_after: float | None = None) -> timedelta | None:
    """The wait before a provider is asked again; None: it has failed, and the next one is to be asked.

    ``attempts`` of its attempts have failed; it was first asked ``asked_for`` ago. ``retry_after`` (seconds) is what
    it asks for itself: honoured within the window, and never less than the schedule's own wait.
    """
    if attempts > len(DELAYS):
        return None
    wait = max(DELAYS[attempts - 1], timedelta(seconds=min(retry_after or 0.0, WINDOW.total_seconds())))
    return wait if asked_for + wait < WINDOW else None


def poll_in(late_by: timedelta) -> timedelta | None:
    """The wait before a room is polled again, ``late_by`` after ``join_by`` (negative before); None: no more."""
    if late_by <= timedelta(0):
        return POLL
    return LATE_POLL if late_by < LATE else None


def end_in(ended_for: timedelta) -> timedelta | None:
    """The wait before a provider that failed to end a room is asked again; None: no more, the room empties itself."""
    return POLL if ended_for < ENDING else None
