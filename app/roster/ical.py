"""A calendar of shifts as iCalendar (RFC 5545), for people's calendar apps. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from icalendar import Calendar as Document
from icalendar import Event

from app.calendars.hours import Calendar
from app.core.text.language import Language
from app.core.text.messages import Message, pgettext
from app.roster.choose import Window, joined, without

PROGRAM: Final = "-//Heliodesk//Shifts//EN"
REFRESH: Final = timedelta(hours=1)
"""How often an app is asked to look again."""
MOST: Final = 2_000
"""Entries of one calendar; each takes half a millisecond to write."""
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_TEXTS: Final[Mapping[str, Message]] = {
    "shift": pgettext("calendar", "On shift"),
    "cover": pgettext("calendar", "On shift for {other}"),
    "covered": pgettext("calendar", "Covered by {other}"),
    "absent": pgettext("calendar", "Absent"),
}


@dataclass(frozen=True, slots=True)
class Override:
    """From when to when who covers for whom."""

    id: str
    engineer_id: str
    covered_by: str
    since: datetime
    until: datetime
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Person:
    """An engineer, when they work by their own calendar, and when they are away."""

    id: str
    name: str
    calendar: Calendar
    absences: Sequence[Window]
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Rota:
    """The people whose shifts are shown, or who stand in for them; and what they have agreed upon."""

    people: Mapping[str, Person]
    overrides: Sequence[Override]
    begins: datetime
    ends: datetime
    language: Language = "en"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a calendar; ``busy``: the person works then."""

    uid: str
    begins: datetime
    ends: datetime
    text: str
    busy: bool
    changed_at: datetime


def span(now: datetime) -> Window:
    """What a calendar shows: whole months, so that an entry that is cut keeps its id from day to day."""
    months = now.year * 12 + now.month - 1
    first, last = months - 1, months + 4
    return (
        datetime(first // 12, first % 12 + 1, 1, tzinfo=UTC),
        datetime(last // 12, last % 12 + 1, 1, tzinfo=UTC),
    )


def of_engineer(rota: Rota, engineer_id: str) -> Iterator[Entry]:
    """An engineer's own shifts, those that they work for others, those that others work for them, and absences."""
    person = rota.people[engineer_id]
    yield from _shifts(rota, person)
    for override in rota.overrides:
        if override.engineer_id == engineer_id:
            text = _text(rota, "covered", rota.people[override.covered_by])
            yield from _of_override(rota, override, text, away=(), busy=False)
        elif override.covered_by == engineer_id:
            text = _text(rota, "cover", rota.people[override.engineer_id])
            yield from _of_override(rota, override, text, away=person.absences, busy=True)
    yield from _absences(rota, person)


def of_region(rota: Rota, members: Iterable[str]) -> Iterator[Entry]:
    """Who works when in a region: its engineers, whoever covers for them, and who of them is absent."""
    for engineer_id in members:
        person = rota.people[engineer_id]
        yield from _shifts(rota, person, f"{person.name} · ")
        for override in rota.overrides:
            if override.engineer_id == engineer_id:
                cover = rota.people[override.covered_by]
                text = f"{cover.name} · {_text(rota, 'cover', person)}"
                yield from _of_override(rota, override, text, away=cover.absences, busy=True)
        yield from _absences(rota, person, f"{person.name} · ")


def _text(rota: Rota, kind: str, other: Person) -> str:
    return _TEXTS[kind].to(rota.language, other=other.name)


def _shifts(rota: Rota, person: Person, prefix: str = "") -> Iterator[Entry]:
    covered = [(one.since, one.until) for one in rota.overrides if one.engineer_id == person.id]
    away = sorted([*person.absences, *covered])
    text = prefix + _TEXTS["shift"].to(rota.language)
    for begins, ends in without(person.calendar.open_windows(rota.begins, rota.ends), away):
        yield Entry(_uid(person.id, begins), begins, ends, text, busy=True, changed_at=person.changed_at)


def _of_override(rota: Rota, override: Override, text: str, *, away: Sequence[Window], busy: bool) -> Iterator[Entry]:
    begins, ends = max(rota.begins, override.since), min(rota.ends, override.until)
    if ends <= begins:
        return
    shifts = rota.people[override.engineer_id].calendar.open_windows(begins, ends)
    for opens, closes in without(shifts, sorted(away)):
        uid = _uid(f"{override.id}-{'cover' if busy else 'covered'}", opens)
        yield Entry(uid, opens, closes, text, busy=busy, changed_at=override.made_at)


def _absences(rota: Rota, person: Person, prefix: str = "") -> Iterator[Entry]:
    text = prefix + _TEXTS["absent"].to(rota.language)
    for begins, ends in joined(sorted(person.absences)):
        if begins < rota.ends and ends > rota.begins:
            uid = _uid(f"{person.id}-absent", begins)
            yield Entry(uid, begins, ends, text, busy=False, changed_at=person.changed_at)


def nearest(entries: Iterable[Entry], now: datetime) -> list[Entry]:
    """The entries in order; of more than a calendar holds, those that come first from now on."""
    ordered = sorted(entries, key=lambda entry: (entry.begins, entry.uid))
    if len(ordered) <= MOST:
        return ordered
    return [entry for entry in ordered if entry.ends > now][:MOST]


def _uid(name: str, begins: datetime) -> str:
    return f"{name}-{begins:%Y%m%dT%H%M%S}Z@heliodesk"


def written(name: str, entries: Iterable[Entry]) -> bytes:
    """The calendar as it is sent (``text/calendar``)."""
    document = Document()
    document.add("version", "2.0")
    document.add("prodid", PROGRAM)
    document.add("method", "PUBLISH")
    document.add("name", _clean(name))
    document.add("x-wr-calname", _clean(name))
    document.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    document.add("x-published-ttl", "PT1H")
    for entry in entries:
        event = Event()
        event.add("uid", entry.uid)
        event.add("dtstamp", entry.changed_at)
        event.add("dtstart", entry.begins)
        event.add("dtend", entry.ends)
        event.add("summary", _clean(entry.text))
        event.add("transp", "OPAQUE" if entry.busy else "TRANSPARENT")
        document.add_component(event)
    return bytes(document.to_ical())


def _clean(text: str) -> str:
    """The text without control characters: the TEXT of RFC 5545 (3.3.11) has none."""
    return _CONTROLS.sub(" ", text)
