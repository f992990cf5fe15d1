"""``/v1/accounts/{id}/people``: who may see and who may change an account's tickets (G10)."""

from functools import partial
from typing import Final

from fastapi import Request, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import queries
from app.accounts.principals import acting, manager, named
from app.accounts.quotas import PEOPLE
from app.accounts.schemas import PersonCreate, PersonDocument, PersonFields
from app.accounts.usecases import people
from app.accounts.usecases.people import person_document
from app.core.clock import database_now
from app.core.db.places import take_place
from app.core.db.session import transaction
from app.core.problems import (
    Conflict,
    IdempotencyMismatch,
    NotFound,
    PreconditionFailed,
    QuotaExceeded,
    RequestInFlight,
)
from app.core.schemas import ActorRef, Listing
from app.core.state import StateDep
from app.core.web.deps import ActorQuery, PrincipalDep, require_account
from app.core.web.http import IF_MATCH, Router, check_if_match, etag, reply, responses
from app.core.web.idempotency import IDEMPOTENT, Answer, once
from app.core.web.merge_patch import PatchDep, merge_patch, patch_body, patched
from app.core.web.paging import PageDep, listing

router = Router(prefix="/v1/accounts/{account_id}/people", tags=["Accounts"])


class PersonPatch(PersonFields):
    """A change of a person, and for whom the account's key makes it."""

    actor: ActorRef | None = Field(None, description="The owner for whom the account's key acts")


_CREATED: Final = responses(NotFound, Conflict, QuotaExceeded, RequestInFlight, IdempotencyMismatch)
_CHANGED: Final = responses(NotFound, Conflict, PreconditionFailed)
_PATCH: Final = patch_body(PersonPatch, {"role": "owner"}) | IF_MATCH


@router.post(
    "",
    scope="people:write",
    status_code=201,
    response_model=PersonDocument,
    responses=_CREATED,
    openapi_extra=IDEMPOTENT,
)
async def create_person(
    request: Request, state: StateDep, principal: PrincipalDep, account_id: str, body: PersonCreate
) -> Response:
    """Add a person to an account.

    For admins and the account's owners. 409 names the quota where the account has as many people as it may.
    """
    require_account(principal, account_id)

    async def work(session: AsyncSession) -> Answer:
        await manager(session, principal, account_id, body.actor)
        await take_place(session, PEOPLE, state.settings, account_id)
        person = await people.add_person(session, account_id, body, now=await database_now(session))
        return Answer(person_document(person), headers=etag(person.version))

    return await once(
        request, state, principal, work, may=lambda session: manager(session, principal, account_id, body.actor)
    )


@router.get("", scope="people:read", response_model=Listing[PersonDocument], responses=responses(NotFound))
async def list_people(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    page: PageDep,
    account_id: str,
    actor: ActorQuery = None,
) -> Response:
    """List an account's people.

    Viewers see no addresses but their own.
    """
    require_account(principal, account_id)
    async with state.sessions() as session:
        await queries.account_by_id(session, account_id)
        who = await acting(session, principal, named(actor))
        rows = await queries.people_page(session, page, account_id)
    return listing(
        request, page, rows, place=lambda row: (row.created_at, row.id), document=partial(people.shown_to, who)
    )


@router.get("/{person_id}", scope="people:read", response_model=PersonDocument, responses=responses(NotFound))
async def get_person(
    state: StateDep, principal: PrincipalDep, account_id: str, person_id: str, actor: ActorQuery = None
) -> Response:
    """Get a person.

    Viewers see no address but their own.
    """
    require_account(principal, account_id)
    async with state.sessions() as session:
        who = await acting(session, principal, named(actor))
        person = await queries.person_by_id(session, account_id, person_id)
    return reply(people.shown_to(who, person), headers=etag(person.version))


@router.patch(
    "/{person_id}", scope="people:write", response_model=PersonDocument, responses=_CHANGED, openapi_extra=_PATCH
)
async def change_person(
    request: Request, state: StateDep, principal: PrincipalDep, account_id: str, person_id: str, patch: PatchDep
) -> Response:
    """Change a person.

    A JSON Merge Patch (RFC 7396), for admins and the account's owners. Its last owner stays one: 409.
    """
    require_account(principal, account_id)
    async with transaction(state.sessions) as session:
        actor = patched(ActorRef, patch.pop("actor"), "/actor") if patch.get("actor") is not None else None
        await manager(session, principal, account_id, actor)
        person = await queries.person_by_id(session, account_id, person_id)
        check_if_match(request, person.version)
        before = people.fields_of(person)
        fields = patched(PersonFields, merge_patch(before, patch), before=before)
        await people.change_person(session, person, fields, now=await database_now(session))
    return reply(person_document(person), headers=etag(person.version))


@router.delete(
    "/{person_id}",
    scope="people:write",
    status_code=204,
    response_class=Response,
    responses=_CHANGED,
    openapi_extra=IF_MATCH,
)
async def remove_person(
    request: Request,
    state: StateDep,
    principal: PrincipalDep,
    account_id: str,
    person_id: str,
    actor: ActorQuery = None,
) -> Response:
    """Remove a person from an account.

    For admins and the account's owners. Its last owner stays: 409.
    """
    require_account(principal, account_id)
    async with transaction(state.sessions) as session:
        await manager(session, principal, account_id, named(actor))
        person = await queries.person_by_id(session, account_id, person_id)
        check_if_match(request, person.version)
        await people.remove_person(session, person)
    return Response(status_code=204)
