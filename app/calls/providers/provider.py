"""Who makes the link of a call: one Protocol for every provider that is not the customer itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from app.events.failures import FailureCode, in_words


@dataclass(frozen=True, slots=True)
class CallRequest:
    """What a provider is told: enough to make a room, nothing that a room's name could betray."""

    call_id: str
    account_id: str
    ticket_id: str


@dataclass(frozen=True, slots=True)
class Room:
    """What a provider knows a room by: its own name of it, and the user who made it."""

    name: str
    host: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link that somebody can join at once; ``room`` where the provider can be asked about it later."""

    provider: str
    join_url: str
    room: Room | None = None


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody who is or was in a room: ``signed_in`` with the provider, so that the name is not just typed in."""

    name: str
    signed_in: bool


class CallFailed(Exception):
    """The provider could not do it; ``code`` and ``status`` say why, to support and customer.

    ``retry_after``: seconds that the provider asks to wait. ``lost``: no answer, so that a room may have been made all
    the same, in the name of ``host``.
    """

    def __init__(
        self,
        code: FailureCode,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        lost: bool = False,
        host: str | None = None,
    ) -> None:
        super().__init__(in_words(code, status))
        self.code, self.status = code, status
        self.retry_after, self.lost, self.host = retry_after, lost, host


class Provider(Protocol):
    """One way to get a link. ``create`` may take seconds: it is never called inside a transaction."""

    @property
    def name(self) -> str:
        """What plans and accounts call it."""
        ...

    async def create(self, request: CallRequest) -> Link:
        """Make the link. Raises ``CallFailed``, and nothing else."""
        ...


@runtime_checkable
class Rooms(Protocol):
    """What a provider can do besides, whose rooms exist before and after somebody is in them."""

    async def participants(self, room: Room) -> Sequence[Participant]:
        """Everybody who has been in the room. Raises ``CallFailed``."""
        ...

    async def end(self, room: Room) -> None:
        """Send everybody home; nothing where nobody is. Raises ``CallFailed``."""
        ...
