"""Reports counted plainly and slowly, by every event of every ticket, and a service that counts by its own way."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from app.core.db.engine import Sessions
from app.core.state import State
from app.reports.facts.folding import Folding
from app.reports.facts.recounting import Recounting
from tests.support.desk import fetch

Figures: TypeAlias = Counter[tuple[Any, ...]]
ENDS: Final = {"deadline.met": "met", "deadline.met_late": "met_late", "deadline.cancelled": "cancelled"}


async def counted(state: State) -> None:
    """Let the background pass count all that has happened."""
    folding = Folding(state.sessions, state.feed)
    await folding.run_pass()
    while await folding.run_pass():
        pass
    await fetch(state.sessions, "UPDATE report_recounts SET due_at = clock_timestamp()")
    while await Recounting(state.sessions).run_pass():
        pass


async def every_event(sessions: Sessions) -> list[Any]:
    """All events of tickets, as they were recorded."""
    return list(await fetch(sessions, "SELECT * FROM events WHERE ticket_id IS NOT NULL ORDER BY ticket_id, sequence"))


def outcomes(events: Sequence[Any]) -> dict[str, tuple[str, str, int, str]]:
    """By deadline: its ticket, metric, cycle and what became of it, by its own events alone."""
    found: dict[str, tuple[str, str, int, str]] = {}
    for event in events:
        data = event["data"]
        if event["type"].startswith("deadline.") and event["type"] != "deadline.warning":
            before = found.get(data["deadline_id"], ("", "", 0, "open"))[3]
            if event["type"] == "deadline.missed":
                outcome = "missed"
            elif event["type"] == "deadline.started":
                outcome = "open"
            else:
                outcome = ENDS.get(event["type"], before)
            found[data["deadline_id"]] = (event["ticket_id"], data["metric"], data["cycle"], outcome)
    return found


def by_cycle(events: Sequence[Any]) -> Figures:
    """How many cycles of each metric came to what."""
    return Counter((metric, outcome) for _, metric, _, outcome in outcomes(events).values())


def promises(events: Sequence[Any]) -> Figures:
    """How many first cycles of each metric came to what; the updates of an incident count as one."""
    found = outcomes(events).values()
    figures = Counter((metric, outcome) for _, metric, cycle, outcome in found if metric != "update" and cycle == 1)
    for ticket_id in {ticket_id for ticket_id, metric, _, _ in found if metric == "update"}:
        own = [outcome for ticket, metric, _, outcome in found if (ticket, metric) == (ticket_id, "update")]
        figures["update", _of_incident(ticket_id, own, events)] += 1
    return figures


def _of_incident(ticket_id: str, cycles: Sequence[str], events: Sequence[Any]) -> str:
    """What became of all updates of an incident."""
    if {"missed", "met_late"} & set(cycles):
        return "met_late" if _was_updated_after_its_last_miss(ticket_id, events) else "missed"
    return next(outcome for outcome in ("open", "met", "cancelled") if outcome in cycles)


def _was_updated_after_its_last_miss(ticket_id: str, events: Sequence[Any]) -> bool:
    own = [event for event in events if event["ticket_id"] == ticket_id]
    last = max(place for place, event in enumerate(own) if _is_missed_update(event))
    ended = next((place for place, event in enumerate(own) if place > last and _ends(event)), len(own))
    return any(_is_update(event) for event in own[last:ended])


def _is_missed_update(event: Any) -> bool:
    return bool(event["type"] == "deadline.missed" and event["data"]["metric"] == "update")


def _is_update(event: Any) -> bool:
    data = event["data"]
    by_engineer = event["type"] == "message.posted" and data["author"]["kind"] == "engineer"
    return bool(by_engineer and data["visibility"] == "public")


def _ends(event: Any) -> bool:
    status = event["data"].get("to") if event["type"] == "ticket.status_changed" else None
    return bool(event["type"] == "ticket.withdrawn" or status in ("resolved", "closed"))


def told(report: Any) -> Figures:
    """The same figures as a report tells them."""
    figures: Figures = Counter()
    for item in report["items"]:
        for name in ("met", "met_late", "missed", "open", "cancelled"):
            figures[item["group"]["metric"], name] += item[name]
    return +figures
