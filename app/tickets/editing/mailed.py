"""Which of the tickets under change have new events that their customers are told of by e-mail. Pure."""

from collections.abc import Sequence

from app.notices.content.telling import REQUESTER, URGENT, is_own, may_be_told
from app.sla.deadlines import Row
from app.tickets.editing.edit import TicketEdit


def mailings(edits: Sequence[TicketEdit], events: Sequence[Row]) -> list[Row]:
    """What is to gather for mails, one row for a ticket (``app/notices/outbox/mailings.py``: ``gathering``).

    ``app/mail`` makes the mails, and decides to whom each event is told.

    Nobody is told of a sandbox's ticket, nor of one whose requester's address nobody has confirmed. What the requester
    themselves have done is told to nobody else, unless somebody follows the ticket.
    """
    edit_of = {edit.ticket.id: edit for edit in edits if _has_readers(edit)}
    first: dict[str, Row] = {}
    urgent: set[str] = set()
    for event in events:
        edit = edit_of.get(event["ticket_id"])
        if edit is None or not may_be_told(event, edit.document.mails) or _is_requesters(edit, event):
            continue
        first.setdefault(edit.ticket.id, event)
        if event["type"] in URGENT:
            urgent.add(edit.ticket.id)
    return [
        {
            "account_id": event["account_id"],
            "ticket_id": ticket_id,
            "since": event["sequence"],
            "urgent": ticket_id in urgent,
        }
        for ticket_id, event in first.items()
    ]


def _has_readers(edit: TicketEdit) -> bool:
    ticket = edit.ticket
    return not ticket.sandbox and bool(ticket.watchers or not ticket.address_unconfirmed)


def _is_requesters(edit: TicketEdit, event: Row) -> bool:
    """Whether it is the requester's doing, and they alone would be told."""
    actor, requester = event["actor"], edit.ticket.requester
    if edit.ticket.watchers:
        return False
    if str(actor.get("id", "")).startswith("per_"):
        return bool(actor.get("name") == requester["name"])
    return is_own(event, {**requester, "role": REQUESTER}, edit.ticket.account_id)
