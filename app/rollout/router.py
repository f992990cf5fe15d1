"""What becomes of a plan's versions, over HTTP: taken out of force, put back, applied to open tickets (C14)."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import Body, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.usecases import plan_use
from app.core.clock import database_now
from app.core.problems import Conflict
from app.core.web.callers import check_again, language_of
from app.core.web.kit.ndjson import NDJSON, lines, wants_lines
from app.core.web.kit.operations import AdminCall, Call, Document, ResourceRouter
from app.core.web.replies import reply
from app.plans.api.plans import Key, Number, version_document
from app.plans.schemas import PlanVersion
from app.rollout import applying
from app.rollout.applying import Order, Report
from app.rollout.schemas import NDJSON_EXAMPLE, AppliedPlan, PlanApplication

router = ResourceRouter("plans", prefix="/v1/plans/{key}/versions/{version}", tags=["Plans"])

_LINES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {NDJSON: {"schema": {"type": "string"}, "example": NDJSON_EXAMPLE}}}
}


@router.action("/archive", PlanVersion, summary="Archive a plan version", problems=[Conflict])
async def archive_plan_version(call: AdminCall, key: Key, version: Number) -> Response:
    """New tickets get the newest version in force; open tickets keep theirs. Admin keys only.

    409 for the last version in force of a plan that accounts have; `accounts` says how many.
    """

    async def archive(session: AsyncSession) -> Document:
        return version_document(await plan_use.archive(session, key, version, now=await database_now(session)))

    return await call.write(archive)


@router.action("/restore", PlanVersion, summary="Restore a plan version")
async def restore_plan_version(call: AdminCall, key: Key, version: Number) -> Response:
    """New tickets get it when it is the newest version in force. Admin keys only."""

    async def restore(session: AsyncSession) -> Document:
        return version_document(await plan_use.restore(session, key, version))

    return await call.write(restore)


@router.action(
    "/apply", AppliedPlan, summary="Apply a plan version to open tickets", problems=[Conflict], responses=_LINES
)
async def apply_plan_version(
    call: AdminCall, key: Key, version: Number, command: Annotated[PlanApplication, Body(examples=[{"dry_run": True}])]
) -> Response:
    """Open tickets pin this version, and their account's add-ons, zone and holidays as they are now. Admin keys only.

    Each open deadline is recomputed from its start, with its pauses, and never becomes due before now. New metrics
    start now, those that the version lacks are cancelled, and deadlines that were missed or have ended stay as they
    are. The answer lists exactly the
    open deadlines that move: with `dry_run` nothing is written. A priority that the version lacks has to be mapped.

    The work is done in short transactions: if it is interrupted, call it again, and it continues with the remaining
    tickets. With `Accept: application/x-ndjson` the answer comes in lines: `{"progress": {"done", "total"}}` after each
    transaction, `{"move": {...}}` for each deadline, and last `{"result": {...}}`, which has all but the moves; or the
    problem that ended it.
    """
    state, principal = call.state, call.principal
    order = await applying.check(state.sessions, key, version, command)
    if wants_lines(call.request):
        return lines(_lines(call, order), language_of(call.request.scope))
    report = Report()
    async for batch in applying.run(state.sessions, order, principal.actor):
        report.add(batch)
    return reply(report.document(order))


async def _lines(call: Call, order: Order) -> AsyncIterator[dict[str, Any]]:
    report, total = Report(), len(order.tickets)
    yield {"progress": {"done": 0, "total": total}}
    async for batch in applying.run(call.state.sessions, order, call.principal.actor):
        for move in batch.moves:
            yield {"move": move}
        batch.moves = []  # they are sent, and may be many
        report.add(batch)
        yield {"progress": {"done": report.done, "total": total}}
        await check_again(call.request)
    yield {"result": {name: value for name, value in report.document(order).items() if name != "moves"}}
