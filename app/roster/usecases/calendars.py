"""Calendars of shifts for people's calendar apps, and the secret tokens that show them."""

import asyncio
import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Principal, hash_key
from app.core.clock import database_now
from app.core.db.session import memory_of
from app.core.db.statements.rows import row_by_id
from app.core.ids import new_id
from app.core.problems import NotFound, Unauthorized
from app.core.process.cooperative import in_turns
from app.core.text.language import Language
from app.core.text.messages import _
from app.core.web.kit.paging import Page, in_order
from app.roster import ical, shifts
from app.roster.calendar_schemas import CalendarToken
from app.roster.models import CalendarTokenRow, EngineerRow, RegionRow, ShiftOverrideRow


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks for a calendar: somebody of support with their key, or whoever has a token."""

    principal: Principal | None
    token: str | None
    language: Language


@dataclass(frozen=True, slots=True)
class Shown:
    """What a calendar shows."""

    name: str
    entries: Sequence[ical.Entry]


async def create_token(session: AsyncSession, subject_id: str, *, now: datetime) -> tuple[CalendarTokenRow, str]:
    """A new token for the calendar of an engineer or a region, and its secret, of which only the hash is kept."""
    secret = f"hd_calendar_{secrets.token_hex(24)}"
    token = CalendarTokenRow(id=new_id("cat"), subject_id=subject_id, token_hash=hash_key(secret), created_at=now)
    session.add(token)
    await session.flush()
    return token, secret


async def tokens_page(session: AsyncSession, subject_id: str, page: Page) -> Sequence[CalendarTokenRow]:
    """A page of a calendar's tokens, the oldest first, and one more."""
    return await in_order(session, CalendarTokenRow, page, subject_id=subject_id)


async def delete_token(session: AsyncSession, subject_id: str, token_id: str) -> None:
    """Revoke a token: its address shows nothing from the next request on. 404 when the calendar has no such token."""
    await session.delete(await row_by_id(session, CalendarTokenRow, token_id, subject_id=subject_id))
    await session.flush()


def token_document(token: CalendarTokenRow, url: str | None = None) -> dict[str, Any]:
    """The token as the API shows it; its address only when it was just made."""
    document = CalendarToken.model_validate(token).model_dump()
    return document | ({"url": url} if url else {})


async def engineer_calendar(session: AsyncSession, reader: Reader, engineer_id: str) -> Shown:
    """The calendar of an engineer. 401 for a token of another one, 404 for an engineer who is not there."""
    await _check_token(session, reader, engineer_id)
    engineer = await session.get(EngineerRow, engineer_id)
    if engineer is None or not _sees(reader, engineer.account_id):
        raise NotFound
    now = await database_now(session)
    rota = await _rota(session, [engineer], reader.language, now)
    return await _shown(engineer.name, ical.of_engineer(rota, engineer.id), now)


async def region_calendar(session: AsyncSession, reader: Reader, key: str, account_id: str | None) -> Shown:
    """The calendar of a region, found by its key: a live one, or a sandbox account's. 401 and 404 as above."""
    region = await _region(session, reader, key, account_id)
    members = select(EngineerRow).where(
        EngineerRow.region == region.key,
        EngineerRow.account_id.is_not_distinct_from(region.account_id),
        EngineerRow.active,
    )
    engineers = (await session.scalars(members.order_by(EngineerRow.name, EngineerRow.id))).all()
    now = await database_now(session)
    rota = await _rota(session, engineers, reader.language, now)
    return await _shown(region.name, ical.of_region(rota, [one.id for one in engineers]), now)


async def as_text(calendar: Shown) -> bytes:
    """The calendar as it is sent, written while this process goes on with other things."""
    return await asyncio.to_thread(ical.written, calendar.name, calendar.entries)


async def _shown(name: str, entries: Iterable[ical.Entry], now: datetime) -> Shown:
    found = [entry async for entry in in_turns(entries)]
    return Shown(name, ical.nearest(found, now))


def _sees(reader: Reader, account_id: str | None) -> bool:
    return reader.principal is None or reader.principal.account_id in (None, account_id)


async def _check_token(session: AsyncSession, reader: Reader, subject_id: str) -> None:
    if reader.principal is None and await _subject(session, reader) != subject_id:
        raise Unauthorized(_("This token does not show this calendar"))


async def _subject(session: AsyncSession, reader: Reader) -> str:
    found = await session.scalar(
        select(CalendarTokenRow.subject_id).where(CalendarTokenRow.token_hash == hash_key(reader.token or ""))
    )
    if found is None:
        raise Unauthorized(_("This token is not known, or was deleted"))
    return found


async def _region(session: AsyncSession, reader: Reader, key: str, account_id: str | None) -> RegionRow:
    query = select(RegionRow).where(RegionRow.key == key)
    if reader.principal is None:
        query = query.where(RegionRow.id == await _subject(session, reader))
    else:
        query = query.where(RegionRow.account_id.is_not_distinct_from(account_id))
    region = await session.scalar(query)
    if region is None and reader.principal is None:
        raise Unauthorized(_("This token does not show this calendar"))
    if region is None or not _sees(reader, region.account_id):
        raise NotFound
    return region


async def _rota(
    session: AsyncSession, engineers: Sequence[EngineerRow], language: Language, now: datetime
) -> ical.Rota:
    """These engineers of one roster and everybody whose override concerns them, with their calendars."""
    begins, ends = ical.span(now)
    ids = [engineer.id for engineer in engineers]
    overrides = (
        await session.scalars(
            select(ShiftOverrideRow)
            .where(or_(ShiftOverrideRow.engineer_id.in_(ids), ShiftOverrideRow.covered_by.in_(ids)))
            .where(ShiftOverrideRow.until > begins, ShiftOverrideRow.since < ends)
            .order_by((ShiftOverrideRow.until > now).desc(), ShiftOverrideRow.since, ShiftOverrideRow.id)
            .limit(ical.MOST)
        )
    ).all()
    others = {name for one in overrides for name in (one.engineer_id, one.covered_by)} - set(ids)
    further = (await session.scalars(select(EngineerRow).where(EngineerRow.id.in_(others)))).all()
    people = await _people(session, [*engineers, *further])
    # As in the choice of experts: an override whose substitute is not active does not hold.
    active = {engineer.id for engineer in (*engineers, *further) if engineer.active}
    known = [
        ical.Override(one.id, one.engineer_id, one.covered_by, one.since, one.until, one.created_at)
        for one in overrides
        if one.covered_by in active
    ]
    return ical.Rota(people, known, begins, ends, language)


async def _people(session: AsyncSession, engineers: Collection[EngineerRow]) -> dict[str, ical.Person]:
    memory = memory_of(session)
    owner = next((engineer.account_id for engineer in engineers), None)
    regions = await session.scalars(select(RegionRow).where(RegionRow.account_id.is_not_distinct_from(owner)))
    calendars = {region.key: shifts.compiled(memory, region.calendar) for region in regions}
    return {
        one.id: ical.Person(
            one.id,
            one.name,
            shifts.of_engineer(memory, one.shifts, one.region, calendars),
            [(datetime.fromisoformat(away["from"]), datetime.fromisoformat(away["to"])) for away in one.absences],
            one.updated_at,
        )
        for one in engineers
    }
