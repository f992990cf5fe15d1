"""Making and changing engineers."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.queries import account_by_id
from app.core.ids import new_id
from app.core.problems import Fault, Invalid, NotFound
from app.roster.models import Engineer
from app.roster.schemas import EngineerCreate, EngineerDocument, EngineerFields


async def create_engineer(session: AsyncSession, command: EngineerCreate, *, now: datetime) -> Engineer:
    """A new engineer; 422 for an account that is not a sandbox: live ones are served by the whole roster."""
    if command.account_id is not None:
        await _check_sandbox(session, command.account_id)
    stamps = {"version": 1, "created_at": now, "updated_at": now}
    engineer = Engineer(id=new_id("eng"), shifts={}, active=True, **command.model_dump(), **stamps)
    session.add(engineer)
    await session.flush()
    return engineer


async def change_engineer(session: AsyncSession, engineer: Engineer, fields: EngineerFields, *, now: datetime) -> None:
    """Write what the engineer shall be."""
    for name, value in fields.model_dump().items():
        setattr(engineer, name, value)
    engineer.version += 1
    engineer.updated_at = now
    await session.flush()


def fields_of(engineer: Engineer) -> dict[str, Any]:
    """What can be written about the engineer, as it is now: what a merge patch is applied to."""
    fields = EngineerFields.model_validate(engineer, from_attributes=True, extra="ignore")
    return fields.model_dump(mode="json", exclude_none=True)


def engineer_document(engineer: Engineer) -> dict[str, Any]:
    """The engineer as they are answered."""
    return EngineerDocument.model_validate(engineer).model_dump()


async def _check_sandbox(session: AsyncSession, account_id: str) -> None:
    try:
        account = await account_by_id(session, account_id)
    except NotFound as error:
        raise _fault("There is no such account") from error
    if account.sandbox_now is None:
        raise _fault("Only a sandbox account has engineers of its own")


def _fault(detail: str) -> Invalid:
    return Invalid(errors=[Fault(pointer="/account_id", detail=detail)])
