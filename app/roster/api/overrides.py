"""``/v1/engineers/{id}/overrides``: who covers for whom, and when."""

from functools import partial
from typing import Annotated

from fastapi import Path, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import database_now
from app.core.limits.places import take_place
from app.core.problems import Conflict, QuotaExceeded
from app.core.web.kit.operations import Document, ResourceRouter, SupportCall
from app.core.web.kit.paging import PageDep
from app.roster.override_schemas import NewOverride, Override, OverrideId
from app.roster.quotas import OVERRIDES
from app.roster.schemas import EngineerId
from app.roster.usecases import overrides
from app.roster.usecases.overrides import override_document

router = ResourceRouter("engineers", prefix="/v1/engineers/{engineer_id}/overrides", tags=["Roster"])
_EngineerPath = Annotated[EngineerId, Path(description="The engineer's id")]


@router.create("", Override, problems=[Conflict, QuotaExceeded])
async def create_override(call: SupportCall, engineer_id: _EngineerPath, body: NewOverride) -> Response:
    """Create a shift override.

    Somebody works this engineer's shifts, in the engineer's region, from one instant to another; the engineer does not.
    Open P1s are handed over at both ends. With an admin's key, or that of one of the two engineers. 409 when another
    override concerns one of them at that time (one person may cover for several), or when the one who is to cover is
    absent.
    """
    overrides.check_caller(call.principal, engineer_id, body.covered_by)

    async def create(session: AsyncSession) -> Document:
        await take_place(session, OVERRIDES, call.state.settings, engineer_id)
        now = await database_now(session)
        return override_document(await overrides.create_override(session, call.principal, engineer_id, body, now=now))

    return await call.once(create)


@router.list("", Override)
async def list_overrides(call: SupportCall, page: PageDep, engineer_id: _EngineerPath) -> Response:
    """List shift overrides.

    For support: those in which this engineer is covered or covers, the earliest first, past ones too.
    """
    query = partial(overrides.overrides_page, principal=call.principal, engineer_id=engineer_id, page=page)
    return await call.page(page, query, place=overrides.override_place, document=override_document)


@router.delete("/{override_id}")
async def delete_override(call: SupportCall, engineer_id: _EngineerPath, override_id: OverrideId) -> Response:
    """Delete a shift override.

    The engineer works their own shifts again, at once where it has begun. With an admin's key, or that of one of the
    two engineers.
    """
    delete = partial(
        overrides.delete_override, principal=call.principal, engineer_id=engineer_id, override_id=override_id
    )
    return await call.delete(delete)
