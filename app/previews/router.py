"""The clock explains itself, and tells what would be, over HTTP."""

from functools import partial
from typing import Annotated, Final

from fastapi import Body, Path, Response
from pydantic import StringConstraints

from app.core.db.session import snapshot
from app.core.problems import TooManyRequests
from app.core.schemas.shared import id_pattern
from app.core.state import State
from app.core.web.callers import wanted_language
from app.core.web.kit.deps import LanguageDep
from app.core.web.kit.operations import CallDep, ResourceRouter
from app.core.web.replies import reply
from app.core.workers.offload import owner_of
from app.events.types import INTERNAL_METRICS
from app.previews import cost, examples, heavy
from app.previews.answers import previewed
from app.previews.explanations import explain_deadline
from app.previews.plans import stored_plan
from app.previews.schemas import DeadlineExplanation, Preview, PreviewRequest
from app.previews.terms import StoredPlan, document_of, known_terms, plan_for
from app.tickets.api.kit import TicketPath

router = ResourceRouter("previews", tags=["Explanations"])

DeadlinePath = Annotated[
    str, StringConstraints(pattern=id_pattern("ddl")), Path(description="The deadline's id, as the ticket shows it")
]
_NOTHING_HIDDEN: Final[frozenset[str]] = frozenset()


@router.show(
    "/v1/tickets/{ticket_id}/deadlines/{deadline_id}/explain",
    DeadlineExplanation,
    summary="Explain a deadline",
    scope="tickets:read",
    example=examples.EXPLAINED,
)
async def explain_ticket_deadline(
    call: CallDep, accepted: LanguageDep, ticket_id: TicketPath, deadline_id: DeadlinePath
) -> Response:
    """Why a deadline is due when it is: its countdowns, its time in segments that add up, and what moved it.

    A deadline that has ended, or was missed, is explained by the plan version in force at that time. The text is in the
    language of `Accept-Language`, else in the requester's, else in the account's; its times are local to the ticket.
    """
    del accepted  # the ticket says what it stands for where the request names no language
    explain = partial(
        explain_deadline,
        principal=call.principal,
        ticket_id=ticket_id,
        deadline_id=deadline_id,
        wanted=wanted_language(call.request.scope),
    )
    return await call.read(explain, snapshot)


@router.action(
    "/v1/sla/preview",
    Preview,
    summary="Preview a ticket's deadlines",
    scope="previews:read",
    problems=[TooManyRequests],
    example=examples.PREVIEWED,
)
async def preview_sla(
    call: CallDep, language: LanguageDep, command: Annotated[PreviewRequest, Body(examples=[examples.PREVIEW])]
) -> Response:
    """What a plan would make of a ticket, by the code of the live clock; nothing is stored.

    The answer has every deadline as of `until`, with what misses do (a higher priority, the next tier), and explains
    each. `plan` is a key, or a whole plan document. 422 names the change that a live ticket would refuse, and the
    instant up to which there would be more than 5,000 deadlines. Long computations wait for their turn: 429 when too
    many of an account's are waiting, 503 when too many are waiting in all, or when one takes too long.
    """
    state = call.state
    plan = await stored_plan(state, command)
    hidden = _NOTHING_HIDDEN if call.principal.is_support else INTERNAL_METRICS
    if plan and _is_light(state, command, plan):
        return reply(previewed(command, plan_for(state.previews, command, plan), hidden, language))
    body = await call.request.body()
    answer = await state.offload.run(owner_of(call.principal), heavy.answer, body, plan, hidden, language)
    return Response(answer, media_type="application/json")


def _is_light(state: State, command: PreviewRequest, plan: StoredPlan) -> bool:
    """Whether it costs less here than the way to another process is worth; told before anything is computed."""
    if command.country is not None or len(plan.text) > cost.LONGEST_TEXT:
        return False
    compiled = known_terms(state.previews, command, plan) is not None
    return cost.milliseconds(command, document_of(state.previews, plan), compiled=compiled) <= cost.LIGHT
