"""``/v1/engineers``: who answers."""

from typing import Annotated, Final

from fastapi import Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import database_now
from app.core.db.places import take_place
from app.core.db.session import transaction
from app.core.problems import IdempotencyMismatch, NotFound, PreconditionFailed, QuotaExceeded, RequestInFlight
from app.core.schemas import Listing
from app.core.state import StateDep
from app.core.web.deps import PrincipalDep, require_account, require_admin, require_support
from app.core.web.http import IF_MATCH, Router, check_if_match, etag, reply, responses
from app.core.web.idempotency import IDEMPOTENT, Answer, by_key_alone, once
from app.core.web.merge_patch import PatchDep, merge_patch, patch_body, patched
from app.core.web.paging import PageDep, listing
from app.roster import queries
from app.roster.quotas import ENGINEERS
from app.roster.schemas import EngineerCreate, EngineerDocument, EngineerFields
from app.roster.usecases import engineers
from app.roster.usecases.engineers import engineer_document

router = Router(prefix="/v1/engineers", tags=["Roster"])
_CREATED: Final = responses(QuotaExceeded, RequestInFlight, IdempotencyMismatch)
_CHANGED: Final = responses(NotFound, PreconditionFailed)
_PATCH: Final = patch_body(EngineerFields, {"tier": 3, "region": None}) | IF_MATCH


@router.post(
    "",
    scope="engineers:write",
    status_code=201,
    response_model=EngineerDocument,
    responses=_CREATED,
    openapi_extra=IDEMPOTENT,
)
async def create_engineer(request: Request, state: StateDep, principal: PrincipalDep, body: EngineerCreate) -> Response:
    """Make an engineer.

    Admin keys only. 409 names the quota where a sandbox account has as many engineers as it may.
    """
    require_admin(principal)

    async def work(session: AsyncSession) -> Answer:
        if body.account_id:
            await take_place(session, ENGINEERS, state.settings, body.account_id)
        engineer = await engineers.create_engineer(session, body, now=await database_now(session))
        return Answer(engineer_document(engineer), headers=etag(engineer.version))

    return await once(request, state, principal, work, may=by_key_alone)


@router.get("", scope="engineers:read", response_model=Listing[EngineerDocument], responses=responses(NotFound))
async def list_engineers(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    page: PageDep,
    account_id: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """List engineers.

    For support: all, or a sandbox account's own.
    """
    require_support(principal)
    wanted = account_id or principal.account_id
    if wanted:
        require_account(principal, wanted)
    async with state.sessions() as session:
        rows = await queries.engineers_page(session, page, wanted)
    return listing(request, page, rows, place=lambda row: (row.created_at, row.id), document=engineer_document)


@router.get("/{engineer_id}", scope="engineers:read", response_model=EngineerDocument, responses=responses(NotFound))
async def get_engineer(state: StateDep, principal: PrincipalDep, engineer_id: str) -> Response:
    """Get an engineer.

    For support.
    """
    require_support(principal)
    async with state.sessions() as session:
        engineer = await queries.engineer_by_id(session, engineer_id)
    if principal.account_id not in (None, engineer.account_id):
        raise NotFound
    return reply(engineer_document(engineer), headers=etag(engineer.version))


@router.patch(
    "/{engineer_id}", scope="engineers:write", response_model=EngineerDocument, responses=_CHANGED, openapi_extra=_PATCH
)
async def change_engineer(
    request: Request, state: StateDep, principal: PrincipalDep, engineer_id: str, patch: PatchDep
) -> Response:
    """Change an engineer.

    A JSON Merge Patch (RFC 7396); admin keys only.
    """
    require_admin(principal)
    async with transaction(state.sessions) as session:
        engineer = await queries.engineer_by_id(session, engineer_id, lock=True)
        check_if_match(request, engineer.version)
        before = engineers.fields_of(engineer)
        fields = patched(EngineerFields, merge_patch(before, patch), before=before)
        await engineers.change_engineer(session, engineer, fields, now=await database_now(session))
    return reply(engineer_document(engineer), headers=etag(engineer.version))
