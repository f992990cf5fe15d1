"""Ends and new starts (C13), and plans that are applied to open tickets (C14)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.sla.clock.changes import Apply, Ask, Close, Message, Reopen
from app.sla.clock.clock import catch_up
from app.sla.clock.terms import Terms
from tests.sla.changing import close, customer, engineer, priority, status, tier, waiting
from tests.sla.kit import HOUR, TERMS, TICK, Story, at, plan, row, states_of

SOLVED = (engineer(1), customer(1.5), engineer(3), status(3, "resolved"))


def test_c13_resolved_stops_resolution_and_cancels_what_else_runs() -> None:
    story = Story(TERMS, engineer(1), customer(2), Ask(at(2), "alert_ack", "a", HOUR), status(2.5, "resolved"))
    assert states_of(story.clock) == {
        "first_response": "met",
        "next_response": "cancelled",
        "update": "cancelled",
        "resolution": "met",
        "tier_escalation": "cancelled",
        "alert_ack": "cancelled",
    }
    assert {d.reason for d in story.clock.deadlines if d.state == "cancelled"} == {"resolved"}


def test_c13_what_was_missed_and_is_not_stopped_ends_as_missed() -> None:
    story = Story(TERMS, engineer(1), customer(2), status(7, "resolved"))
    missed = story.last("next_response")
    assert (missed.state, missed.missed_at, missed.ended_at) == ("missed", at(6), at(7))


def test_c13_a_missed_resolution_is_met_late() -> None:
    story = Story(TERMS, engineer(1), engineer(30), status(30, "resolved"))
    assert (story.states("resolution"), story.last("resolution").stopped_by) == (["met_late"], "engineer")


def test_c13_an_engineer_resolves_with_a_message_so_the_first_response_is_met() -> None:
    assert Story(TERMS, engineer(1), status(1, "resolved")).states("first_response") == ["met"]


def test_c13_resolved_by_an_automation_the_first_response_is_told_apart() -> None:
    first = Story(TERMS, status(1, "resolved", by="automation")).last("first_response")
    assert (first.state, first.reason, first.ended_at) == ("cancelled", "resolved_by_sender", at(1))


@pytest.mark.parametrize("reason", ["withdrawn", "merged", "closed"])
def test_c13_withdraw_merge_and_close_cancel_all(reason: str) -> None:
    story = Story(TERMS, customer(0.5), Close(at(1), reason))
    assert {(d.state, d.ended_at, d.reason) for d in story.clock.deadlines} == {("cancelled", at(1), reason)}
    assert (story.clock.status, story.last("resolution").is_open) == ("closed", False)


@pytest.mark.parametrize("from_status", ["open", "waiting_on_customer", "mitigated"])
def test_c13_closed_cancels_from_any_status(from_status: str) -> None:
    story = Story(TERMS, engineer(1), status(1, from_status), status(2, "closed"))
    assert story.last("resolution").state == "cancelled"
    assert not [deadline for deadline in story.clock.deadlines if deadline.is_open]


def test_c13_closed_from_resolved_leaves_every_result() -> None:
    story = Story(TERMS, *SOLVED)
    results = story.clock.deadlines
    assert story.then(close(5)).clock.deadlines == results
    assert (story.clock.status, story.clock.close_at) == ("closed", None)


def test_c13_a_missed_deadline_then_ends_as_missed() -> None:
    first = Story(TERMS, close(3, "withdrawn")).last("first_response")
    assert (first.state, first.missed_at, first.ended_at) == ("missed", at(2), at(3))


def test_c13_a_resolved_ticket_closes_by_itself() -> None:
    story = Story(replace(TERMS, close_after=timedelta(hours=5)), *SOLVED)
    assert story.caught_up(at(8)).clock.status == "resolved"
    story.caught_up(at(8) + TICK)
    [closed] = [event for event in story.told("status") if event.after == "closed"]
    assert (closed.at, closed.by, story.clock.last_at) == (at(8), "service", at(8))


def test_c13_a_customer_who_writes_at_that_instant_reopens_it() -> None:
    story = Story(replace(TERMS, close_after=timedelta(hours=5)), *SOLVED, customer(8))
    assert (story.clock.status, story.clock.close_at) == ("open", None)


def test_c13_reopening_starts_everything_but_the_first_response_in_full() -> None:
    story = Story(TERMS, *SOLVED, Reopen(at(9)))
    assert {d.metric: (d.cycle, d.started_at, d.due_at) for d in story.clock.deadlines if d.is_open} == {
        "next_response": (2, at(9), at(13)),
        "update": (3, at(9), at(15)),
        "resolution": (2, at(9), at(29)),
        "tier_escalation": (2, at(9), at(17)),
    }


def test_c13_old_cycles_keep_their_results() -> None:
    story = Story(TERMS, *SOLVED)
    results = story.clock.deadlines
    assert story.then(Reopen(at(9))).clock.deadlines[: len(results)] == results


def test_c13_a_customers_message_reopens_and_waits() -> None:
    story = Story(TERMS, *SOLVED, customer(9))
    assert (story.clock.status, story.due("next_response")) == ("open", 13)
    assert story.then(customer(10)).due("next_response") == 13


def test_c13_a_status_of_open_reopens() -> None:
    assert Story(TERMS, *SOLVED, status(9, "open")).clock == Story(TERMS, *SOLVED, Reopen(at(9))).clock


@pytest.mark.parametrize("message", [customer(9, public=False), Message(at(9), "automation")])
def test_c13_no_other_message_reopens(message: Message) -> None:
    assert Story(TERMS, *SOLVED, message).clock.status == "resolved"


def test_c13_the_first_response_never_restarts() -> None:
    story = Story(TERMS, status(1, "resolved", by="automation"), Reopen(at(2)))
    assert story.states("first_response") == ["cancelled"]
    assert story.due("next_response") == 6
    story.then(priority(3, "P1"))
    assert story.states("first_response") == ["cancelled"]
    assert story.then(engineer(4)).states("next_response") == ["met"]


def test_c13_a_closed_ticket_never_reopens() -> None:
    story = Story(TERMS, *SOLVED, close(5))
    ended = story.clock
    for change in (Reopen(at(6)), customer(7), engineer(8), status(9, "open"), close(10)):
        story.then(change)
    assert replace(story.clock, last_at=ended.last_at) == ended


def test_c13_reopening_what_is_open_is_nothing() -> None:
    assert Story(TERMS, Reopen(at(0))).clock == Story(TERMS).clock


def test_c13_mitigated_cancels_the_tier_clock_alone() -> None:
    story = Story(TERMS, engineer(1), status(2, "mitigated"))
    tiers = story.last("tier_escalation")
    assert (tiers.state, tiers.reason) == ("cancelled", "mitigated")
    assert (story.states("update"), story.states("resolution")) == (["running"], ["running"])


def test_c13_open_again_starts_it_with_its_full_target() -> None:
    story = Story(TERMS, engineer(1), status(2, "mitigated"), status(5, "open"))
    assert story.states("tier_escalation") == ["cancelled", "running"]
    assert story.due("tier_escalation") == 13


def test_c13_while_mitigated_no_change_starts_the_tier_clock() -> None:
    story = Story(TERMS, engineer(1), status(2, "mitigated"), priority(3, "P1"), tier(4, 2))
    assert story.states("tier_escalation") == ["cancelled"]
    assert story.then(status(5, "open")).due("tier_escalation") == 10


def test_c13_a_tier_set_to_itself_is_nothing() -> None:
    assert Story(TERMS, tier(0, 1)).clock == Story(TERMS).clock


def test_c13_any_other_tier_change_restarts_its_clock() -> None:
    story = Story(TERMS, tier(1, 2), tier(3, 1))
    assert [(d.state, d.reason) for d in story.cycles("tier_escalation")] == [
        ("met", None),
        ("cancelled", "tier"),
        ("running", None),
    ]
    assert story.due("tier_escalation") == 11


def test_c13_a_tier_change_while_waiting_starts_it_paused() -> None:
    story = Story(TERMS, engineer(1), waiting(2), tier(3, 2))
    assert story.states("tier_escalation") == ["met", "paused"]
    assert story.then(customer(4)).due("tier_escalation") == 12


LONGER = plan(first_response=row(P1=2, P2=3), resolution=row(P1=12, P2=30), tier_escalation=row(P1=6, P2=9))


def applied(hours: float, terms: Terms, **mapping: str) -> Apply:
    return Apply(at(hours), terms, mapping)


def test_c14_a_plan_is_recomputed_from_the_start_of_the_cycle() -> None:
    story = Story(TERMS, applied(1, LONGER))
    assert {d.metric: d.due_at for d in story.clock.deadlines} == {
        "first_response": at(3),
        "resolution": at(30),
        "tier_escalation": at(9),
    }


def test_c14_with_the_pauses_taken() -> None:
    story = Story(TERMS, engineer(1), waiting(2), status(5, "open"), applied(6, LONGER))
    assert story.due("resolution") == 33
    unpausing = replace(LONGER, pauses={})
    assert Story(TERMS, engineer(1), waiting(2), applied(5, unpausing)).due("resolution") == 33


def test_c14_with_the_priorities_that_it_had() -> None:
    story = Story(TERMS, priority(5, "P1"), applied(6, LONGER))
    assert story.due("resolution") == 17


def test_c14_never_before_the_instant_of_the_apply() -> None:
    story = Story(TERMS, applied(15, plan(resolution=row(P2=4))))
    assert (story.states("resolution"), story.due("resolution")) == (["running"], 15)


def test_c14_new_metrics_start_then_and_missing_ones_are_cancelled() -> None:
    story = Story(LONGER, engineer(1), applied(2, plan(update=row(P2=6), resolution=row(P2=20))))
    assert story.last("update").started_at == at(2)
    tiers = story.last("tier_escalation")
    assert (tiers.state, tiers.reason) == ("cancelled", "plan")


def test_c14_a_plan_with_fewer_tiers_ends_the_tier_clock() -> None:
    story = Story(TERMS, tier(1, 2), applied(2, replace(LONGER, tiers=2)))
    tiers = story.last("tier_escalation")
    assert (tiers.state, tiers.reason) == ("cancelled", "plan")
    assert "tier_escalation" not in [n.deadline.metric for n in story.told("deadline.moved") if n.deadline]


def renamed(terms: Terms, **names: str) -> Terms:
    targets = {metric: {names[p]: t for p, t in row_.items()} for metric, row_ in terms.targets.items()}
    return replace(terms, priorities=tuple(names.values()), targets=targets)


def test_c14_a_vanished_priority_is_refused_unless_mapped() -> None:
    other = renamed(replace(LONGER, priorities=("P1", "P2")), P1="urgent", P2="normal")
    with pytest.raises(KeyError, match="P2"):
        Story(TERMS, applied(1, other))
    story = Story(TERMS, priority(0.5, "P1"), applied(1, other, P1="urgent", P2="normal"))
    assert (story.clock.priority, story.last("resolution").priority) == ("urgent", "urgent")
    assert story.due("resolution") == 12.5


def test_c14_history_is_never_rewritten() -> None:
    story = Story(TERMS, engineer(2.5), customer(3), until=8)
    history = [deadline for deadline in story.clock.deadlines if deadline.state not in {"running", "paused"}]
    story.then(applied(9, LONGER))
    assert [d.state for d in history] == ["met_late", "met", "missed"]
    assert all(deadline in story.clock.deadlines for deadline in history)


def test_c14_acknowledgements_keep_their_length() -> None:
    story = Story(TERMS, Ask(at(1), "alert_ack", "a", HOUR), applied(1.5, LONGER))
    assert story.due("alert_ack") == 2


def test_c14_each_deadline_that_moves_is_told() -> None:
    story = Story(TERMS, applied(1, LONGER))
    assert [(n.deadline and n.deadline.metric, n.before, n.after, n.reason) for n in story.told("deadline.moved")] == [
        ("first_response", at(2), at(3), "plan"),
        ("resolution", at(20), at(30), "plan"),
        ("tier_escalation", at(8), at(9), "plan"),
    ]


def test_c14_an_ended_ticket_starts_nothing() -> None:
    story = Story(plan(), status(1, "resolved", by="automation"), applied(2, TERMS))
    assert catch_up(story.clock, at(3)).clock.deadlines == ()
