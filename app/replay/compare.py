"""Replaying a ticket: folding what its events say must give exactly what its rows say (C18)."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Final

from app.core.auth import SERVICE
from app.core.db.tables import Row
from app.core.text.amounts import amount
from app.events.stub import stub_of
from app.replay.snapshots import Snapshot
from app.sla.clock.clock import open_clock
from app.sla.clock.deadline import Deadline
from app.sla.deadlines import clock_facts, load_clock
from app.sla.history import History, history_of
from app.tickets.editing.clock import catch_up, change_clock, take_step
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.load import pins_of
from app.tickets.staffing.roster import LEFT_FOR

_COMPARED: Final = ("status", "priority", "tier", "resolved_at", "closed_at", "closed_reason")
_DEADLINE: Final = tuple(field.name for field in fields(Deadline) if field.compare)


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact in which the database and the replay disagree. ``place``: ``ticket``, ``events``, ``<metric>/<cycle>``."""

    ticket_id: str
    place: str
    field: str
    stored: Any
    replayed: Any

    def __str__(self) -> str:
        return (
            f"{self.ticket_id} {self.place} {self.field}: stored {_text(self.stored)}, replayed {_text(self.replayed)}"
        )


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_text, value))}]"
    return str(value)


def differences(snapshot: Snapshot) -> list[Difference]:
    """All in which the ticket's rows are not what its history gives; none, if all is well.

    A history that cannot be replayed is such a difference too.
    """
    try:
        return list(_differences(snapshot))
    except Exception as error:  # noqa: BLE001  whatever is wrong with one ticket must not hide the others
        wrong = f"not at all: {type(error).__name__}: {error}"
        return [Difference(snapshot.ticket.id, "events", "history", amount(snapshot.told, "event"), wrong)]


def _differences(snapshot: Snapshot) -> Iterator[Difference]:
    ticket_id, ticket = snapshot.ticket.id, snapshot.ticket
    for place, stored, replayed in (
        ("events", {"number": snapshot.told}, {"number": ticket.sequence}),
        ("events", *_misses(snapshot)),
        ("last event", snapshot.stub or {}, stub_of(ticket) if snapshot.stub else {}),
        *_pairs(snapshot),
    ):
        for name in (*replayed, *(stored.keys() - replayed.keys())):
            if stored.get(name) != replayed.get(name):
                yield Difference(ticket_id, place, name, stored.get(name), replayed.get(name))


def _pairs(snapshot: Snapshot) -> Iterator[tuple[str, Row, Row]]:
    """What the ticket's row and deadlines say, beside what they should say, by place."""
    stored = _stored(snapshot)
    columns = dict(stored.followed())
    if snapshot.postponed or _is_left(snapshot.ticket.wake_at, columns["wake_at"], snapshot.now):
        del columns["wake_at"]  # the sweep leaves it alone, unless a change of the roster wakes it
    yield "ticket", {name: getattr(snapshot.ticket, name) for name in columns}, columns
    replayed = _replayed(snapshot)
    for work in (stored, replayed):
        work.now = snapshot.now
        catch_up(work)
    yield "ticket", _columns(stored), _columns(replayed)
    yield "clock", clock_facts(stored.clock), clock_facts(replayed.clock)
    before, after = _by_place(stored.deadlines), _by_place(replayed.deadlines)
    for place in sorted(before.keys() | after.keys()):
        old, new = before.get(place), after.get(place)
        yield (place, old, new) if old and new else (place, {"row": _row(old)}, {"row": _row(new)})


def _is_left(wake_at: datetime | None, due_at: datetime | None, now: datetime) -> bool:
    """Whether what is due already comes back to the sweep within a moment, as its experts are being seen to."""
    return wake_at is not None and due_at is not None and due_at <= wake_at <= now + LEFT_FOR


def _stored(snapshot: Snapshot) -> TicketEdit:
    """The ticket as the next use case would lock it, with its ended deadlines too."""
    ticket, promise = snapshot.ticket, snapshot.promises[pins_of(snapshot.ticket)]
    facts = ticket.clock or {}
    clock = load_clock(promise.terms, ticket.status, ticket.priority, ticket.tier, facts, snapshot.deadlines)
    return TicketEdit(ticket.replaced(), clock, promise.document, {}, snapshot.now)


def _replayed(snapshot: Snapshot) -> TicketEdit:
    """The ticket after all changes of its history, each taken over as it was when it happened."""
    terms = {pins: promise.terms for pins, promise in snapshot.promises.items()}
    history = history_of(snapshot.ticket.id, snapshot.events, terms)
    step = open_clock(terms[history.opened_under], history.opened_at, history.priority)
    ticket = snapshot.ticket.replaced(resolved_at=None, closed_at=None, closed_reason=None, **_pinned(history))
    work = TicketEdit(ticket, step.clock, snapshot.promises[history.opened_under].document, {}, history.opened_at)
    take_step(work, step, SERVICE)
    for change in history.changes:
        work.now = change.at
        change_clock(work, change, SERVICE)
    return work


def _pinned(history: History) -> dict[str, Any]:
    return {
        "plan_key": history.pins.plan_key,
        "plan_version": history.pins.plan_version,
        "plan_addons": list(history.pins.addons),
        "time_zone": history.pins.time_zone,
        "holiday_set": history.pins.holiday_set,
    }


def _columns(work: TicketEdit) -> Row:
    return {name: getattr(work.ticket, name) for name in _COMPARED} | {"plan": pins_of(work.ticket)}


def _by_place(deadlines: Iterable[Deadline]) -> Mapping[str, Row]:
    return {_place(d.metric, d.subject, d.cycle): {name: getattr(d, name) for name in _DEADLINE} for d in deadlines}


def _place(metric: str, subject: str | None, cycle: int) -> str:
    return f"{metric}/{subject}/{cycle}" if subject else f"{metric}/{cycle}"


def _row(deadline: Row | None) -> str:
    return f"{deadline['state']}, due {_text(deadline['due_at'])}" if deadline else "absent"


def _misses(snapshot: Snapshot) -> tuple[Row, Row]:
    """How often, and for which instant, each miss was told; and how it should have been: once for each missed row."""
    rows = [row for row in snapshot.deadlines if row["missed_at"]]
    told = [event for event in snapshot.events if event["type"] == "deadline.missed"]
    return (
        _counted((event["data"], event["timestamp"]) for event in told),
        _counted((row, row["missed_at"]) for row in rows),
    )


def _counted(misses: Iterable[tuple[Row, str]]) -> Row:
    instants = ((_place(of["metric"], of["subject"], of["cycle"]), datetime.fromisoformat(at)) for of, at in misses)
    counted = Counter(instants)
    return {
        f"miss of {place} at {_text(at)}": "told " + ("once" if number == 1 else f"{number} times")
        for (place, at), number in counted.items()
    }
