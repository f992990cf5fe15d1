"""``/v1/accounts/{id}/people``: who may see and who may change an account's tickets (G10)."""

from collections.abc import Callable, Sequence
from functools import partial

from fastapi import Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import queries
from app.accounts.models import PersonRow
from app.accounts.principals import Acting, acting, as_manager, manager
from app.accounts.quotas import PEOPLE
from app.accounts.schemas import NewPerson, Person, PersonFields
from app.accounts.usecases import people
from app.accounts.usecases.people import person_document
from app.core.clock import database_now
from app.core.limits.places import take_place
from app.core.problems import Conflict, QuotaExceeded
from app.core.schemas.shared import ActorRef
from app.core.web.kit.merge_patch import PatchDep, actor_in
from app.core.web.kit.operations import AccountPath, ActorDep, CallDep, Document, ResourceRouter
from app.core.web.kit.paging import PageDep, made

router = ResourceRouter("people", prefix="/v1/accounts/{account_id}/people", tags=["Accounts"])


class PersonPatch(PersonFields):
    """A change of a person, and for whom the account's key makes it."""

    actor: ActorRef | None = Field(None, description="The owner for whom the account's key acts")


@router.create("", Person, problems=[Conflict, QuotaExceeded])
async def create_person(call: CallDep, account_id: AccountPath, body: NewPerson) -> Response:
    """Create a person.

    For admins and the account's owners. 409 names the quota if the account has as many people as it is allowed.
    """

    async def create(session: AsyncSession, _: Acting) -> Document:
        await take_place(session, PEOPLE, call.state.settings, account_id)
        return person_document(await people.add_person(session, account_id, body, now=await database_now(session)))

    return await call.once_as(as_manager(call.principal, account_id, body.actor), create)


@router.list("", Person)
async def list_people(call: CallDep, page: PageDep, account_id: AccountPath, actor: ActorDep) -> Response:
    """List an account's people.

    Viewers see no addresses but their own.
    """

    async def query(session: AsyncSession) -> Sequence[PersonRow]:
        await queries.account_by_id(session, account_id)
        return await queries.people_page(session, page, account_id)

    async def documents(session: AsyncSession, _: Sequence[PersonRow]) -> Callable[[PersonRow], Document]:
        return partial(people.shown_to, await acting(session, call.principal, actor))

    return await call.page_with(page, query, place=made, documents=documents)


@router.show("/{person_id}", Person)
async def get_person(call: CallDep, account_id: AccountPath, person_id: str, actor: ActorDep) -> Response:
    """Get a person.

    Viewers see no address but their own.
    """

    async def get(session: AsyncSession) -> Document:
        who = await acting(session, call.principal, actor)
        return people.shown_to(who, await queries.person_by_id(session, account_id, person_id))

    return await call.read(get)


@router.update("/{person_id}", Person, PersonPatch, {"role": "owner"}, problems=[Conflict])
async def update_person(call: CallDep, account_id: AccountPath, person_id: str, patch: PatchDep) -> Response:
    """Update a person.

    A JSON Merge Patch (RFC 7396), for admins and the account's owners. 409 for its last owner, who has to stay one.
    """
    actor = actor_in(patch)
    changes = {name: value for name, value in patch.items() if name != "actor"}

    async def change(session: AsyncSession) -> Document:
        await manager(session, call.principal, account_id, actor)
        person = await queries.person_by_id(session, account_id, person_id)
        fields = call.patched(changes, PersonFields, people.fields_of(person), person.version)
        await people.update_person(session, person, fields, now=await database_now(session))
        return person_document(person)

    return await call.write(change)


@router.delete("/{person_id}", problems=[Conflict], if_match=True)
async def delete_person(call: CallDep, account_id: AccountPath, person_id: str, actor: ActorDep) -> Response:
    """Delete a person.

    They cease to follow tickets, within seconds, and may only read until then. For admins and the account's owners. 409
    for its last owner.
    """

    async def remove(session: AsyncSession) -> None:
        await manager(session, call.principal, account_id, actor)
        person = await queries.person_by_id(session, account_id, person_id)
        call.require_match(person.version)
        await people.delete_person(session, person)

    return await call.delete(remove)
