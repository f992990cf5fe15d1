"""The terms of a preview: of a stored plan version, or of a plan document that comes with the request."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db import Sessions, lookup, memory_of, transaction
from app.core.memory import Memory
from app.core.problems import Fault, Invalid, NotFound
from app.core.state import State
from app.plans import store
from app.plans.calendars import compile_calendars
from app.plans.documents import PlanDocument, parse
from app.plans.holidays import HolidayDates, holiday_dates, years_around
from app.previews.fold import PreviewPlan
from app.previews.schemas import PreviewInput
from app.sla.promises import terms_of
from app.sla.terms import Terms

_ROOM: Final = 20_000
"""Days and windows of one calendar: thirty years of office hours. Callers choose the years, and write calendars."""

_CURRENT: Final = "SELECT max(version) FROM plan_versions WHERE key = $1 AND archived_at IS NULL"


async def plan_of(state: State, command: PreviewInput) -> PreviewPlan:
    """The plan that a preview names or brings, with the account's add-ons, zone and holidays in it.

    Raises ``Invalid`` for an unknown plan, version, add-on or country, and for what is wrong in a document.
    """
    if isinstance(command.plan, dict):
        return _drafted(state.previews, command)
    if not isinstance(command.plan, str):
        raise _invalid("/plan", "A plan is named by its key, or given as a whole document")
    version = command.version or await _current(state.engine, command.plan)
    name = (command.plan, version, tuple(command.addons), command.time_zone, command.country, command.opened_at.year)
    terms = state.previews.recall(Terms, name)
    if terms is None:
        document = await _document(state.sessions, command.plan, version)
        terms = state.previews.keep(name, _terms(state.previews, document, command))
    return PreviewPlan(command.plan, version, terms)


async def _current(engine: AsyncEngine, key: str) -> int:
    """The plan's current version, in one round trip: it may be another one at any time."""
    async with lookup(engine) as connection:
        version: int | None = await connection.fetchval(_CURRENT, key)
    if version is None:
        raise _invalid("/plan", f"There is no plan {key}")
    return version


async def _document(sessions: Sessions, key: str, version: int) -> PlanDocument:
    async with transaction(sessions) as session:
        try:
            return await store.document(session, memory_of(session), key, version)
        except NotFound as error:
            raise _invalid("/version", error.detail) from error


def _drafted(memory: Memory, command: PreviewInput) -> PreviewPlan:
    """The document is remembered by its content; what it makes of calendars is not: callers could make it large."""
    if command.version is not None:
        raise _invalid("/version", "A plan document that comes with the request has no version")
    content = hashlib.sha256(orjson.dumps(command.plan)).digest()
    name = (content, command.opened_at.year)
    document = memory.recall(PlanDocument, name)
    if document is None:
        document = memory.keep(name, _parsed(command.plan, command.opened_at))
    return PreviewPlan(document.key, None, _terms(memory, document, command))


def _parsed(data: Any, opened_at: datetime) -> PlanDocument:
    try:
        return store.expanded(parse(data), years_around(opened_at))
    except Invalid as problem:
        raise Invalid(problem.detail, errors=[_within("/plan", fault) for fault in problem.errors]) from problem


def _within(place: str, fault: Fault) -> Fault:
    return fault | {"pointer": place + fault["pointer"]}


def _terms(memory: Memory, document: PlanDocument, command: PreviewInput) -> Terms:
    """The terms, less the warnings: nothing that a preview shows depends on them (C16)."""
    unknown = [place for place, addon in enumerate(command.addons) if addon not in document.addons]
    if unknown:
        raise Invalid(errors=[_unknown_addon(place, document.addons) for place in unknown])
    closed = _holidays(memory, command.country, command.opened_at)
    calendars = compile_calendars(document, command.time_zone, closed, room=_ROOM)
    return replace(terms_of(document, calendars, command.addons), warn_at=())


def _unknown_addon(place: int, known: Iterable[str]) -> Fault:
    return Fault(pointer=f"/addons/{place}", detail=f"The plan's add-ons are: {', '.join(known) or 'none'}")


def _holidays(memory: Memory, country: str | None, opened_at: datetime) -> HolidayDates:
    if country is None:
        return HolidayDates()
    name = (country, opened_at.year)
    known = memory.recall(HolidayDates, name)
    if known is not None:
        return known
    try:
        return memory.keep(name, HolidayDates(holiday_dates(country, None, years_around(opened_at))))
    except ValueError as error:
        raise _invalid("/country", str(error)) from error


def _invalid(place: str, detail: str) -> Invalid:
    return Invalid(errors=[Fault(pointer=place, detail=detail)])
