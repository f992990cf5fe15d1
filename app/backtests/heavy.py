"""A batch of tickets, folded in a process of its own. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson

from app.backtests.fold import MAX_CYCLES, Key, key_of, tried_on
from app.backtests.outcomes import Place, Tally, promises, state_of, turned
from app.backtests.plans import LeftOut, Plans, Promised, Reason, Stored, Trial
from app.backtests.sentences import Sides, cause_of, sentence
from app.calendars.hours import BeyondCalendar
from app.core.process.memory import Memory
from app.core.text.language import Language
from app.core.zones import load_zone
from app.sla.clock.clock import catch_up
from app.sla.clock.deadline import Deadline
from app.sla.clock.terms import Terms
from app.sla.deadlines import load_clock, load_deadline
from app.sla.history import History

_MEMORY: Final = Memory()
"""This process's, of plans by their content."""
_CYCLES: Final = 10_000
"""Deadlines after which a task ends: some seconds."""
_LINES: Final = 1_000
"""Promises that were turned after which a task ends: the process that asked reads so many in milliseconds."""


class Record(NamedTuple):
    """A ticket as it is stored; ``events`` and ``deadlines`` are JSON lists.

    The longer one is bytes, which are handed on to a worker process without being copied time and again.
    """

    account_id: str
    id: str
    number: str
    status: str
    priority: str
    tier: int
    now: datetime
    """the database's clock, or the sandbox's; never before what the ticket has seen"""
    clock: str
    deadlines: str
    events: bytes


@dataclass(slots=True)
class Batch:
    """What became of some tickets."""

    tickets: int = 0
    tally: Tally = field(default_factory=Tally)
    lines: list[dict[str, Any]] = field(default_factory=list)
    """promises that were missed on one side only, as the API shows them"""
    missed: int = 0
    saved: int = 0
    left_out: list[tuple[Reason, str, str]] = field(default_factory=list)
    """why, the ticket's id, and a sentence for the operator"""
    priorities: tuple[str, ...] = ()
    """those of a plan that was tried, most urgent first"""
    objectives: dict[str, set[float | None]] = field(default_factory=dict)
    """by metric, all that the plans say which were tried"""


@dataclass(frozen=True, slots=True)
class Compared:
    """A ticket on both sides."""

    history: History
    recorded: dict[Key, Deadline]
    tried: dict[Key, Deadline]
    promised: Promised
    """recorded, as the ticket ends"""
    trial: Promised


def fold(records: Sequence[Record], stored: Stored, trial: Trial, language: Language) -> Batch:
    """Try the plan on these tickets, or on the first of them where they have very many cycles, or turn very many.

    One that it cannot be tried on is left out, and stops no other.
    """
    plans, batch, cycles = Plans(_MEMORY, stored, trial), Batch(), 0
    for record in records:
        if cycles >= _CYCLES or len(batch.lines) >= _LINES:
            break
        batch.tickets += 1
        try:
            compared = compare(record, plans)
            cycles += len(compared.tried)
        except LeftOut as error:
            cycles += MAX_CYCLES if error.reason == "cycles" else 0
            batch.left_out.append((error.reason, record.id, str(error)))
        except BeyondCalendar as error:
            batch.left_out.append(("calendar", record.id, str(error)))
        except Exception as error:  # noqa: BLE001  whatever is wrong with one ticket must not hide the others
            batch.left_out.append(("history", record.id, f"{type(error).__name__}: {error}"))
        else:
            _count(batch, record, compared, plans, language)
    return batch


def compare(record: Record, plans: Plans) -> Compared:
    """A ticket's deadlines as they are, and as they would be, both as of now. Raises ``LeftOut`` and others."""
    rows = orjson.loads(record.deadlines)
    asked = [row["subject"] for row in rows if row["metric"] == "escalation_ack"]
    history, course = tried_on(record.id, orjson.loads(record.events), plans, asked)
    course.reach(record.now)
    promised = plans.recorded(history.pins)
    recorded = _recorded(record, rows, promised.terms)
    return Compared(history, recorded, course.deadlines, promised, plans.tried(history.pins))


def _recorded(record: Record, rows: list[dict[str, Any]], terms: Terms) -> dict[Key, Deadline]:
    """What is stored, with what is due of it by now and has not been noticed yet (C09)."""
    found = {key_of(deadline): deadline for deadline in map(load_deadline, rows)}
    if any(one.state == "running" and one.due_at and one.due_at < record.now for one in found.values()):
        live = [row for row in rows if row["live"]]
        clock = load_clock(terms, record.status, record.priority, record.tier, orjson.loads(record.clock), live)
        settled = catch_up(replace(clock, terms=terms), record.now).clock
        found |= {key_of(deadline): deadline for deadline in settled.deadlines}
    return found


def _count(batch: Batch, record: Record, compared: Compared, plans: Plans, language: Language) -> None:
    recorded, tried = promises(compared.recorded), promises(compared.tried)
    batch.tally.count(recorded, tried)
    document = compared.trial.document
    batch.priorities = batch.priorities or document.priority_keys
    for metric, _ in tried:
        batch.objectives.setdefault(metric, set()).add(document.objectives.get(metric))  # type: ignore[call-overload]
    for line in _lines(record, compared, recorded, tried, plans, language):
        batch.missed += line["kind"] == "missed"
        batch.saved += line["kind"] == "saved"
        batch.lines.append(line)


def _lines(
    record: Record,
    compared: Compared,
    recorded: dict[Place, Deadline],
    tried: dict[Place, Deadline],
    plans: Plans,
    language: Language,
) -> Iterator[dict[str, Any]]:
    zone = load_zone(compared.history.pins.time_zone)
    for (metric, cycle), before, after in turned(recorded, tried):
        names = plans.trial.priorities
        sides = Sides(metric, before, after, compared.promised, compared.trial, names, record.now)
        shown = after or before
        yield {
            "kind": "missed" if after and after.missed_at else "saved",
            "ticket_id": record.id,
            "number": record.number,
            "account_id": record.account_id,
            "metric": metric,
            "cycle": shown.cycle if shown else cycle,
            "priority": shown.priority if shown else record.priority,
            "recorded": _shown(before),
            "backtest": _shown(after),
            "cause": cause_of(sides),
            "detail": sentence(sides, zone, language),
        }


def _shown(deadline: Deadline | None) -> dict[str, Any] | None:
    if deadline is None:
        return None
    return {
        "state": state_of(deadline),
        "priority": deadline.priority,
        "started_at": deadline.started_at,
        "due_at": deadline.due_at,
        "missed_at": deadline.missed_at,
        "stopped_at": deadline.ended_at,
    }
