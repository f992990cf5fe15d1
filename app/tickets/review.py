"""The re-assessment of an urgent ticket that neither touches production nor has a large impact (G9).

The clocks run on meanwhile: it is a question to the customer, and a decision of support's.
"""

from typing import Final

from app.core.auth import Actor
from app.core.language import choose_language
from app.core.problems import Conflict
from app.events import types
from app.tickets.messages import add_message
from app.tickets.schemas import PostMessage
from app.tickets.texts import REVIEW_QUESTION
from app.tickets.work import Work

_ASKING: Final = Actor("automation", name="Heliodesk")


def is_due(work: Work) -> bool:
    """Whether the plan wants a ticket like this to be looked at again."""
    ticket = work.ticket
    urgent = ticket.priority in work.document.review_non_production
    return urgent and ticket.environment == "non_production" and ticket.impact != "large"


def request_if_due(work: Work) -> None:
    """Flag the ticket and ask its customer, once; a flag that has lost its reason is taken back."""
    due = is_due(work)
    if due == work.ticket.review_requested:
        return
    work.ticket.review_requested = due
    if not due:
        work.tell(types.TicketUpdated(fields={"review_requested": False}), _ASKING)
        return
    work.tell(types.TicketReviewRequested(priority=work.ticket.priority, reason="non_production"), _ASKING)
    language = choose_language(work.ticket.requester.get("locale") or work.locale)
    question = REVIEW_QUESTION[language].format(priority=work.ticket.priority)
    add_message(work, _ASKING, _ASKING.document(), PostMessage(body=question))


def confirm(work: Work, actor: Actor) -> None:
    """Support has looked: the priority stays as it is. 409 when nothing was asked."""
    if not work.ticket.review_requested:
        raise Conflict("No review of this ticket's priority is asked for")
    work.ticket.review_requested = False
    work.tell(types.TicketUpdated(fields={"review_requested": False}), actor)
