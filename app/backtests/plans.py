"""The terms that a ticket had, and those that are tried on it; compiled once in a process. Pure."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final, Literal, TypeAlias

import orjson

from app.core.problems import BadRequest, Fault, Invalid
from app.core.process.memory import Memory
from app.core.schemas.merging import merge_patch
from app.core.text.messages import _
from app.plans.document.calendars import compile_calendars
from app.plans.document.parsing.documents import PlanDocument, parse
from app.plans.document.parsing.expansion import expanded, years_around
from app.plans.document.parsing.heavy import PlanText
from app.plans.document.parsing.reading import read_yaml
from app.plans.document.parsing.stored import read_stored
from app.sla.clock.terms import Terms
from app.sla.pins import Pins
from app.sla.promises import terms_of

Reason: TypeAlias = Literal["priority", "plan", "cycles", "calendar", "history", "starved"]
"""Why a ticket is left out: a priority that the plan does not know and nothing maps, a change that makes the plan of
the ticket invalid, more cycles than are told, an instant beyond the calendar, a history that cannot be replayed, no
time of a processor."""

_ROOM: Final = 20_000
"""Days and windows of one calendar: thirty years of office hours. Callers write the calendars."""


class LeftOut(Exception):
    """The plan cannot be tried on this ticket."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class Stored:
    """What some tickets are bound to, as it is stored: documents in JSON, and the dates of sets of holidays."""

    documents: Mapping[tuple[str, int], bytes] = field(default_factory=dict)
    holidays: Mapping[str, tuple[date, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried: one ``document`` from the opening of each ticket on, or with None the plans that it had.

    ``change`` is a merge patch of those; where there is a document, it is part of that already.
    """

    document: bytes | None
    change: Mapping[str, Any] | None
    since: datetime
    """decides the years for which the holidays of a country become dates"""
    priorities: Mapping[str, str] = field(default_factory=dict)
    """what becomes of priorities that the plan does not know"""

    def names(self, document: PlanDocument, priority: str) -> str:
        """The priority as this document knows it. Raises ``LeftOut``."""
        name = priority if priority in document.priority_keys else self.priorities.get(priority, priority)
        if name not in document.priority_keys:
            raise LeftOut("priority", f"{document.key} has no priority {priority}")
        return name


@dataclass(frozen=True, slots=True)
class Promised:
    """A plan document, and its terms for one combination of pins."""

    document: PlanDocument
    terms: Terms


def prepared(document: bytes, change: Mapping[str, Any] | None, since: datetime, *, brought: bool) -> bytes:
    """The document that is tried, in JSON: changed, checked, and with holidays for the years around ``since``.

    ``brought``: it comes with the request, and is read strictly. Raises ``Invalid`` with pointers into the request.
    """
    data = orjson.loads(document)
    if not brought:
        data = read_stored(data)[0].canonical()
    place = "/change" if change else "/plan"
    try:
        checked = expanded(parse(merge_patch(data, change or {})), years_around(since))
    except Invalid as problem:
        faults = [fault | Fault(pointer=place + fault["pointer"], detail=fault["detail"]) for fault in problem.errors]
        raise Invalid(problem.detail, errors=faults) from problem
    return orjson.dumps(checked.canonical())


def read_text(text: PlanText) -> Any:
    """What a request in YAML says. Raises ``BadRequest`` and ``Invalid``."""
    try:
        return read_yaml(text.body.decode())
    except UnicodeDecodeError as error:
        raise BadRequest(_("The body is not UTF-8 text")) from error


class Plans:
    """The promises behind pins, for one batch of tickets."""

    def __init__(self, memory: Memory, stored: Stored, trial: Trial) -> None:
        self._memory, self._stored, self.trial = memory, stored, trial
        self._digests = {name: hashlib.sha256(text).digest() for name, text in stored.documents.items()}
        tried = orjson.dumps([trial.change, trial.since.year]) if trial.document is None else trial.document
        self._tried = hashlib.sha256(tried).digest()

    def recorded(self, pins: Pins) -> Promised:
        """What the ticket was promised. Raises ``LeftOut`` where that is not stored any more."""
        return self._promised(self._digest(pins), pins)

    def tried(self, pins: Pins) -> Promised:
        """What it would be promised. Raises ``LeftOut``."""
        if self.trial.document is not None:
            return self._promised(self._tried, pins)
        return self._promised(self._digest(pins), pins, changed=bool(self.trial.change))

    def _digest(self, pins: Pins) -> bytes:
        digest = self._digests.get((pins.plan_key, pins.plan_version))
        if digest is None:
            raise LeftOut("history", f"{pins.plan_key}@{pins.plan_version} is not stored")
        return digest

    def _promised(self, digest: bytes, pins: Pins, *, changed: bool = False) -> Promised:
        source = (digest, self._tried if changed else b"")
        name = (source, pins.addons, pins.time_zone, pins.holiday_set)
        known = self._memory.recall(Promised, name)
        if known is not None:
            return known
        document = self._document(source, pins, changed=changed)
        return self._memory.keep(name, Promised(document, self._terms(document, pins)))

    def _document(self, source: tuple[bytes, bytes], pins: Pins, *, changed: bool) -> PlanDocument:
        known = self._memory.recall(PlanDocument, source)
        if known is not None:
            return known
        text = self.trial.document if source[0] == self._tried else None
        stored = text or self._stored.documents[pins.plan_key, pins.plan_version]
        document = read_stored(orjson.loads(stored))[0]
        return self._memory.keep(source, self._changed(document, pins) if changed else document)

    def _changed(self, document: PlanDocument, pins: Pins) -> PlanDocument:
        """The document after the change. The holidays that it has as dates stay, unless the calendars change."""
        change = self.trial.change or {}
        try:
            changed = parse(merge_patch(document.canonical(), change))
            return expanded(changed, years_around(self.trial.since)) if "calendars" in change else changed
        except Invalid as problem:
            where = f"{pins.plan_key}@{pins.plan_version}"
            raise LeftOut("plan", f"The change makes {where} invalid: {'; '.join(_told(problem))}") from problem

    def _terms(self, document: PlanDocument, pins: Pins) -> Terms:
        """The terms, less the warnings: no outcome depends on them (C16)."""
        closed = self._stored.holidays[pins.holiday_set] if pins.holiday_set else ()
        calendars = compile_calendars(document, pins.time_zone, closed, room=_ROOM)
        return replace(terms_of(document, calendars, pins.addons), warn_at=())


def _told(problem: Invalid) -> Iterator[str]:
    for fault in problem.errors:
        yield f"{fault['pointer']}: {fault['detail']}"
