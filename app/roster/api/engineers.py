"""``/v1/engineers``: who answers."""

from functools import partial
from typing import Final

from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import database_now
from app.core.limits.places import take_place
from app.core.problems import NotFound, QuotaExceeded
from app.core.web.kit.merge_patch import PatchDep
from app.core.web.kit.operations import AccountScope, AdminCall, Document, Patching, ResourceRouter, SupportCall
from app.core.web.kit.paging import PageDep, made
from app.roster import queries
from app.roster.quotas import ENGINEERS
from app.roster.schemas import Engineer, EngineerFields, NewEngineer
from app.roster.usecases import engineers
from app.roster.usecases.engineers import engineer_document

router = ResourceRouter("engineers", prefix="/v1/engineers", tags=["Roster"])
_PATCHING: Final = Patching(EngineerFields, engineers.fields_of, engineers.update_engineer, engineer_document)


@router.create("", Engineer, problems=[QuotaExceeded])
async def create_engineer(call: AdminCall, body: NewEngineer) -> Response:
    """Create an engineer.

    Admin keys only. 409 names the quota if a sandbox account has as many engineers as it is allowed.
    """

    async def create(session: AsyncSession) -> Document:
        if body.account_id:
            await take_place(session, ENGINEERS, call.state.settings, body.account_id)
        return engineer_document(await engineers.create_engineer(session, body, now=await database_now(session)))

    return await call.once(create)


@router.list("", Engineer, problems=[NotFound])
async def list_engineers(call: SupportCall, page: PageDep, account_id: AccountScope) -> Response:
    """List engineers.

    For support: all, or a sandbox account's own.
    """
    query = partial(queries.engineers_page, page=page, account_id=account_id)
    return await call.page(page, query, place=made, document=engineer_document)


@router.show("/{engineer_id}", Engineer)
async def get_engineer(call: SupportCall, engineer_id: str) -> Response:
    """Get an engineer.

    For support.
    """

    async def get(session: AsyncSession) -> Document:
        engineer = await queries.engineer_by_id(session, engineer_id)
        if call.principal.account_id not in (None, engineer.account_id):
            raise NotFound
        return engineer_document(engineer)

    return await call.read(get)


@router.update("/{engineer_id}", Engineer, EngineerFields, {"tier": 3, "region": None})
async def update_engineer(call: AdminCall, engineer_id: str, patch: PatchDep) -> Response:
    """Update an engineer.

    A JSON Merge Patch (RFC 7396); admin keys only.
    """
    return await call.patch(patch, _PATCHING, partial(queries.engineer_by_id, engineer_id=engineer_id, lock=True))
