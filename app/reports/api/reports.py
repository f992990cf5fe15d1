"""``/v1/reports``: what was promised and what was kept."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, Literal, TypeAlias

from asyncpg import QueryCanceledError
from fastapi import Depends, Query, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import database_now
from app.core.db.session import allow, driver
from app.core.problems import NotFound, Unavailable
from app.core.text.messages import _
from app.core.web.kit.operations import AccountScope, Call, CallDep, ResourceRouter
from app.core.web.kit.paging import PageDep
from app.core.web.kit.queries import Filled
from app.core.web.replies import reply
from app.reports.api.table import table, wants_table
from app.reports.asked import Asked, Grouping, Narrowing, Of, TicketGrouping
from app.reports.facts.summing import HASHES
from app.reports.read import listing
from app.reports.read.attainment import attainment
from app.reports.read.lateness import lateness
from app.reports.read.volume import volume
from app.reports.schemas import MOMENT, PROMISE, Attainment, Lateness, Moment, Promise, Volume

router = ResourceRouter("reports", prefix="/v1/reports", tags=["Reports"])
NarrowingDep = Annotated[Narrowing, Depends(Filled(Narrowing))]
GroupingDep = Annotated[Grouping, Depends(Filled(Grouping))]
TicketGroupingDep = Annotated[TicketGrouping, Depends(Filled(TicketGrouping))]
OfDep = Annotated[Of, Depends(Filled(Of))]
Format = Annotated[
    Literal["json", "csv"] | None, Query(description="Default: what `Accept` prefers; `csv` has the items alone")
]
Outcome = Literal["open", "met", "met_late", "missed", "cancelled", "excluded"]
Kind = Literal["opened", "resolved", "reopened", "handed_over", "escalation", "call_joined", "call_no_show"]
Report: TypeAlias = Callable[[AsyncSession, Asked], Awaitable[dict[str, Any]]]
_PATIENCE: Final = 60.0
"""Seconds for each statement of a question about all accounts."""
_TOO_LONG: Final = _("This report takes too long: ask for a shorter period, or by fewer dimensions")
_TABLE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}, "example": "metric,promised,met\r\n"}}}
}


async def _asked(call: Call, account_id: str | None, narrowing: Narrowing, *parts: Grouping | Of) -> Asked:
    since, until = narrowing.period(await call.ask(database_now))
    asked = Asked(since, until, account_id, call.principal.is_support, narrowing)
    for part in parts:
        asked = asked.with_part(part)
    asked.require_allowed()
    return asked


async def _promises(
    call: CallDep, account_id: AccountScope, narrowing: NarrowingDep, grouping: GroupingDep, of: OfDep
) -> Asked:
    """What is asked about promises."""
    return await _asked(call, account_id, narrowing, grouping, of)


PromisesDep = Annotated[Asked, Depends(_promises)]


async def _answer(call: Call, report: Report, asked: Asked, named: str | None) -> Response:
    found = await call.ask(lambda session: _report(session, report, asked))
    if wants_table(call.request, named):
        return table(report.__name__, found["items"])
    answer = reply(found, request=call.request)
    answer.headers["Vary"] = ", ".join(filter(None, (answer.headers.get("Vary"), "Accept")))
    return answer


async def _report(session: AsyncSession, report: Report, asked: Asked) -> dict[str, Any]:
    """The report; one of all accounts by what is not summed up reads all facts of its period."""
    if asked.account_id is None:
        await allow(session, _PATIENCE)
    await (await driver(session)).execute(HASHES)
    try:
        return await report(session, asked)
    except QueryCanceledError as error:
        raise Unavailable(_TOO_LONG) from error


@router.show("/attainment", Attainment, problems=[NotFound], responses=_TABLE, summary="Get attainment")
async def get_attainment(
    call: CallDep,
    asked: PromisesDep,
    format: Format = None,  # noqa: A002  its name
) -> Response:
    """Get how much of what was promised was kept.

    A promise counts in the period in which it was made, which is when its clock started, at the priority in force when
    the clock ran. By default first cycles count, and the updates of an incident as one promise: it is met when all of
    its update cycles were met. Accounts' keys see their own account, without what concerns engineers alone.
    """
    return await _answer(call, attainment, asked, format)


@router.show("/lateness", Lateness, problems=[NotFound], responses=_TABLE, summary="Get lateness")
async def get_lateness(
    call: CallDep,
    asked: PromisesDep,
    format: Format = None,  # noqa: A002  its name
) -> Response:
    """Get how late was what was late, and how late the service noticed it.

    The same promises as those of the attainment, as far as they were missed, in seconds.
    """
    return await _answer(call, lateness, asked, format)


@router.show("/volume", Volume, problems=[NotFound], responses=_TABLE, summary="Get volume")
async def get_volume(
    call: CallDep,
    account_id: AccountScope,
    narrowing: NarrowingDep,
    grouping: TicketGroupingDep,
    format: Format = None,  # noqa: A002  its name
) -> Response:
    """Get how much there was to do, and what waits.

    What happened in the period counts when it happened, at the priority and with the engineer of that moment.
    """
    return await _answer(call, volume, await _asked(call, account_id, narrowing, grouping.grouping), format)


@router.list("/promises", Promise, problems=[NotFound], summary="List promises", example=PROMISE)
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
        place=listing.promise_place,
        document=listing.promise,
    )


@router.list("/moments", Moment, problems=[NotFound], summary="List moments", example=MOMENT)
async def list_moments(
    call: CallDep,
    page: PageDep,
    account_id: AccountScope,
    narrowing: NarrowingDep,
    kind: Annotated[list[Kind] | None, Query(max_length=7, description="One or more")] = None,
) -> Response:
    """List what the volume counts, with its tickets: the newest first."""
    asked = await _asked(call, account_id, narrowing)
    return await call.page(
        page,
        lambda session: listing.moments(session, asked, kind or (), page),
        place=listing.moment_place,
        document=listing.moment,
    )
