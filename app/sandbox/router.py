"""The clock of a sandbox account, over HTTP."""

from typing import Annotated

from fastapi import Body, Path, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import editor
from app.accounts.schemas import AccountId
from app.core.problems import Conflict, IdempotencyMismatch, NotFound, RequestInFlight
from app.core.state import StateDep
from app.core.web.deps import PrincipalDep, require_account
from app.core.web.http import Router, responses
from app.core.web.idempotency import IDEMPOTENT, Answer, once
from app.sandbox import advance
from app.sandbox.schemas import ADVANCED, AdvanceClock, AdvancedView
from app.tickets.api import examples

router = Router(tags=["Sandbox"])


@router.post(
    "/v1/sandbox/{account_id}/advance",
    scope="sandbox:write",
    response_model=AdvancedView,
    summary="Move a sandbox's clock",
    responses=responses(NotFound, Conflict, RequestInFlight, IdempotencyMismatch) | examples.shown(ADVANCED),
    openapi_extra=IDEMPOTENT,
)
async def advance_sandbox(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    account_id: Annotated[AccountId, Path(description="A sandbox account")],
    command: Annotated[AdvanceClock, Body(examples=[{"by": "PT4H"}])],
) -> Response:
    """Every deadline, call and automatic close that is due on the way happens in order, each at its own instant.

    A deadline that is due exactly where the clock comes to stand is not missed yet. Where more than 10,000 events
    would happen, the clock stops on the way, and `next` says how to go on. So it does where a maintenance window ends
    that holds back alerts, which are opened there. 409 for a live account, and while another call moves the clock or
    such alerts are being opened.
    """
    require_account(principal, account_id)

    async def work(session: AsyncSession) -> Answer:
        await editor(session, principal, command.actor)
        moved = await advance.advance(session, account_id, command)
        return Answer(await moved.document(principal), 200)

    return await once(request, state, principal, work, may=lambda session: editor(session, principal, command.actor))
