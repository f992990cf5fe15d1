"""A program as a user writes it: its types are checked strictly too."""

from heliodesk_client import Heliodesk, items
from heliodesk_client.models import NewTicket, Requester


def new_ticket(title: str = "Checkout is down") -> NewTicket:
    """What has to be said of a new ticket, and nothing else."""
    requester = Requester(name="Ana Ruiz", email="ana@example.com")
    return NewTicket(title=title, description="Every payment fails.", channel="web", requester=requester)


def follow(desk: Heliodesk) -> tuple[str, list[str]]:
    """Open a ticket: its title and the types of its events."""
    ticket = desk.tickets.create_ticket(body=new_ticket())
    title: str = desk.tickets.get_ticket(ticket.id).title
    return title, [event.type_ for event in items(desk.tickets.list_ticket_events, ticket.id)]
