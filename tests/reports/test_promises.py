"""What is counted of one ticket, by its events: pure."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from app.reports.facts.counting import Counted, count

START: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
TICKET: Final = "tkt_1"
_PLAN: Final = {"key": "itil-native", "version": 1}
_OPENED: Final = {"priority": "high", "plan": _PLAN, "product": "backup", "channel": "web"}
ANSWER: Final = {"visibility": "public", "author": {"kind": "engineer", "id": "eng_1"}}


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def told(*events: tuple[float, str, dict[str, Any]]) -> Counted:
    """What is counted of a ticket that is opened at hour 0, and of which these events tell."""
    rows = [
        {
            "account_id": "acc_1",
            "ticket_id": TICKET,
            "id": f"evt_{number}",
            "type": type_,
            "timestamp": at(hour),
            "sandbox": False,
            "data": data,
        }
        for number, (hour, type_, data) in enumerate([(0, "ticket.opened", _OPENED), *events])
    ]
    return count(TICKET, rows)


def deadline(metric: str, cycle: int, due: float | None, **more: Any) -> dict[str, Any]:
    own = {"deadline_id": f"ddl_{metric}_{cycle}", "metric": metric, "cycle": cycle, "priority": "high"}
    return own | {"due_at": None if due is None else at(due).isoformat()} | more


def started(hour: float, metric: str, cycle: int, due: float) -> tuple[float, str, dict[str, Any]]:
    return hour, "deadline.started", deadline(metric, cycle, due, started_at=at(hour).isoformat())


def missed(metric: str, cycle: int, due: float, **more: Any) -> tuple[float, str, dict[str, Any]]:
    noticed = {"noticed_at": (at(due) + timedelta(milliseconds=4)).isoformat(), "lag_ms": 4.0}
    return due, "deadline.missed", deadline(metric, cycle, due, **noticed | more)


def outcomes(counted: Counted, metric: str) -> list[tuple[int, str, datetime | None]]:
    facts = sorted((fact for fact in counted.facts if fact["metric"] == metric), key=lambda fact: fact["cycle"])
    return [(fact["cycle"], fact["outcome"], fact["settled_at"]) for fact in facts]


def test_a_chain_is_late_until_the_update_comes() -> None:
    chain = (started(0, "update", 1, 2), missed("update", 1, 2), started(2, "update", 2, 4), missed("update", 2, 4))
    owed = told(*chain)
    assert outcomes(owed, "update") == [(0, "missed", None), (1, "missed", None), (2, "missed", None)]
    assert [fact["misses"] for fact in owed.facts] == [1, 1, 2]
    came = told(*chain, (5, "deadline.met_late", deadline("update", 2, 4)), started(5, "update", 3, 7))
    assert outcomes(came, "update") == [
        (0, "met_late", at(5)),
        (1, "missed", at(5)),
        (2, "met_late", at(5)),
        (3, "open", None),
    ]


def test_a_chain_that_another_priority_ended_is_late_until_somebody_writes() -> None:
    chain = (started(0, "update", 1, 2), missed("update", 1, 2), started(2, "update", 2, 4))
    lowered = (3, "deadline.cancelled", deadline("update", 2, None, reason="priority"))
    assert outcomes(told(*chain, lowered), "update")[:2] == [(0, "missed", None), (1, "missed", None)]
    came = told(*chain, lowered, (5, "message.posted", ANSWER), (9, "ticket.status_changed", {"to": "resolved"}))
    assert outcomes(came, "update") == [(0, "met_late", at(5)), (1, "missed", at(5)), (2, "cancelled", at(3))]


def test_an_incident_without_its_update_at_the_end_has_missed_it() -> None:
    ended = told(
        started(0, "update", 1, 2),
        missed("update", 1, 2),
        (3, "ticket.withdrawn", {"reason": None}),
    )
    assert outcomes(ended, "update") == [(0, "missed", at(3)), (1, "missed", at(3))]


def test_an_incident_has_its_updates_in_time_when_all_cycles_were_met() -> None:
    met = told(
        started(0, "update", 1, 2),
        (1, "deadline.met", deadline("update", 1, 2, stopped_by="engineer")),
        started(1, "update", 2, 3),
        (2, "deadline.cancelled", deadline("update", 2, 3, reason="resolved")),
    )
    assert outcomes(met, "update")[0] == (0, "met", at(1))


def test_a_cancelled_cycle_may_go_on() -> None:
    start = started(0, "resolution", 1, 8)
    cancelled = (1, "deadline.cancelled", deadline("resolution", 1, 8, reason="priority"))
    assert outcomes(told(start, cancelled), "resolution") == [(1, "cancelled", at(1))]
    assert outcomes(told(start, cancelled, start), "resolution") == [(1, "open", None)]


def test_what_a_guest_was_promised_is_excluded() -> None:
    counted = told(started(0, "first_response", 1, 2), missed("first_response", 1, 2, unconfirmed=True))
    assert outcomes(counted, "first_response") == [(1, "excluded", None)]


def test_the_priority_and_the_engineer_count_that_were_in_force_when_the_clock_ran() -> None:
    [fact] = told(
        started(0, "resolution", 1, 8),
        (1, "ticket.assigned", {"to": "eng_1"}),
        missed("resolution", 1, 8),
        (8, "ticket.priority_changed", {"to": "critical"}),
        (8, "ticket.assigned", {"to": "eng_2"}),
        (9, "plan.applied", {"to": {"key": "itil-native", "version": 2}, "priorities": {}}),
    ).facts
    found = fact["priority"], fact["engineer_id"], fact["plan_version"], fact["noticed_us"]
    assert found == ("high", "eng_1", 1, 4_000)


def test_what_runs_takes_the_priority_that_the_ticket_has() -> None:
    [fact] = told(started(0, "resolution", 1, 8), (1, "ticket.priority_changed", {"to": "critical"})).facts
    assert fact["priority"] == "critical"


def test_whoever_answers_counts_where_nobody_is_assigned() -> None:
    met = (1, "deadline.met", deadline("first_response", 1, 2, stopped_by="engineer"))
    [fact] = told(started(0, "first_response", 1, 2), (1, "message.posted", ANSWER), met).facts
    assert fact["engineer_id"] == "eng_1"


def test_a_call_that_has_ended_is_owed_no_more() -> None:
    asked = {"subject": "call_1"}
    start = (0, "deadline.started", deadline("call_join", 1, 1, started_at=at(0).isoformat(), **asked))
    counted = told(start, missed("call_join", 1, 1, **asked), (2, "call.ended", {"call_id": "call_1"}))
    assert outcomes(counted, "call_join") == [(1, "missed", at(2))]


@pytest.mark.parametrize(
    ("answers", "more", "first"),
    [(1, (), True), (2, (), False), (0, (), False), (1, ("ticket.reopened",), False)],
    ids=["one answer", "two answers", "no answer", "reopened"],
)
def test_a_ticket_is_resolved_at_the_first_contact(*, answers: int, more: tuple[str, ...], first: bool) -> None:
    counted = told(
        *[(1, "message.posted", ANSWER)] * answers,
        (1, "ticket.status_changed", {"from": "open", "to": "resolved"}),
        *[(2, type_, {}) for type_ in more],
    )
    resolved = next(moment for moment in counted.moments if moment["kind"] == "resolved")
    assert (resolved["outcome"] == "first_contact") is first


def test_an_escalation_counts_once_with_what_became_of_it() -> None:
    asked = {"escalation_id": "esc_1", "reason": "no_update", "subject": "esc_1"}
    request = (1, "escalation.requested", asked)
    automatic = (1, "escalation.automatic", {"escalation_id": None, "reason": "resolution_time"})
    for events, outcome in (
        ((request,), "open"),
        ((request, (2, "escalation.declined", asked)), "declined"),
        ((request, (2, "ticket.status_changed", {"to": "resolved"})), "closed"),
        ((automatic,), "automatic"),
    ):
        [moment] = [each for each in told(*events).moments if each["kind"] == "escalation"]
        assert moment["outcome"] == outcome


def test_events_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="begin with"):
        count(TICKET, [{"type": "ticket.assigned"}])
