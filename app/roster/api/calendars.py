"""Calendars of shifts for calendar apps: ``/v1/engineers/{id}/shifts.ics``, ``/v1/regions/{region_key}/shifts.ics``."""

from typing import Annotated, Any, Final

from fastapi import Path, Query, Request, Response, Security
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Principal
from app.core.clock import database_now
from app.core.db.places import take_place
from app.core.db.session import transaction
from app.core.problems import IdempotencyMismatch, NotFound, QuotaExceeded, RequestInFlight
from app.core.schemas import Listing
from app.core.state import State, StateDep
from app.core.text.language import Language
from app.core.web.deps import ApiKey, LanguageDep, PrincipalDep, require_support
from app.core.web.http import Router, responses
from app.core.web.idempotency import IDEMPOTENT, Answer, by_key_alone, once
from app.core.web.paging import PageDep, listing
from app.roster import queries
from app.roster.calendar_schemas import (
    SHIFTS,
    CalendarTokenDocument,
    CalendarTokenId,
    NewCalendarTokenDocument,
)
from app.roster.models import Region
from app.roster.quotas import TOKENS
from app.roster.schemas import AccountId, EngineerId, RegionId, RegionKey
from app.roster.usecases import calendars
from app.roster.usecases.calendars import Reader, Shown, token_document

router = Router(tags=["Roster"])
_CREATED: Final = responses(NotFound, QuotaExceeded, RequestInFlight, IdempotencyMismatch)
_SHIFTS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "iCalendar (RFC 5545): last month and the four that follow this one, at most 2,000 entries",
        "content": {"text/calendar": {"schema": {"type": "string"}, "example": SHIFTS}},
    }
}
_EngineerPath = Annotated[EngineerId, Path(description="The engineer's id")]
_RegionPath = Annotated[RegionId, Path(description="The region's id")]
_TokenQuery = Annotated[
    str | None, Query(max_length=100, description="A calendar token, in the place of the `Authorization` header")
]


class _KeyOrToken(ApiKey):
    """The caller by its key; None where a token comes in the place of the header that a calendar app cannot send."""

    async def __call__(self, request: Request) -> Principal | None:  # type: ignore[override]
        if "token" in request.query_params:
            return None
        return await super().__call__(request)


_KeyOrTokenDep = Annotated[Principal | None, Security(_KeyOrToken())]


@router.get(
    "/v1/engineers/{engineer_id}/shifts.ics",
    scope="engineers:read",
    response_class=Response,
    responses=_SHIFTS | responses(NotFound),
)
async def get_engineer_shifts(
    state: StateDep,
    principal: _KeyOrTokenDep,
    language: LanguageDep,
    engineer_id: _EngineerPath,
    token: _TokenQuery = None,
) -> Response:
    """Get an engineer's shifts as a calendar.

    For a calendar app, with a token, or for support: shifts, those worked for others and by others, and absences.
    """
    reader = _reader(principal, token, language)
    async with state.sessions() as session:
        found = await calendars.engineer_calendar(session, reader, engineer_id)
    return await _calendar(found)


@router.get(
    "/v1/regions/{region_key}/shifts.ics",
    scope="regions:read",
    response_class=Response,
    responses=_SHIFTS | responses(NotFound),
)
async def get_region_shifts(
    state: StateDep,
    principal: _KeyOrTokenDep,
    language: LanguageDep,
    region_key: Annotated[RegionKey, Path(description="The region's key")],
    token: _TokenQuery = None,
    account_id: Annotated[AccountId | None, Query(description="With a key: of a sandbox account's own region")] = None,
) -> Response:
    """Get a region's shifts as a calendar.

    For a calendar app, with a token, or for support: who works when, whoever covers for others, and absences.
    """
    reader = _reader(principal, token, language)
    async with state.sessions() as session:
        found = await calendars.region_calendar(session, reader, region_key, account_id)
    return await _calendar(found)


def _reader(principal: Principal | None, token: str | None, language: Language) -> Reader:
    if principal is not None:
        require_support(principal)
    return Reader(principal, token, language)


async def _calendar(found: Shown) -> Response:
    headers = {"Content-Disposition": 'inline; filename="shifts.ics"', "Cache-Control": "private, no-cache"}
    return Response(await calendars.as_text(found), headers=headers, media_type="text/calendar; charset=utf-8")


@router.post(
    "/v1/engineers/{engineer_id}/calendar-tokens",
    scope="engineers:write",
    status_code=201,
    response_model=NewCalendarTokenDocument,
    responses=_CREATED,
    openapi_extra=IDEMPOTENT,
)
async def create_engineer_calendar_token(
    request: Request, state: StateDep, principal: PrincipalDep, engineer_id: _EngineerPath
) -> Response:
    """Create a token for an engineer's calendar.

    With an admin's key, or the engineer's own. The answer shows the address for a calendar app once; only the token's
    hash is kept.
    """

    async def may(session: AsyncSession) -> None:
        await queries.own_engineer(session, principal, engineer_id)

    async def work(session: AsyncSession) -> Answer:
        await may(session)
        return await _new_token(session, state, request, engineer_id, f"engineers/{engineer_id}")

    return await once(request, state, principal, work, may=may)


@router.get(
    "/v1/engineers/{engineer_id}/calendar-tokens",
    scope="engineers:read",
    response_model=Listing[CalendarTokenDocument],
    responses=responses(NotFound),
)
async def list_engineer_calendar_tokens(
    request: Request, state: StateDep, principal: PrincipalDep, page: PageDep, engineer_id: _EngineerPath
) -> Response:
    """List the tokens of an engineer's calendar.

    With an admin's key, or the engineer's own.
    """
    async with state.sessions() as session:
        await queries.own_engineer(session, principal, engineer_id)
        rows = await calendars.tokens_page(session, engineer_id, page)
    return listing(request, page, rows, place=lambda row: (row.created_at, row.id), document=token_document)


@router.delete(
    "/v1/engineers/{engineer_id}/calendar-tokens/{token_id}",
    scope="engineers:write",
    status_code=204,
    response_class=Response,
    responses=responses(NotFound),
)
async def delete_engineer_calendar_token(
    state: StateDep, principal: PrincipalDep, engineer_id: _EngineerPath, token_id: CalendarTokenId
) -> Response:
    """Delete a token of an engineer's calendar.

    With an admin's key, or the engineer's own. Its address shows nothing from the next request on.
    """
    async with transaction(state.sessions) as session:
        await queries.own_engineer(session, principal, engineer_id)
        await calendars.delete_token(session, engineer_id, token_id)
    return Response(status_code=204)


@router.post(
    "/v1/regions/{region_id}/calendar-tokens",
    scope="regions:write",
    status_code=201,
    response_model=NewCalendarTokenDocument,
    responses=_CREATED,
    openapi_extra=IDEMPOTENT,
)
async def create_region_calendar_token(
    request: Request, state: StateDep, principal: PrincipalDep, region_id: _RegionPath
) -> Response:
    """Create a token for a region's calendar.

    For support. The answer shows the address for a calendar app once; only the token's hash is kept.
    """
    require_support(principal)

    async def work(session: AsyncSession) -> Answer:
        region = await _own_region(session, principal, region_id)
        return await _new_token(session, state, request, region_id, f"regions/{region.key}")

    return await once(request, state, principal, work, may=by_key_alone)


@router.get(
    "/v1/regions/{region_id}/calendar-tokens",
    scope="regions:read",
    response_model=Listing[CalendarTokenDocument],
    responses=responses(NotFound),
)
async def list_region_calendar_tokens(
    request: Request, state: StateDep, principal: PrincipalDep, page: PageDep, region_id: _RegionPath
) -> Response:
    """List the tokens of a region's calendar.

    For support.
    """
    async with state.sessions() as session:
        await _own_region(session, principal, region_id)
        rows = await calendars.tokens_page(session, region_id, page)
    return listing(request, page, rows, place=lambda row: (row.created_at, row.id), document=token_document)


@router.delete(
    "/v1/regions/{region_id}/calendar-tokens/{token_id}",
    scope="regions:write",
    status_code=204,
    response_class=Response,
    responses=responses(NotFound),
)
async def delete_region_calendar_token(
    state: StateDep, principal: PrincipalDep, region_id: _RegionPath, token_id: CalendarTokenId
) -> Response:
    """Delete a token of a region's calendar.

    For support. Its address shows nothing from the next request on.
    """
    async with transaction(state.sessions) as session:
        await _own_region(session, principal, region_id)
        await calendars.delete_token(session, region_id, token_id)
    return Response(status_code=204)


async def _own_region(session: AsyncSession, principal: Principal, region_id: str) -> Region:
    require_support(principal)
    region = await queries.region_by_id(session, region_id)
    if principal.account_id not in (None, region.account_id):
        raise NotFound
    return region


async def _new_token(session: AsyncSession, state: State, request: Request, subject_id: str, path: str) -> Answer:
    await take_place(session, TOKENS, state.settings, subject_id)
    token, secret = await calendars.create_token(session, subject_id, now=await database_now(session))
    url = request.url.replace(path=f"/v1/{path}/shifts.ics", query=f"token={secret}")
    return Answer(token_document(token, str(url)), withheld=("url",))
