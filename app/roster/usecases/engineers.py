"""Making and changing engineers."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.ids import new_id
from app.core.schemas.mailboxes import STORED
from app.core.text.messages import _
from app.roster import shifts
from app.roster.models import EngineerRow
from app.roster.sandboxes import check_owner
from app.roster.schemas import Engineer, EngineerFields, NewEngineer
from app.roster.usecases.regions import check_region
from app.roster.wakes import wake_routed


async def create_engineer(session: AsyncSession, command: NewEngineer, *, now: datetime) -> EngineerRow:
    """A new engineer. 422 for an account that is not a sandbox, an unknown region, a faulty calendar."""
    await check_owner(session, command.account_id, _("Only a sandbox account has engineers of its own"))
    columns = await _columns(session, command, command.account_id, now)
    stamps = {"version": 1, "created_at": now, "updated_at": now}
    engineer = EngineerRow(id=new_id("eng"), account_id=command.account_id, **columns, **stamps)
    session.add(engineer)
    await session.flush()
    await wake_routed(session, engineer.account_id)
    return engineer


async def update_engineer(
    session: AsyncSession, engineer: EngineerRow, fields: EngineerFields, *, now: datetime
) -> None:
    """Write the engineer's new fields; 422 as when one is made."""
    for name, value in (await _columns(session, fields, engineer.account_id, now)).items():
        setattr(engineer, name, value)
    engineer.version += 1
    engineer.updated_at = now
    await session.flush()
    await wake_routed(session, engineer.account_id)


async def _columns(
    session: AsyncSession, fields: EngineerFields, account_id: str | None, now: datetime
) -> dict[str, Any]:
    if fields.region is not None:
        await check_region(session, fields.region, account_id, "/region")
    columns = fields.model_dump(mode="json", by_alias=True, include=set(EngineerFields.model_fields))
    return columns | {"shifts": await shifts.stored(fields.shifts, "/shifts", now) if fields.shifts else None}


def fields_of(engineer: EngineerRow) -> dict[str, Any]:
    """What can be written about the engineer, as it is now: what a merge patch is applied to."""
    fields = EngineerFields.model_validate(engineer, from_attributes=True, extra="ignore", context=STORED)
    return fields.model_dump(mode="json", by_alias=True, exclude_none=True)


def engineer_document(engineer: EngineerRow) -> dict[str, Any]:
    """The engineer as the API shows them."""
    return Engineer.model_validate(engineer, context=STORED).model_dump(by_alias=True)
