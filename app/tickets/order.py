"""In which order events of several tickets are told: instant, metric order, ticket."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from heapq import merge
from typing import Final, NamedTuple

from app.events.event import Event
from app.events.types import DeadlineWarning
from app.sla.clock.terms import METRIC_ORDER
from app.tickets.record import TicketRecord

_LAST: Final = len(METRIC_ORDER)


class Place(NamedTuple):
    """Where an event stands among those of other tickets."""

    at: datetime
    past: bool
    """after the warnings of that instant (C06)"""
    metric: int
    """the metric's order; what has none, such as the automatic close, comes after all"""


class Told(NamedTuple):
    """A ticket's new event with its number. Those of several tickets sort as they happened."""

    place: Place
    ticket_id: str
    sequence: int
    event: Event
    ticket: TicketRecord


def in_order(tickets: Iterable[tuple[TicketRecord, Sequence[Event]]]) -> Iterator[Told]:
    """The new events of tickets as they happened; those of one ticket stay in the order in which they were told.

    One after the other: there may be thousands, and whoever goes through them can pause in between.
    """
    return merge(*(_numbered(ticket, events) for ticket, events in tickets))


def _numbered(ticket: TicketRecord, events: Sequence[Event]) -> Iterator[Told]:
    reached: Place | None = None
    for sequence, event in enumerate(events, start=ticket.sequence + 1):
        reached = _place(event, reached)
        yield Told(reached, ticket.id, sequence, event, ticket)


def _place(event: Event, before: Place | None) -> Place:
    """What follows from something stands where that does at least, so that no effect comes before its cause."""
    past = not isinstance(event.data, DeadlineWarning)
    metric = vars(event.data).get("metric")  # asking a model for what it does not have takes it long
    if metric is None and before and before[:2] == (event.at, past):
        return before
    place = Place(event.at, past, METRIC_ORDER.get(metric, _LAST) if metric else _LAST)
    return max(before, place) if before else place
