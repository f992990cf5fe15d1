"""How the embedded PostgreSQL is: known to all processes that serve, and written by the one that keeps it."""

from enum import IntEnum
from multiprocessing import get_context


class Condition(IntEnum):
    """How the server is."""

    RUNNING = 0
    STARTING = 1
    LOST = 2


class Watched:
    """How the embedded server is, for all processes that serve: one of them looks after it and writes this."""

    def __init__(self) -> None:
        self._value = get_context("spawn").RawValue("i", Condition.RUNNING)  # a worker inherits it

    @property
    def condition(self) -> Condition:
        """As of now."""
        return Condition(self._value.value)

    def become(self, condition: Condition) -> None:
        """Tell all processes how the server is."""
        self._value.value = condition

    @property
    def check(self) -> str:
        """The same in the words of ``/readyz``."""
        return {
            Condition.RUNNING: "ok",
            Condition.STARTING: "has ended and is started again",
            Condition.LOST: "has ended and cannot be started again",
        }[self.condition]
