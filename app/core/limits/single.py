"""What a process does for one caller at a time."""

from app.core.problems import TooManyRequests
from app.core.text.messages import Message

_RETRY_SECONDS = 30


class Single:
    """A place that one caller at a time has."""

    def __init__(self) -> None:
        self._taken = False

    def take(self, busy: Message) -> None:
        """Have the place until ``leave``; 429 with this sentence while somebody else has it."""
        if self._taken:
            raise TooManyRequests(busy, headers={"Retry-After": str(_RETRY_SECONDS)})
        self._taken = True

    def leave(self) -> None:
        """Make room for the next one."""
        self._taken = False
