"""``/v1/engineers/{id}/overrides``: who covers for whom, and when."""

from typing import Annotated, Final

from fastapi import Path, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import database_now
from app.core.db.places import take_place
from app.core.db.session import transaction
from app.core.problems import Conflict, IdempotencyMismatch, NotFound, QuotaExceeded, RequestInFlight
from app.core.schemas import Listing
from app.core.state import StateDep
from app.core.web.deps import PrincipalDep, require_support
from app.core.web.http import Router, responses
from app.core.web.idempotency import IDEMPOTENT, Answer, by_key_alone, once
from app.core.web.paging import PageDep, listing
from app.roster.override_schemas import OverrideCreate, OverrideDocument, OverrideId
from app.roster.quotas import OVERRIDES
from app.roster.schemas import EngineerId
from app.roster.usecases import overrides
from app.roster.usecases.overrides import override_document

router = Router(prefix="/v1/engineers/{engineer_id}/overrides", tags=["Roster"])
_EngineerPath = Annotated[EngineerId, Path(description="The engineer's id")]
_CREATED: Final = responses(NotFound, Conflict, QuotaExceeded, RequestInFlight, IdempotencyMismatch)


@router.post(
    "",
    scope="engineers:write",
    status_code=201,
    response_model=OverrideDocument,
    responses=_CREATED,
    openapi_extra=IDEMPOTENT,
)
async def create_override(
    request: Request, state: StateDep, principal: PrincipalDep, engineer_id: _EngineerPath, body: OverrideCreate
) -> Response:
    """Create a shift override.

    Somebody works this engineer's shifts, in the engineer's region, from one instant to another; the engineer does not.
    Open P1s are handed over at both ends. With an admin's key, or that of one of the two engineers. 409 when another
    override concerns one of them at that time (one person may cover for several), or when the one who is to cover is
    absent.
    """
    require_support(principal)

    overrides.check_caller(principal, engineer_id, body.covered_by)

    async def work(session: AsyncSession) -> Answer:
        await take_place(session, OVERRIDES, state.settings, engineer_id)
        now = await database_now(session)
        made = await overrides.create_override(session, principal, engineer_id, body, now=now)
        return Answer(override_document(made))

    return await once(request, state, principal, work, may=by_key_alone)


@router.get("", scope="engineers:read", response_model=Listing[OverrideDocument], responses=responses(NotFound))
async def list_overrides(
    request: Request, state: StateDep, principal: PrincipalDep, page: PageDep, engineer_id: _EngineerPath
) -> Response:
    """List shift overrides.

    For support: those in which this engineer is covered or covers, the earliest first, past ones too.
    """
    require_support(principal)
    async with state.sessions() as session:
        rows = await overrides.overrides_page(session, principal, engineer_id, page)
    return listing(request, page, rows, place=overrides.override_place, document=override_document)


@router.delete(
    "/{override_id}", scope="engineers:write", status_code=204, response_class=Response, responses=responses(NotFound)
)
async def delete_override(
    state: StateDep, principal: PrincipalDep, engineer_id: _EngineerPath, override_id: OverrideId
) -> Response:
    """Delete a shift override.

    The engineer works their own shifts again, at once where it has begun. With an admin's key, or that of one of the
    two engineers.
    """
    require_support(principal)
    async with transaction(state.sessions) as session:
        await overrides.delete_override(session, principal, engineer_id, override_id)
    return Response(status_code=204)
