"""Messages of a ticket: their authors, what they tell the clock, and how often customer and engineer take turns."""

from dataclasses import replace
from typing import Any

from app.core.auth import SERVICE, Actor, Principal
from app.core.ids import new_id
from app.core.problems import Conflict, Fault, Forbidden, Invalid
from app.core.text.messages import Message as Text
from app.core.text.messages import _
from app.events import types
from app.files.rules import facts
from app.sla.clock.changes import Message
from app.tickets.editing.clock import change_clock
from app.tickets.editing.edit import TicketEdit
from app.tickets.schemas import Author, NewMessage


def message_author(principal: Principal, actor: Actor, author: Author | None) -> dict[str, str]:
    """The author of a message: by the key, unless a customer or an automation is stated (C07).

    An engineer writes only with a key of their own, so nobody else can answer in an engineer's name. An account's key
    states its own automation: an out-of-office reply that a mail gateway passes on is not the customer's own words.
    """
    if author is None:
        return actor.document()
    stated = author.model_dump(exclude_none=True)
    if author.kind == "engineer":
        if actor.kind != "engineer" or author.engineer_id not in (None, actor.id):
            raise Forbidden(_("An engineer has to write with their own key"))
        return replace(actor, name=author.name, display_name=None).document() if author.name else actor.document()
    if author.engineer_id:
        raise Invalid(errors=[Fault(pointer="/author/engineer_id", detail=_("Only an engineer has an engineer_id"))])
    if principal.is_support:
        return stated
    if author.kind == "automation":
        name = author.name or principal.name
        return replace(principal.automation, name=name, display_name=name).document() | stated
    return actor.document() | stated


def add_message(
    edit: TicketEdit,
    actor: Actor,
    author: dict[str, str],
    command: NewMessage,
    attachments: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Add a message to the ticket and tell its clock. 409 on a closed ticket: it never reopens."""
    if edit.ticket.status == "closed":
        raise closed_conflict(edit, _("A closed ticket accepts no messages"))
    message: dict[str, Any] = {
        "account_id": edit.ticket.account_id,
        "id": new_id("msg"),
        "ticket_id": edit.ticket.id,
        "author": author,
        "visibility": command.visibility,
        "channel": command.channel,
        "body": command.body,
        "created_at": edit.now,
        "attachments": attachments or None,
    }
    posted = types.MessagePosted(
        message_id=message["id"],
        author=author,
        visibility=command.visibility,
        channel=command.channel,
        body=command.body,
        attachments=facts(attachments),
    )
    edit.messages.append(message | {"sequence": edit.tell(posted, actor)})
    if author.get("unconfirmed"):
        _leave_to_support(edit, message["id"])
        return message
    if command.visibility == "public":
        _count_turn(edit, author["kind"])
    change_clock(edit, Message(edit.now, author["kind"], command.visibility == "public"), actor)  # type: ignore[arg-type]  # one of Author's kinds
    return message


def _leave_to_support(edit: TicketEdit, message_id: str) -> None:
    """Tell the engineer, or who stands in for one: what nobody vouches for has no turn, and its clock is not told."""
    engineer_id = edit.ticket.assignee_id
    told = {} if engineer_id else edit.notifying("manager")
    edit.tell(types.MessageUnconfirmed(message_id=message_id, engineer_id=engineer_id, **told), SERVICE)


def _count_turn(edit: TicketEdit, kind: str) -> None:
    """Count the turns between customer and engineer; at the plan's number an escalation is suggested, once (G5)."""
    ticket, rules = edit.ticket, edit.document.escalation
    if kind not in ("customer", "engineer") or kind == ticket.spoke:
        return
    ticket.spoke, ticket.turns = kind, ticket.turns + 1
    if rules and ticket.turns == rules.exchanges and "too_many_exchanges" in rules.reasons:
        edit.tell(types.EscalationSuggested(reason="too_many_exchanges", turns=ticket.turns), SERVICE)


def closed_conflict(edit: TicketEdit, detail: Text) -> Conflict:
    """The 409 of a closed ticket, with what to do instead."""
    if edit.ticket.merged_into:
        return Conflict(detail, hint=_("The ticket goes on in {merged_into}", merged_into=edit.ticket.merged_into))
    return Conflict(detail, hint=_("Open a new ticket with follow_up_of: {id}", id=edit.ticket.id))
