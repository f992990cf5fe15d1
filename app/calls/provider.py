"""Who makes the link of a call: one Protocol for every provider that is not the customer itself."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class CallRequest:
    """What a provider is told: enough to make a room, nothing that a room's name could betray."""

    call_id: str
    account_id: str
    ticket_id: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link that somebody can join at once."""

    provider: str
    join_url: str


class CallFailed(Exception):
    """The provider could not make a link; its sentence is shown to support and customer."""


class Provider(Protocol):
    """One way to get a link. ``create`` may take its time: it is never called inside a transaction."""

    @property
    def name(self) -> str:
        """What plans and accounts call it."""
        ...

    async def create(self, request: CallRequest) -> Link:
        """Make the link. Raises ``CallFailed``."""
        ...
