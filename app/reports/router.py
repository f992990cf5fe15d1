"""``/v1/reports``: what was promised and what was kept."""

from typing import Annotated, Literal

from fastapi import Depends, Query, Response

from app.core.clock import database_now
from app.core.problems import NotFound
from app.core.web.kit.deps import filled
from app.core.web.kit.operations import AccountScope, Call, CallDep, ResourceRouter
from app.core.web.kit.paging import PageDep
from app.core.web.replies import reply
from app.reports import listing
from app.reports.asked import Asked, Grouping, Narrowing, Of
from app.reports.attainment import attainment
from app.reports.schemas import PROMISE, Attainment, Promised

router = ResourceRouter("reports", prefix="/v1/reports", tags=["Reports"])
NarrowingDep = Annotated[Narrowing, Depends(filled(Narrowing))]
GroupingDep = Annotated[Grouping, Depends(filled(Grouping))]
OfDep = Annotated[Of, Depends(filled(Of))]
Outcome = Literal["open", "met", "met_late", "missed", "cancelled", "excluded"]


async def _asked(call: Call, account_id: str | None, narrowing: Narrowing, *more: Grouping | Of) -> Asked:
    since, until = narrowing.period(await call.ask(database_now))
    asked = Asked(since, until, account_id, call.principal.is_support, narrowing)
    for part in more:
        asked = asked.with_part(part)
    return asked


@router.show("/attainment", Attainment, problems=[NotFound], summary="Report attainment")
async def report_attainment(
    call: CallDep, account_id: AccountScope, narrowing: NarrowingDep, grouping: GroupingDep, of: OfDep
) -> Response:
    """Report how much of what was promised was kept.

    A promise counts in the period in which it was made, which is when its clock started, at the priority in force when
    the clock ran. By default first cycles count, and the updates of an incident as one promise: it is met when all of
    its update cycles were met. Accounts' keys see their own account, without what concerns engineers alone.
    """
    asked = await _asked(call, account_id, narrowing, grouping, of)
    return reply(await call.ask(lambda session: attainment(session, asked)), request=call.request)


@router.list("/promises", Promised, problems=[NotFound], summary="List promises", example=PROMISE)
async def list_promises(
    call: CallDep,
    page: PageDep,
    account_id: AccountScope,
    narrowing: NarrowingDep,
    of: OfDep,
    outcome: Annotated[list[Outcome] | None, Query(max_length=6, description="One or more")] = None,
) -> Response:
    """List the promises behind a figure, with their tickets: the newest first."""
    asked = await _asked(call, account_id, narrowing, of)
    return await call.page(
        page,
        lambda session: listing.promises(session, asked, outcome or (), page),
        place=listing.place,
        document=listing.document,
    )
