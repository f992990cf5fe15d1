"""The terms of a preview: of a stored plan version, or of a plan document that comes with the request. Pure."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import orjson

from app.core.problems import Fault, Invalid, message_of
from app.core.process.memory import Memory
from app.core.text.messages import _
from app.plans.document.calendars import compile_calendars
from app.plans.document.naming import names_of
from app.plans.document.parsing.documents import PlanDocument, parse
from app.plans.document.parsing.expansion import HolidayDates, expanded, holiday_dates, years_around
from app.plans.document.parsing.stored import read_stored
from app.previews.fold import PreviewPlan
from app.previews.schemas import PreviewRequest
from app.sla.clock.terms import Terms
from app.sla.promises import terms_of

_ROOM: Final = 20_000
"""Days and windows of one calendar: thirty years of office hours. Callers choose the years, and write calendars."""


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A version of a plan as it is stored; ``text`` is its document, in JSON."""

    key: str
    version: int
    text: bytes
    digest: bytes
    """of the text"""


def document_of(memory: Memory, stored: StoredPlan) -> PlanDocument:
    """The document of a stored version."""
    known = memory.recall(PlanDocument, stored.digest)
    return known or memory.keep(stored.digest, read_stored(orjson.loads(stored.text))[0])


def known_terms(memory: Memory, command: PreviewRequest, stored: StoredPlan) -> Terms | None:
    """The terms of a stored version with what the account has, where they have been compiled before."""
    return memory.recall(Terms, _name(command, stored))


def plan_for(memory: Memory, command: PreviewRequest, stored: StoredPlan | None) -> PreviewPlan:
    """The plan with the account's add-ons, zone and holidays in it: the stored one, else the one that is brought.

    Raises ``Invalid`` for an unknown add-on or country, and for what is wrong in a document.
    """
    if stored is None:
        document = _brought(memory, command)
        return PreviewPlan(document.key, None, _compiled(memory, document, command), names_of(document))
    terms = known_terms(memory, command, stored)
    document = document_of(memory, stored)
    if terms is None:
        terms = memory.keep(_name(command, stored), _compiled(memory, document, command))
    return PreviewPlan(stored.key, stored.version, terms, names_of(document))


def _name(command: PreviewRequest, stored: StoredPlan) -> tuple[object, ...]:
    return (stored.digest, tuple(command.addons), command.time_zone, command.country, command.opened_at.year)


def _brought(memory: Memory, command: PreviewRequest) -> PlanDocument:
    """The document is remembered by its content; what it makes of calendars is not: callers could make it large."""
    name = (hashlib.sha256(orjson.dumps(command.plan)).digest(), command.opened_at.year)
    known = memory.recall(PlanDocument, name)
    return known or memory.keep(name, _parsed(command.plan, command.opened_at))


def _parsed(data: Any, opened_at: datetime) -> PlanDocument:
    try:
        return expanded(parse(data), years_around(opened_at))
    except Invalid as problem:
        raise Invalid(problem.detail, errors=[_within("/plan", fault) for fault in problem.errors]) from problem


def _within(place: str, fault: Fault) -> Fault:
    return fault | {"pointer": place + fault["pointer"]}


def _compiled(memory: Memory, document: PlanDocument, command: PreviewRequest) -> Terms:
    """The terms, less the warnings: nothing that a preview shows depends on them (C16)."""
    unknown = [place for place, addon in enumerate(command.addons) if addon not in document.addons]
    if unknown:
        raise Invalid(errors=[_unknown_addon(place, document.addons) for place in unknown])
    closed = _holidays(memory, command.country, command.opened_at)
    calendars = compile_calendars(document, command.time_zone, closed, room=_ROOM)
    return replace(terms_of(document, calendars, command.addons), warn_at=())


def _unknown_addon(place: int, known: Iterable[str]) -> Fault:
    return Fault(
        pointer=f"/addons/{place}",
        detail=_("The plan's add-ons are: {addons}", addons=list(known)) if known else _("The plan has no add-ons"),
    )


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
        raise Invalid(errors=[Fault(pointer="/country", detail=message_of(error))]) from error
