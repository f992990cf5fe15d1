"""Shift overrides: somebody covers for somebody else, from one instant to another."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Principal
from app.core.db.statements.housekeeping import keep_newest
from app.core.ids import new_id
from app.core.problems import Conflict, Fault, Forbidden, Invalid, NotFound
from app.core.text.messages import Message, _
from app.core.web.kit.paging import Page
from app.roster.models import EngineerRow, ShiftOverrideRow
from app.roster.override_schemas import NewOverride, Override
from app.roster.wakes import wake_routed

KEPT: Final = 1000
"""Overrides of an engineer that are kept after they are over: those that ended last."""
_OVER: Final = "until <= clock_timestamp()"


async def create_override(
    session: AsyncSession, principal: Principal, engineer_id: str, command: NewOverride, *, now: datetime
) -> ShiftOverrideRow:
    """A new override. Those of the engineer's that were over long ago make room.

    404 for an engineer who is not there; 422 for a substitute who
    is the same person, not active, or of another roster; 409 when one of the two covers or is covered by a third at
    that time, is covered already, or the substitute is absent.
    """
    rows = await _locked(session, {engineer_id, command.covered_by}, principal.only)
    engineer, cover = rows.get(engineer_id), rows.get(command.covered_by)
    if engineer is None:
        raise NotFound
    if fault := _unfit(engineer, cover):
        raise Invalid(errors=[Fault(pointer="/covered_by", detail=fault)])
    await _check_overlaps(session, engineer_id, command)
    _check_absence(rows[command.covered_by], command)
    override = ShiftOverrideRow(
        id=new_id("ovr"),
        engineer_id=engineer_id,
        covered_by=command.covered_by,
        since=command.since,
        until=command.until,
        created_at=now,
    )
    session.add(override)
    await session.flush()
    await keep_newest(session, ShiftOverrideRow, _OVER, "until", KEPT, engineer_id=engineer_id)
    await wake_routed(session, engineer.account_id)
    return override


async def overrides_page(
    session: AsyncSession, principal: Principal, engineer_id: str, page: Page
) -> Sequence[ShiftOverrideRow]:
    """A page of the overrides that concern an engineer, covered or covering, the earliest first, and one more."""
    await _visible(session, principal, engineer_id)
    query = _concerning(engineer_id)
    if place := page.place(datetime, str):
        query = query.where(tuple_(ShiftOverrideRow.since, ShiftOverrideRow.id) > place)
    query = query.order_by(ShiftOverrideRow.since, ShiftOverrideRow.id).limit(page.limit + 1)
    return (await session.scalars(query)).all()


async def delete_override(session: AsyncSession, principal: Principal, engineer_id: str, override_id: str) -> None:
    """End an override, or take it back before it begins. 404 when it does not concern this engineer."""
    engineer = await _visible(session, principal, engineer_id)
    override = await session.scalar(
        _concerning(engineer_id).where(ShiftOverrideRow.id == override_id).with_for_update()
    )
    if override is None:
        raise NotFound
    check_caller(principal, override.engineer_id, override.covered_by)
    await session.delete(override)
    await session.flush()
    await wake_routed(session, engineer.account_id)


def override_document(override: ShiftOverrideRow) -> dict[str, Any]:
    """The override as the API shows it."""
    return Override.model_validate(override, by_name=True).model_dump(by_alias=True)


def override_place(override: ShiftOverrideRow) -> tuple[datetime, str]:
    """Where an override stands in a list."""
    return override.since, override.id


def check_caller(principal: Principal, *concerned: str) -> None:
    """403 unless it is an admin's key, or that of one of the two engineers."""
    if principal.kind == "admin" or (principal.kind == "agent" and principal.engineer_id in concerned):
        return
    raise Forbidden(_("Only admins, and the engineers whom an override concerns, can write it"))


async def _visible(session: AsyncSession, principal: Principal, engineer_id: str) -> EngineerRow:
    engineer = await session.get(EngineerRow, engineer_id)
    if engineer is None or principal.account_id not in (None, engineer.account_id):
        raise NotFound
    return engineer


async def _locked(session: AsyncSession, ids: set[str], only: str | None) -> dict[str, EngineerRow]:
    """Both engineers, locked in the order of their ids, so that no two overrides at once contradict each other.

    ``only``: the account whose engineers the caller sees; None: all.
    """
    query = select(EngineerRow).where(EngineerRow.id.in_(ids))
    query = query if only is None else query.where(EngineerRow.account_id == only)
    return {each.id: each for each in await session.scalars(query.order_by(EngineerRow.id).with_for_update())}


def _unfit(engineer: EngineerRow, cover: EngineerRow | None) -> Message | None:
    if cover is None or cover.account_id != engineer.account_id:
        return _("There is no such engineer on the same roster")
    if cover.id == engineer.id:
        return _("Engineers cannot cover for themselves")
    return None if cover.active else _("This engineer is not active")


async def _check_overlaps(session: AsyncSession, engineer_id: str, command: NewOverride) -> None:
    """409 unless, at that time, the one is free to go and the other is there: an override is never passed on."""
    contradicting = or_(
        ShiftOverrideRow.engineer_id.in_([engineer_id, command.covered_by]), ShiftOverrideRow.covered_by == engineer_id
    )
    query = select(ShiftOverrideRow.id).where(
        contradicting, ShiftOverrideRow.since < command.until, ShiftOverrideRow.until > command.since
    )
    found = await session.scalar(query.order_by(ShiftOverrideRow.since, ShiftOverrideRow.id).limit(1))
    if found:
        raise Conflict(_("Another override already concerns one of the two at that time"), override=found)


def _check_absence(cover: EngineerRow, command: NewOverride) -> None:
    for absence in cover.absences:
        begins, ends = (datetime.fromisoformat(absence[name]) for name in ("from", "to"))
        if begins < command.until and command.since < ends:
            raise Conflict(_("The covering engineer is absent at that time"), absence=absence)


def _concerning(engineer_id: str) -> Select[ShiftOverrideRow]:
    return select(ShiftOverrideRow).where(
        or_(ShiftOverrideRow.engineer_id == engineer_id, ShiftOverrideRow.covered_by == engineer_id)
    )
