"""The clock of a sandbox account, over HTTP."""

from typing import Annotated

from fastapi import Body, Path, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import Acting, as_editor
from app.accounts.schemas import AccountId
from app.core.problems import Conflict
from app.core.web.kit.deps import require_account
from app.core.web.kit.operations import CallDep, Document, ResourceRouter
from app.sandbox import advance as sandbox_clock
from app.sandbox.schemas import ADVANCED, ClockAdvance, SandboxAdvance
from app.sandbox.told import Told

router = ResourceRouter("sandbox", tags=["Sandbox"])


@router.action(
    "/v1/sandbox/{account_id}/advance",
    SandboxAdvance,
    summary="Advance a sandbox's clock",
    problems=[Conflict],
    repeatable=True,
    example=ADVANCED,
)
async def advance_sandbox(
    call: CallDep,
    account_id: Annotated[AccountId, Path(description="A sandbox account")],
    command: Annotated[ClockAdvance, Body(examples=[{"by": "PT4H"}])],
) -> Response:
    """Every deadline, call and automatic close that is due on the way happens in order, each at its own instant.

    A deadline that is due exactly when the clock stops is not missed yet. If more than 10,000 events would happen, the
    clock stops on the way, and `next` says how to continue. It also stops where a maintenance window that holds back
    alerts ends, and they open tickets there. 409 for a live account, and while another call moves the clock or
    such alerts are being opened.
    """
    require_account(call.principal, account_id)

    async def advance(session: AsyncSession, _: Acting) -> Document:
        told = Told(call.principal)
        return (await sandbox_clock.advance(session, account_id, command, told)).document(told)

    return await call.once_as(as_editor(call.principal, command.actor), advance)
