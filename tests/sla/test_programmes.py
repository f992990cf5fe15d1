"""What a plan can say beside its targets: updates from the opening, a manager at the top, an end of waiting."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.sla.clock.changes import Apply, Close, Message
from app.sla.clock.clock import Clock, catch_up, wake_at
from app.sla.clock.terms import Terms, Waiting
from app.sla.deadlines import clock_facts, load_clock
from tests.sla.changing import customer, engineer, priority, status, tier, waiting
from tests.sla.kit import HOUR, TERMS, TICK, Story, at, plan, row

OPENED = replace(plan(first_response=row(P1=1, P2=2), update=row(P1=3, P2=6)), updates_from_opening=True)
TOP = replace(plan(tier_escalation=row(P1=5, P2=8)), tiers=1, top_manager=True)
ENDING = replace(plan(update=row(P1=3, P2=6)), waiting=Waiting((2 * HOUR, 4 * HOUR), 10 * HOUR))


def hours(instant: datetime | None) -> float | None:
    return (instant - at(0)) / HOUR if instant else None


def told(story: Story, kind: str) -> list[tuple[float, Any]]:
    return [((event.at - at(0)) / HOUR, event.after) for event in story.told(kind)]


# --- updates from the opening (N6) -----------------------------------------------------------------------------


def test_n6_the_first_update_is_owed_from_the_opening() -> None:
    story = Story(OPENED, until=13)
    assert [(d.state, hours(d.due_at), d.chain) for d in story.cycles("update")] == [
        ("missed", 6, 0),
        ("missed", 12, 1),
        ("running", 18, 2),
    ]


def test_n6_the_first_response_begins_it_anew_in_the_same_cycle() -> None:
    story = Story(OPENED, engineer(1), engineer(4))
    assert [(d.cycle, d.state, hours(d.due_at)) for d in story.cycles("update")] == [(1, "met", 7), (2, "running", 10)]
    [moved] = story.told("deadline.moved")
    assert (hours(moved.before), hours(moved.after), moved.reason) == (6, 7, "first_response")


def test_n6_a_first_response_after_a_miss_ends_the_chain() -> None:
    story = Story(OPENED, engineer(7))
    assert [(d.cycle, d.state, hours(d.due_at)) for d in story.cycles("update")] == [
        (1, "missed", 6),
        (2, "met", 12),
        (3, "running", 13),
    ]


def test_n6_a_plan_without_the_word_owes_updates_from_the_first_response() -> None:
    later = replace(OPENED, updates_from_opening=False)
    assert Story(later).cycles("update") == []
    assert Story(later, engineer(1)).due("update") == 7


def test_n6_applied_to_an_open_ticket_it_holds_from_then_on() -> None:
    story = Story(replace(OPENED, updates_from_opening=False), Apply(at(1), OPENED))
    assert story.due("update") == 7
    waits = Story(OPENED, waiting(1), status(3, "open"))
    assert (waits.due("update"), waits.last("update").cycle) == (8, 1)


# --- the manager at the top (N6) -------------------------------------------------------------------------------


def test_n6_at_the_top_the_manager_gets_it_at_each_interval() -> None:
    story = Story(TOP, until=17)
    assert [(d.state, d.stopped_by, hours(d.due_at)) for d in story.cycles("tier_escalation")] == [
        ("met", "service", 8),
        ("met", "service", 16),
        ("running", None, 24),
    ]
    assert [hour for hour, _ in told(story, "managed")] == [8, 16]
    assert story.told("tier") == []


def test_n6_further_tiers_come_first() -> None:
    story = Story(replace(TOP, tiers=2), until=17)
    assert told(story, "tier") == [(8, 2)]
    assert [hour for hour, _ in told(story, "managed")] == [16]
    assert Story(replace(TOP, tiers=2), tier(1, 2)).due("tier_escalation") == 9


def test_n6_a_plan_without_the_word_has_no_clock_at_the_top() -> None:
    assert Story(replace(TOP, top_manager=False)).cycles("tier_escalation") == []
    assert Story(replace(TOP, top_manager=False), Apply(at(1), TOP)).due("tier_escalation") == 9
    back = Story(TOP, Apply(at(1), replace(TOP, top_manager=False)))
    assert (back.states("tier_escalation"), back.last("tier_escalation").reason) == (["cancelled"], "plan")


def test_n6_a_mitigated_ticket_is_not_escalated_to_anybody() -> None:
    story = Story(TOP, status(1, "open"), status(2, "mitigated"), until=20)
    assert (story.states("tier_escalation"), story.told("managed")) == (["cancelled"], [])
    assert Story(TOP, status(1, "open"), status(2, "mitigated"), status(3, "open")).due("tier_escalation") == 11


# --- the end of waiting (N8) -----------------------------------------------------------------------------------


def test_n8_the_customer_is_reminded_and_then_the_ticket_is_resolved() -> None:
    story = Story(ENDING, waiting(1), until=12)
    assert [(hour, event) for hour, event in told(story, "waiting_reminder")] == [(3, at(11)), (5, at(11))]
    resolved = story.told("status")[-1]
    assert (hours(resolved.at), resolved.after, resolved.by, resolved.reason) == (
        11,
        "resolved",
        "service",
        "unanswered",
    )
    assert (story.clock.status, story.clock.close_at) == ("resolved", at(11) + ENDING.close_after)


def test_n8_an_answer_at_the_last_instant_is_in_time() -> None:
    assert Story(ENDING, waiting(1), customer(11)).clock.status == "open"
    late = Story(ENDING, waiting(1), Message(at(11) + TICK, "customer"))
    assert [event.reason for event in late.told("status")][-2:] == ["unanswered", "reopened"]
    assert late.clock.status == "open"


@pytest.mark.parametrize(
    "ending",
    [lambda: status(4, "open"), lambda: customer(4), lambda: status(4, "resolved"), lambda: Close(at(4))],
    ids=["open", "answered", "resolved", "closed"],
)
def test_n8_a_ticket_that_waits_no_more_is_left_alone(ending: Callable[[], Any]) -> None:
    story = Story(ENDING, waiting(1), ending(), until=100)
    assert [hour for hour, _ in told(story, "waiting_reminder")] == [3]
    assert "unanswered" not in [event.reason for event in story.told("status")]


def test_n8_a_message_of_an_engineer_begins_the_wait_anew() -> None:
    story = Story(ENDING, waiting(1), engineer(4), until=14.5)
    assert [hour for hour, _ in told(story, "waiting_reminder")] == [3, 6, 8]
    assert story.told("status")[-1].at == at(14)


def test_n8_a_plan_without_the_word_waits_for_ever() -> None:
    story = Story(replace(ENDING, waiting=None), waiting(1), until=1000)
    assert (story.clock.status, story.clock.wait, story.told("waiting_reminder")) == ("waiting_on_customer", None, [])


def test_n8_applied_to_a_ticket_that_waits_it_counts_from_then_on() -> None:
    story = Story(replace(ENDING, waiting=None), waiting(1), Apply(at(5), ENDING), until=8)
    assert [hour for hour, _ in told(story, "waiting_reminder")] == [7]
    assert story.clock.resolve_at == at(15)
    same = Story(ENDING, waiting(1), Apply(at(5), replace(ENDING, warn_at=(50,))))
    assert same.clock.resolve_at == at(11)
    assert Story(ENDING, waiting(1), Apply(at(5), replace(ENDING, waiting=None))).clock.wait is None


def test_n8_it_wakes_for_reminders_and_the_end() -> None:
    clock = Story(ENDING, waiting(1)).clock
    wakes = []
    while (wake := wake_at(clock)) is not None and wake <= at(11):
        wakes.append(hours(wake))
        clock = catch_up(clock, wake + TICK).clock
    assert wakes == [3, 5, 11]


@pytest.mark.parametrize("terms", [ENDING, TOP, OPENED, TERMS], ids=["waiting", "top", "opened", "plain"])
def test_what_is_stored_of_a_clock_is_all_of_it(terms: Terms) -> None:
    clock = Story(terms, waiting(1), priority(2, "P1"), until=4).clock
    facts = stored(clock)
    again = load_clock(terms, clock.status, clock.priority, clock.tier, facts, [])
    assert replace(again, deadlines=clock.deadlines) == clock


def test_a_clock_that_was_stored_before_there_was_an_end_of_waiting_is_read() -> None:
    clock = Story(TERMS, waiting(1)).clock
    facts = stored(clock)
    del facts["wait"]
    again = load_clock(TERMS, clock.status, clock.priority, clock.tier, facts, [])
    assert replace(again, deadlines=clock.deadlines) == clock


def stored(clock: Clock) -> dict[str, Any]:
    """The facts as JSON gives them back."""

    def written(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: written(part) for name, part in value.items()}
        return value.isoformat() if isinstance(value, datetime) else value

    found: dict[str, Any] = written(clock_facts(clock))
    return found


@pytest.mark.parametrize("terms", [ENDING, TOP, OPENED], ids=["waiting", "top", "opened"])
def test_sweeps_in_between_change_nothing(terms: Terms) -> None:
    changes = (engineer(1), waiting(2), engineer(3), customer(9), priority(10, "P1"))
    once = Story(terms, *changes, until=40)
    swept = Story(terms)
    for change in changes:
        swept.caught_up(change.at - timedelta(minutes=1)).caught_up(change.at).then(change)
    for quarter in range(40, 160):
        swept.caught_up(at(quarter / 4))
    swept.caught_up(at(40))
    assert swept.clock == once.clock
    assert swept.events == once.events
