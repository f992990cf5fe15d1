"""The re-assessment of a ticket's priority: of an urgent one outside production (G9), of an alert's, or on request.

The clocks run on meanwhile: it is a question to the customer, and a decision of support's. Pure.
"""

from datetime import datetime
from typing import Final

from app.core.auth import Actor
from app.core.problems import Conflict
from app.core.text.messages import _
from app.events import types
from app.plans.document.priorities import label_of
from app.sla.clock.cycles import ENDED_STATUSES
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.service_messages import AUTHOR, language_of, write
from app.tickets.rules import follows_matrix
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


def request_if_due(edit: TicketEdit, at: datetime | None = None, *, decided: bool = False) -> None:
    """Flag the ticket and ask its customer, once; a flag that has lost its reason is taken back.

    ``at``: an instant other than the present one. ``decided``: its priority has just been set, so what an engineer
    asked is answered.
    """
    at, due = at or edit.now, reason(edit)
    asked = edit.ticket.review_requested and edit.ticket.review_reason == ENGINEER
    if (due is not None) == edit.ticket.review_requested or (asked and not decided):
        return
    if due is None:
        _take_back(edit, AUTHOR, at)
        return
    put_up(edit, due, AUTHOR, at)
    ask(edit, due, at)


def confirm(edit: TicketEdit, actor: Actor) -> None:
    """Support has looked: the priority stays as it is, whatever the matrix says. 409 when nothing was asked."""
    if not edit.ticket.review_requested:
        raise Conflict(_("No review of this ticket's priority was requested"))
    if edit.ticket.review_reason == ASSESSMENT:
        edit.ticket.priority_source = "override"
    _take_back(edit, actor, edit.now)


def put_up(edit: TicketEdit, due: str, actor: Actor, at: datetime) -> None:
    """Flag the ticket: its priority is to be reviewed for the reason ``due``."""
    edit.ticket.review_requested, edit.ticket.review_reason = True, due
    edit.tell(types.TicketReviewRequested(priority=edit.ticket.priority, reason=due), actor, at)


def ask(edit: TicketEdit, due: str, at: datetime) -> None:
    """Ask the customer, who reads what priorities are called, and not their keys."""
    language, ticket = language_of(edit), edit.ticket
    facts = {"priority": label_of(edit.document, ticket.priority, language)}
    facts |= {"matrix": label_of(edit.document, ticket.matrix_priority, language)} if ticket.matrix_priority else {}
    write(edit, REVIEW_QUESTIONS[due], at, **facts)


def _take_back(edit: TicketEdit, actor: Actor, at: datetime) -> None:
    edit.ticket.review_requested, edit.ticket.review_reason = False, None
    edit.tell(types.TicketUpdated(fields={"review_requested": False}), actor, at)
