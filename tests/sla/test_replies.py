"""Who answers (C07), what starts (C08 and the table of metrics), and that a late sweep changes nothing (C09, C06)."""

from dataclasses import replace
from typing import Literal

import pytest

from app.sla.clock.changes import Answer, Ask, Message
from app.sla.clock.clock import catch_up
from app.sla.clock.terms import Terms
from tests.sla.changing import close, customer, engineer, priority, status, tier, waiting
from tests.sla.kit import HOUR, TERMS, TICK, Story, at, plan, row, states_of, within


def test_c07_a_public_message_of_an_engineer_answers() -> None:
    story = Story(TERMS, engineer(1))
    answered = story.last("first_response")
    assert (answered.state, answered.ended_at, answered.stopped_by) == ("met", at(1), "engineer")


@pytest.mark.parametrize(
    "message",
    [
        Message(at(1), "engineer", public=False),
        Message(at(1), "automation"),
        Message(at(1), "automation", public=False),
        Message(at(1), "customer"),
    ],
)
def test_c07_nothing_else_answers(message: Message) -> None:
    assert Story(TERMS, message).last("first_response").state == "running"


@pytest.mark.parametrize("author", ["customer", "automation"])
def test_c07_only_an_engineer_answers_what_was_asked_after_the_first_response(
    author: Literal["customer", "automation"],
) -> None:
    story = Story(TERMS, engineer(1), customer(2), Message(at(3), author))
    assert story.states("next_response") == ["running"]
    assert story.due("next_response") == 6


def test_c07_status_changes_tiers_and_priorities_never_answer() -> None:
    story = Story(TERMS, status(0.5, "open"), tier(0.6, 2), priority(0.7, "P1"))
    assert story.last("first_response").state == "running"


def test_c07_a_ticket_opened_by_an_engineer_waits_for_the_first_message_after_its_opening() -> None:
    story = Story(TERMS)
    assert story.last("first_response").state == "running"
    assert story.then(engineer(0)).last("first_response").state == "met"


def test_c07_a_public_message_of_a_customer_waits_and_an_internal_one_does_not() -> None:
    assert Story(TERMS, engineer(1), customer(2, public=False)).cycles("next_response") == []
    assert Story(TERMS, engineer(1), customer(2)).states("next_response") == ["running"]


def test_metrics_the_first_response_answers_everything_before_it() -> None:
    story = Story(TERMS, customer(0.5), customer(1), engineer(1.5))
    assert story.cycles("next_response") == []
    assert story.states("first_response") == ["met"]


def test_metrics_next_response_starts_at_the_oldest_unanswered_message() -> None:
    story = Story(TERMS, engineer(1), customer(2), customer(3))
    assert story.due("next_response") == 6
    story.then(engineer(4)).then(customer(5))
    assert story.states("next_response") == ["met", "running"]
    assert story.due("next_response") == 9


def test_metrics_update_starts_at_the_first_response_and_restarts_at_every_answer() -> None:
    story = Story(TERMS)
    assert story.cycles("update") == []
    story.then(engineer(1)).then(engineer(3))
    assert story.states("update") == ["met", "running"]
    assert [deadline.started_at for deadline in story.cycles("update")] == [at(1), at(3)]


def test_metrics_update_starts_when_the_first_response_is_missed() -> None:
    story = Story(TERMS, until=3)
    assert story.last("update").started_at == at(2)
    story.then(engineer(4))
    assert story.states("first_response") == ["met_late"]
    assert [deadline.started_at for deadline in story.cycles("update")] == [at(2), at(4)]


def test_metrics_a_chain_of_updates_ends_each_at_its_own_due_instant() -> None:
    story = Story(TERMS, engineer(1), until=14)
    assert [(d.state, d.due_at, d.ended_at, d.chain) for d in story.cycles("update")] == [
        ("missed", at(7), at(7), 0),
        ("missed", at(13), at(13), 1),
        ("running", at(19), None, 2),
    ]
    story.then(engineer(15))
    assert [(d.state, d.chain) for d in story.cycles("update")[2:]] == [("met", 2), ("running", 0)]


def test_metrics_update_goes_on_where_the_plan_has_no_first_response() -> None:
    story = Story(plan(update=row(P2=2)), until=9)
    assert story.clock.deadlines == ()
    assert story.then(engineer(10)).due("update") == 12


def test_metrics_resolution_starts_at_the_opening_and_is_met_by_resolved() -> None:
    story = Story(TERMS, engineer(1), status(20, "resolved"))
    resolution = story.last("resolution")
    assert (resolution.started_at, resolution.state, resolution.ended_at) == (at(0), "met", at(20))


def test_metrics_tier_escalation_starts_at_each_tier_but_the_top_one() -> None:
    story = Story(TERMS, tier(1, 2))
    assert story.states("tier_escalation") == ["met", "running"]
    assert story.due("tier_escalation") == 9
    assert story.then(tier(2, 3)).states("tier_escalation") == ["met", "met"]
    assert Story(replace(TERMS, tiers=1)).cycles("tier_escalation") == []


def test_metrics_an_acknowledgement_is_always_around_the_clock_and_never_paused() -> None:
    ask = Ask(at(1), "escalation_ack", "esc_1", HOUR)
    story = Story(TERMS, engineer(0.5), ask, waiting(1.1), priority(1.2, "P1"))
    assert (story.last("escalation_ack").state, story.due("escalation_ack")) == ("running", 2)


def test_metrics_each_subject_has_its_own_acknowledgement() -> None:
    story = Story(TERMS, Ask(at(1), "alert_ack", "a", HOUR), Ask(at(1), "alert_ack", "b", 2 * HOUR))
    story.then(Answer(at(1.5), "alert_ack", "b"))
    assert {d.subject: d.state for d in story.cycles("alert_ack")} == {"a": "running", "b": "met"}
    assert Story(TERMS, Ask(at(1), "alert_ack", "a", HOUR), until=3).states("alert_ack") == ["missed"]


def test_metrics_what_is_no_longer_waited_for_is_cancelled() -> None:
    story = Story(TERMS, Ask(at(1), "call_join", "c", HOUR), Answer(at(1.5), "call_join", "c", cancel="withdrawn"))
    call = story.last("call_join")
    assert (call.state, call.reason) == ("cancelled", "withdrawn")


def test_metrics_a_late_answer_is_met_late() -> None:
    story = Story(TERMS, Ask(at(1), "call_join", "c", HOUR), Answer(at(3), "call_join", "c", by="customer"))
    call = story.last("call_join")
    assert (call.state, call.missed_at, call.stopped_by) == ("met_late", at(2), "customer")


def test_c08_a_deadline_exists_only_where_the_plan_has_a_target() -> None:
    assert states_of(Story(TERMS, opened_as="P3").clock) == {"first_response": "running", "resolution": "running"}
    story = Story(TERMS, engineer(1), customer(2), opened_as="P3")
    assert states_of(story.clock) == {"first_response": "met", "resolution": "running"}


def test_c08_a_best_effort_plan_has_none() -> None:
    best_effort = plan()
    story = Story(best_effort, engineer(1), customer(2), tier(3, 2), priority(4, "P1"), waiting(5), until=1000)
    assert (story.clock.deadlines, story.told("deadline.started")) == ((), [])


@pytest.mark.parametrize("ended", [status(2, "resolved"), close(2)])
def test_c08_nothing_starts_on_a_resolved_or_closed_ticket(ended: object) -> None:
    story = Story(TERMS, engineer(1)).then(ended)  # type: ignore[arg-type]  # both are changes
    for change in (engineer(3), priority(4, "P1"), tier(5, 2), Ask(at(6), "alert_ack", "a", HOUR)):
        story.then(change)
    assert not [deadline for deadline in story.clock.deadlines if deadline.is_open]


def test_c06_a_stop_at_the_due_instant_is_in_time() -> None:
    assert Story(TERMS, engineer(2)).states("first_response") == ["met"]


def test_c06_a_microsecond_later_is_late() -> None:
    late = Message(at(2) + TICK, "engineer")
    first = Story(TERMS, late).last("first_response")
    assert (first.state, first.missed_at, first.ended_at) == ("met_late", at(2), at(2) + TICK)


def test_c06_nothing_is_missed_at_its_due_instant() -> None:
    clock = Story(TERMS).clock
    assert catch_up(clock, at(2)).clock == clock
    assert catch_up(clock, at(2) + TICK).clock.deadlines[0].missed_at == at(2)


def one_metric(terms: Terms) -> Terms:
    return replace(terms, targets={"resolution": {"P2": within(2)}}, on_miss={"resolution": ("notify_manager",)})


def test_c09_a_stop_after_an_unnoticed_miss_records_the_miss_first() -> None:
    story = Story(one_metric(TERMS), engineer(1), status(30, "resolved"))
    assert [(n.kind, n.at) for n in story.events if n.at >= at(2)] == [
        ("deadline.missed", at(2)),
        ("effect", at(2)),
        ("status", at(30)),
        ("deadline.met_late", at(30)),
    ]


def test_c09_what_is_due_is_caught_up_with_in_order_before_the_change() -> None:
    late = Story(TERMS, engineer(25))
    swept = Story(TERMS)
    for hours in range(25):
        swept.caught_up(at(hours)).caught_up(at(hours) + TICK)
    assert swept.then(engineer(25)).clock == late.clock
    assert [n.at for n in late.events] == sorted(n.at for n in late.events)


def test_c09_a_clock_that_has_caught_up_is_never_before_what_it_told() -> None:
    assert Story(TERMS, until=3).clock.last_at == at(2)
