"""Calendars of shifts for calendar apps: ``/v1/engineers/{id}/shifts.ics``, ``/v1/regions/{region_key}/shifts.ics``."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Annotated, Any, Final

from fastapi import Path, Query, Request, Response, Security
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Principal
from app.core.clock import database_now
from app.core.limits.places import take_place
from app.core.problems import NotFound, QuotaExceeded
from app.core.state import StateDep
from app.core.text.language import Language
from app.core.web.http import responses
from app.core.web.kit.deps import ApiKey, LanguageDep, require_support
from app.core.web.kit.idempotency import Answer
from app.core.web.kit.operations import Call, CallDep, ResourceRouter, SupportCall
from app.core.web.kit.paging import Page, PageDep, made
from app.roster import queries
from app.roster.calendar_schemas import (
    SHIFTS,
    CalendarToken,
    CalendarTokenId,
    CalendarTokenWithUrl,
)
from app.roster.models import CalendarTokenRow, EngineerRow, RegionRow
from app.roster.quotas import TOKENS
from app.roster.schemas import AccountId, EngineerId, RegionId, RegionKey
from app.roster.usecases import calendars
from app.roster.usecases.calendars import Reader, Shown, token_document

router = ResourceRouter("engineers", tags=["Roster"])
_SHIFTS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "iCalendar (RFC 5545): last month and the four that follow this one, at most 2,000 entries",
        "content": {"text/calendar": {"schema": {"type": "string"}, "example": SHIFTS}},
    }
}
_EngineerPath = Annotated[EngineerId, Path(description="The engineer's id")]
_RegionPath = Annotated[RegionId, Path(description="The region's id")]
_TokenQuery = Annotated[
    str | None, Query(max_length=100, description="A calendar token, instead of the `Authorization` header")
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


@router.create("/v1/engineers/{engineer_id}/calendar-tokens", CalendarTokenWithUrl, problems=[QuotaExceeded])
async def create_engineer_calendar_token(call: CallDep, engineer_id: _EngineerPath) -> Response:
    """Create a token for an engineer's calendar.

    With an admin's key, or the engineer's own. The answer shows the address for a calendar app once; only the token's
    hash is kept.
    """

    async def create(session: AsyncSession, _: EngineerRow) -> Answer:
        return await _new_token(session, call, engineer_id, f"engineers/{engineer_id}")

    return await call.once_as(_engineer(call, engineer_id), create)


@router.list("/v1/engineers/{engineer_id}/calendar-tokens", CalendarToken)
async def list_engineer_calendar_tokens(call: CallDep, page: PageDep, engineer_id: _EngineerPath) -> Response:
    """List the tokens of an engineer's calendar.

    With an admin's key, or the engineer's own.
    """
    return await _list_tokens(call, page, engineer_id, _engineer(call, engineer_id))


@router.delete("/v1/engineers/{engineer_id}/calendar-tokens/{token_id}")
async def delete_engineer_calendar_token(
    call: CallDep, engineer_id: _EngineerPath, token_id: CalendarTokenId
) -> Response:
    """Delete a token of an engineer's calendar.

    With an admin's key, or the engineer's own. Its address shows nothing from the next request on.
    """
    return await _delete_token(call, engineer_id, token_id, _engineer(call, engineer_id))


@router.create(
    "/v1/regions/{region_id}/calendar-tokens",
    CalendarTokenWithUrl,
    scope="regions:write",
    problems=[QuotaExceeded],
)
async def create_region_calendar_token(call: SupportCall, region_id: _RegionPath) -> Response:
    """Create a token for a region's calendar.

    For support. The answer shows the address for a calendar app once; only the token's hash is kept.
    """

    async def create(session: AsyncSession, region: RegionRow) -> Answer:
        return await _new_token(session, call, region_id, f"regions/{region.key}")

    return await call.once_as(_region(call, region_id), create)


@router.list("/v1/regions/{region_id}/calendar-tokens", CalendarToken, scope="regions:read")
async def list_region_calendar_tokens(call: SupportCall, page: PageDep, region_id: _RegionPath) -> Response:
    """List the tokens of a region's calendar.

    For support.
    """
    return await _list_tokens(call, page, region_id, _region(call, region_id))


@router.delete("/v1/regions/{region_id}/calendar-tokens/{token_id}", scope="regions:write")
async def delete_region_calendar_token(
    call: SupportCall, region_id: _RegionPath, token_id: CalendarTokenId
) -> Response:
    """Delete a token of a region's calendar.

    For support. Its address shows nothing from the next request on.
    """
    return await _delete_token(call, region_id, token_id, _region(call, region_id))


def _engineer(call: Call, engineer_id: str) -> Callable[[AsyncSession], Awaitable[EngineerRow]]:
    return partial(queries.own_engineer, principal=call.principal, engineer_id=engineer_id)


def _region(call: Call, region_id: str) -> Callable[[AsyncSession], Awaitable[RegionRow]]:
    async def find(session: AsyncSession) -> RegionRow:
        region = await queries.region_by_id(session, region_id)
        if call.principal.account_id not in (None, region.account_id):
            raise NotFound
        return region

    return find


async def _new_token(session: AsyncSession, call: Call, subject_id: str, path: str) -> Answer:
    await take_place(session, TOKENS, call.state.settings, subject_id)
    token, secret = await calendars.create_token(session, subject_id, now=await database_now(session))
    url = call.request.url.replace(path=f"/v1/{path}/shifts.ics", query=f"token={secret}")
    return Answer(token_document(token, str(url)), withheld=("url",))


async def _list_tokens(
    call: Call, page: Page, subject_id: str, find: Callable[[AsyncSession], Awaitable[object]]
) -> Response:
    async def query(session: AsyncSession) -> Sequence[CalendarTokenRow]:
        await find(session)
        return await calendars.tokens_page(session, subject_id, page)

    return await call.page(page, query, place=made, document=token_document)


async def _delete_token(
    call: Call, subject_id: str, token_id: str, find: Callable[[AsyncSession], Awaitable[object]]
) -> Response:
    async def delete(session: AsyncSession) -> None:
        await find(session)
        await calendars.delete_token(session, subject_id, token_id)

    return await call.delete(delete)
