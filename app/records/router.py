"""Historical records over HTTP: JSON, or a page for whoever prefers one."""

from typing import Annotated, Any, Final

from fastapi import Path, Query, Response
from fastapi.responses import HTMLResponse

from app.accounts.schemas import PersonId
from app.core.schemas.shared import Instant
from app.core.web.callers import language_of
from app.core.web.kit.operations import AccountPath, Call, CallDep, ResourceRouter
from app.core.web.page import ICON, page_policy, wants_page
from app.core.web.replies import reply
from app.records.page import record_page
from app.records.read import Period, record_of
from app.records.schemas import HistoricalRecord

router = ResourceRouter("tickets", prefix="/v1/accounts/{account_id}", tags=["Accounts"])
_HTML: Final[dict[str, Any]] = {"text/html": {"schema": {"type": "string"}, "example": "<!DOCTYPE html>"}}
_PAGE: Final[dict[int | str, dict[str, Any]]] = {200: {"content": _HTML}}
Since = Annotated[Instant | None, Query(description="Tickets that were opened at this instant or later")]
Until = Annotated[Instant | None, Query(description="Tickets that were opened before it")]


@router.show("/record", HistoricalRecord, responses=_PAGE)
async def get_account_record(
    call: CallDep, account_id: AccountPath, since: Since = None, until: Until = None
) -> Response:
    """Get an account's historical record.

    Its tickets of a period, with their calls, escalations, missed deadlines and problems: the 500 newest. A page that
    prints, in the language of `Accept-Language`, where `Accept` prefers `text/html`.
    """
    return await _answer(call, account_id, None, Period(since, until))


@router.show("/people/{person_id}/record", HistoricalRecord, responses=_PAGE)
async def get_person_record(
    call: CallDep,
    account_id: AccountPath,
    person_id: Annotated[PersonId, Path(description="The person's id")],
    since: Since = None,
    until: Until = None,
) -> Response:
    """Get a person's historical record.

    The same, of the tickets whose requester the person is, by their address.
    """
    return await _answer(call, account_id, person_id, Period(since, until))


async def _answer(call: Call, account_id: str, person_id: str | None, period: Period) -> Response:
    record = await call.ask(lambda session: record_of(session, account_id, person_id, period))
    if not wants_page(call.request.headers.get("accept", "")):
        return reply(record, request=call.request)
    html = record_page(record, language_of(call.request.scope))
    return HTMLResponse(html, headers={"Vary": "Accept, Accept-Language"} | page_policy(html, img=[ICON]))
