"""The clock explains itself, and tells what would be, over HTTP."""

from typing import Annotated, Final

from fastapi import Body, Path, Request, Response
from pydantic import StringConstraints

from app.core.db.session import snapshot
from app.core.problems import NotFound, TooManyRequests
from app.core.schemas import id_pattern
from app.core.state import State, StateDep
from app.core.web.deps import LanguageDep, PrincipalDep
from app.core.web.http import Router, reply, responses
from app.core.workers.offload import owner_of
from app.events.types import INTERNAL_METRICS
from app.previews import cost, heavy
from app.previews import examples as preview_examples
from app.previews.answers import previewed
from app.previews.explanations import explain_deadline
from app.previews.plans import stored_plan
from app.previews.schemas import DeadlineExplained, PreviewInput, PreviewView
from app.previews.terms import StoredPlan, document_of, known_terms, plan_for
from app.tickets.api import examples
from app.tickets.api.kit import TicketPath

router = Router(tags=["Explanations"])

DeadlinePath = Annotated[
    str, StringConstraints(pattern=id_pattern("ddl")), Path(description="The deadline's id, as the ticket shows it")
]
_NOTHING_HIDDEN: Final[frozenset[str]] = frozenset()


@router.get(
    "/v1/tickets/{ticket_id}/deadlines/{deadline_id}/explain",
    scope="tickets:read",
    response_model=DeadlineExplained,
    summary="Explain a deadline",
    responses=responses(NotFound) | examples.shown(preview_examples.EXPLAINED),
)
async def explain_ticket_deadline(
    state: StateDep, principal: PrincipalDep, language: LanguageDep, ticket_id: TicketPath, deadline_id: DeadlinePath
) -> Response:
    """Why a deadline is due when it is: its countdowns, its time in segments that add up, and what moved it.

    What has ended, or was missed, is explained by the plan version that was in force then. The text is in the
    language of `Accept-Language`; its times are local to the ticket.
    """
    async with snapshot(state.sessions) as session:
        document = await explain_deadline(session, principal, ticket_id, deadline_id, language)
    return reply(document)


@router.post(
    "/v1/sla/preview",
    scope="previews:read",
    response_model=PreviewView,
    summary="Preview a ticket's deadlines",
    responses=responses(TooManyRequests) | examples.shown(preview_examples.PREVIEWED),
)
async def preview_sla(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    language: LanguageDep,
    command: Annotated[PreviewInput, Body(examples=[preview_examples.PREVIEW])],
) -> Response:
    """What a plan would make of a ticket, by the code of the live clock; nothing is stored.

    The answer has every deadline as of `until`, with what misses do (a higher priority, the next tier), and explains
    each. `plan` is a key, or a whole plan document. 422 names the change that a live ticket would not take, and the
    instant up to which there would be more than 2,000 deadlines. What takes long to compute waits for its turn: 429
    when too many of an account's wait, 503 when too many wait in all, or when it takes too long.
    """
    plan = await stored_plan(state, command)
    hidden = _NOTHING_HIDDEN if principal.is_support else INTERNAL_METRICS
    if plan and _is_light(state, command, plan):
        return reply(previewed(command, plan_for(state.previews, command, plan), hidden, language))
    body = await request.body()
    answer = await state.offload.run(owner_of(principal), heavy.answer, body, plan, hidden, language)
    return Response(answer, media_type="application/json")


def _is_light(state: State, command: PreviewInput, plan: StoredPlan) -> bool:
    """Whether it costs less here than the way to another process is worth; told before anything is computed."""
    if command.country is not None or len(plan.text) > cost.LONGEST_TEXT:
        return False
    compiled = known_terms(state.previews, command, plan) is not None
    return cost.milliseconds(command, document_of(state.previews, plan), compiled=compiled) <= cost.LIGHT
