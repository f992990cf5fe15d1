"""An account's people and their roles (G10): its owners manage them, and it never loses its last owner."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import PersonRow
from app.accounts.principals import Acting
from app.accounts.queries import account_by_id, count_owners
from app.accounts.schemas import Person, PersonFields
from app.core.db.session import driver, ring_after_commit
from app.core.ids import new_id
from app.core.problems import Conflict
from app.core.schemas.mailboxes import STORED
from app.core.text.messages import _

_IN_USE: Final = "DELETE FROM former_addresses WHERE account_id = $1 AND email = $2"
_FORMER: Final = """
INSERT INTO former_addresses (account_id, email, person_id) VALUES ($1, $2, $3)
ON CONFLICT (account_id, email) DO UPDATE SET person_id = excluded.person_id, due_at = clock_timestamp()
"""


async def add_person(session: AsyncSession, account_id: str, fields: PersonFields, *, now: datetime) -> PersonRow:
    """A new person of the account; 409 when the address is taken in it."""
    columns = fields.model_dump(include=set(PersonFields.model_fields))
    stamps = {"version": 1, "created_at": now, "updated_at": now}
    person = PersonRow(account_id=account_id, id=new_id("per"), **columns, **stamps)
    session.add(person)
    await _flush(session)
    await (await driver(session)).execute(_IN_USE, account_id, person.email)
    return person


async def update_person(session: AsyncSession, person: PersonRow, fields: PersonFields, *, now: datetime) -> None:
    """Write the person's new fields; 409 when that takes the account's last owner, or another's address."""
    if person.role == "owner" and fields.role != "owner":
        await _keep_an_owner(session, person.account_id)
    before = person.email
    for name, value in fields.model_dump(include=set(PersonFields.model_fields)).items():
        setattr(person, name, value)
    person.version += 1
    person.updated_at = now
    await _flush(session)
    if person.email != before:
        await (await driver(session)).execute(_IN_USE, person.account_id, person.email)
        await _part_with(session, person, before)


async def delete_person(session: AsyncSession, person: PersonRow) -> None:
    """Take the person from the account; 409 for its last owner. What they follow ends in the background."""
    if person.role == "owner":
        await _keep_an_owner(session, person.account_id)
    await session.execute(delete(PersonRow).where(PersonRow.account_id == person.account_id, PersonRow.id == person.id))
    await _part_with(session, person, person.email)


def fields_of(person: PersonRow) -> dict[str, Any]:
    """What can be written about the person, as it is now: what a merge patch is applied to."""
    fields = PersonFields.model_validate(person, from_attributes=True, extra="ignore", context=STORED)
    return fields.model_dump(mode="json", exclude_none=True)


def person_document(person: PersonRow) -> dict[str, Any]:
    """The person as the API shows them."""
    return Person.model_validate(person, context=STORED).model_dump()


def shown_to(who: Acting, person: PersonRow) -> dict[str, Any]:
    """The person as this caller sees them: viewers see no address but their own."""
    document = person_document(person)
    return document | {"email": None} if who.role == "viewer" and who.actor.id != person.id else document


async def _part_with(session: AsyncSession, person: PersonRow, email: str) -> None:
    """Note that the address is the person's no more, so that it may only read, and follows tickets no longer."""
    await (await driver(session)).execute(_FORMER, person.account_id, email, person.id)
    ring_after_commit(session, "former_addresses")


async def _keep_an_owner(session: AsyncSession, account_id: str) -> None:
    """409 when there is only one owner; the account is locked, so that two cannot leave at once."""
    await account_by_id(session, account_id, lock=True)
    if await count_owners(session, account_id) < 2:  # noqa: PLR2004 - one goes, one has to stay
        raise Conflict(_("An account keeps at least one owner: make somebody else an owner first"))


async def _flush(session: AsyncSession) -> None:
    try:
        await session.flush()
    except IntegrityError as error:
        raise Conflict(_("The account already has a person with this e-mail address")) from error
