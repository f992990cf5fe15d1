"""The re-assessment of a ticket's priority: of an urgent one outside production (G9), of an alert's, or on request.

The clocks run on meanwhile: it is a question to the customer, and a decision of support's.
"""

from typing import Final

from app.core.auth import Actor
from app.core.problems import Conflict
from app.core.text.messages import _
from app.events import types
from app.plans.document.priorities import label_of
from app.sla.clock.cycles import ENDED_STATUSES
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.messages import add_message
from app.tickets.editing.service_messages import AUTHOR, language_of
from app.tickets.rules import follows_matrix, status_name
from app.tickets.schemas import NewMessage
from app.tickets.texts import REVIEW_QUESTIONS

ASSESSMENT: Final = "assessment"
ENGINEER: Final = "engineer"
"""Why a review is due that an engineer requested: until support decides, whatever the ticket says."""


def reason(edit: TicketEdit) -> str | None:
    """Why the priority needs a review.

    The plan asks for one; an alert set the top priority, and nobody said why; or impact and urgency have changed, and
    the priority did not follow the matrix (Z1).
    """
    ticket, document = edit.ticket, edit.document
    urgent = ticket.priority in document.review_non_production
    if urgent and ticket.environment == "non_production" and ticket.impact != "large":
        return "non_production"
    if ticket.channel == "hook" and ticket.priority == document.top and not ticket.business_impact:
        return "automation"
    unfollowed = follows_matrix(ticket.priority_source, ticket.priority, ticket.matrix_priority)
    return ASSESSMENT if unfollowed and ticket.status not in ENDED_STATUSES else None


def request_if_due(edit: TicketEdit, *, decided: bool = False) -> None:
    """Flag the ticket and ask its customer, once; a flag that has lost its reason is taken back.

    ``decided``: its priority has just been set, so what an engineer asked is answered.
    """
    due = reason(edit)
    asked = edit.ticket.review_requested and edit.ticket.review_reason == ENGINEER
    if (due is not None) == edit.ticket.review_requested or (asked and not decided):
        return
    if due is None:
        _take_back(edit, AUTHOR)
        return
    _put_up(edit, due, AUTHOR)
    _ask(edit, due)


def request(edit: TicketEdit, actor: Actor, message: str | None) -> None:
    """Support puts the priority up for review and asks the customer, in words of its own or in ours.

    One that is under review already stays so until support decides. 409 for a ticket that is resolved or closed.
    """
    if edit.ticket.status in ENDED_STATUSES:
        raise Conflict(
            _("The priority of a ticket that is {status} cannot change", status=status_name(edit.ticket.status))
        )
    asked = edit.ticket.review_requested
    _put_up(edit, ENGINEER, actor)
    if message is not None:
        add_message(edit, actor, actor.document(), NewMessage(body=message))
    if message is not None or asked:
        return
    _ask(edit, ENGINEER)


def confirm(edit: TicketEdit, actor: Actor) -> None:
    """Support has looked: the priority stays as it is, whatever the matrix says. 409 when nothing was asked."""
    if not edit.ticket.review_requested:
        raise Conflict(_("No review of this ticket's priority was requested"))
    if edit.ticket.review_reason == ASSESSMENT:
        edit.ticket.priority_source = "override"
    _take_back(edit, actor)


def _put_up(edit: TicketEdit, due: str, actor: Actor) -> None:
    edit.ticket.review_requested, edit.ticket.review_reason = True, due
    edit.tell(types.TicketReviewRequested(priority=edit.ticket.priority, reason=due), actor)


def _ask(edit: TicketEdit, due: str) -> None:
    """The customer reads what priorities are called, and not their keys."""
    language, ticket = language_of(edit), edit.ticket
    facts = {"priority": label_of(edit.document, ticket.priority, language)}
    facts |= {"matrix": label_of(edit.document, ticket.matrix_priority, language)} if ticket.matrix_priority else {}
    question = REVIEW_QUESTIONS[due].to(language, **facts)
    add_message(edit, AUTHOR, AUTHOR.document(), NewMessage(body=question))


def _take_back(edit: TicketEdit, actor: Actor) -> None:
    edit.ticket.review_requested, edit.ticket.review_reason = False, None
    edit.tell(types.TicketUpdated(fields={"review_requested": False}), actor)
