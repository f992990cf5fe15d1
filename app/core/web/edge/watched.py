"""A connection, as the guard of all of them sees it. Pure."""

from dataclasses import dataclass
from enum import IntEnum, auto
from typing import Protocol


class Use(IntEnum):
    """What a connection is open for; what comes first is what others are served for at its cost."""

    NOTHING = auto()
    SENDING = auto()
    """a request that is not complete"""
    STRANGER = auto()
    """an answer to somebody who has shown no valid key"""
    ANSWER = auto()
    """an answer to somebody else"""


class Watched(Protocol):
    """A connection, as the guard sees it."""

    @property
    def host(self) -> str:
        """The address at its other end."""

    @property
    def use(self) -> Use:
        """What it is open for."""

    def shed(self) -> None:
        """Refuse the request whose body is being received."""

    def lag(self, now: float) -> "Lag | None":
        """What its client has not taken yet, if it has been slow to for a while."""

    def check(self, now: float) -> None:
        """End it, or what it waits for, when that has taken too long."""

    def drop(self, reason: str) -> None:
        """End it at once, with all that was not sent."""


@dataclass(frozen=True, slots=True)
class Lag:
    """Since when a client has had so many bytes waiting for it."""

    since: float
    size: int
