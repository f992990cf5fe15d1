"""A program as a user writes it: its types are checked strictly too."""

from collections.abc import Mapping
from typing import assert_type

from heliodesk_client import Heliodesk, Webhook, items, problems
from heliodesk_client.events import DeadlineMissedEvent
from heliodesk_client.models import NewTicket, Requester


def new_ticket(title: str = "Checkout is down") -> NewTicket:
    """What has to be said of a new ticket, and nothing else."""
    requester = Requester(name="Ana Ruiz", email="ana@example.com")
    return NewTicket(title=title, description="Every payment fails.", channel="web", requester=requester)


def life_of_a_ticket(desk: Heliodesk) -> tuple[str, list[str]]:
    """Open a ticket: its title and the types of its events."""
    ticket = desk.tickets.create_ticket(body=new_ticket())
    title: str = desk.tickets.get_ticket(ticket.id).title
    return title, [event.type_ for event in items(desk.tickets.list_ticket_events, ticket.id)]


def slow_metric(webhook: Webhook, body: bytes, headers: Mapping[str, str]) -> str | None:
    """The metric of a missed deadline."""
    event = webhook.event(body, headers)
    return event.data.metric if isinstance(event, DeadlineMissedEvent) else None


def number_of(desk: Heliodesk, ticket_id: str) -> str | None:
    """The number of a ticket, if there is such a ticket."""
    try:
        return assert_type(desk.with_options(timeout=2).tickets.get_ticket(ticket_id).number, str)
    except problems.NotFound as error:
        return error.request_id
