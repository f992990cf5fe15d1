"""Pauses (C10) and changes of priority (C11, C12)."""

from dataclasses import replace

from app.calendars.hours import CalendarSpec, compile_calendar
from app.sla.clock.changes import Apply
from tests.sla.changing import customer, engineer, priority, status, tier, waiting
from tests.sla.kit import OFFICE, TERMS, Story, at, days, plan, row, within

RESOLUTION = plan(resolution=row(P1=4, P2=8, P3=24))


def test_c10_waiting_pauses_resolution_update_and_tier() -> None:
    story = Story(TERMS, engineer(1), customer(1.5), waiting(2))
    states = {d.metric: (d.state, d.due_at) for d in story.clock.deadlines if d.is_open}
    assert states == {
        "resolution": ("paused", None),
        "update": ("paused", None),
        "tier_escalation": ("paused", None),
        "next_response": ("running", at(5.5)),
    }


def test_c10_a_plan_may_name_other_metrics_and_statuses() -> None:
    terms = replace(TERMS, pauses={"mitigated": frozenset({"resolution"}), "new": frozenset({"first_response"})})
    story = Story(terms)
    assert story.states("first_response") == ["paused"]
    assert story.then(status(5, "open")).due("first_response") == 7
    assert story.then(status(6, "mitigated")).last("resolution").state == "paused"


def test_c10_a_paused_deadline_can_still_be_met() -> None:
    story = Story(TERMS, engineer(1), waiting(2), engineer(90), status(90, "resolved"))
    assert [(d.state, d.ended_at, d.due_at) for d in story.cycles("resolution")] == [("met", at(90), None)]
    assert story.states("update") == ["met", "cancelled"]


def test_c10_a_resumed_one_goes_on_with_what_it_had_left() -> None:
    story = Story(RESOLUTION, engineer(1), waiting(2), customer(5))
    assert (story.clock.status, story.due("resolution")) == ("open", 11)
    story.then(waiting(10)).then(status(20, "open"))
    assert story.due("resolution") == 21


def test_c10_what_is_left_is_working_time_on_its_own_calendar() -> None:
    office = plan(resolution={"P2": within(8, OFFICE)})
    story = Story(office, engineer(1), waiting(5), status(29, "open"))
    assert story.due("resolution") == 32  # the last three hours of Tuesday
    story = Story(office, engineer(1), waiting(5), status(120, "open"))
    assert story.due("resolution") == 170  # resumed on Saturday, it has the first three hours of Monday


def test_c10_each_countdown_pauses() -> None:
    story = Story(RESOLUTION, priority(1, "P1"), engineer(2), waiting(2), status(12, "open"))
    assert story.due("resolution") == 15
    assert story.then(priority(13, "P2")).due("resolution") == 18


def test_c10_a_deadline_made_while_waiting_starts_paused_in_full() -> None:
    story = Story(TERMS, engineer(1), waiting(2), engineer(3))
    assert story.states("update") == ["met", "paused"]
    assert story.then(customer(9)).due("update") == 15


def test_c10_paused_exactly_at_its_due_instant_it_is_due_at_the_resume() -> None:
    story = Story(RESOLUTION, engineer(1), waiting(8))
    assert story.states("resolution") == ["paused"]
    story.then(status(30, "open"))
    assert (story.states("resolution"), story.due("resolution")) == (["running"], 30)
    missed = story.caught_up(at(31)).last("resolution")
    assert (missed.state, missed.missed_at) == ("missed", at(30))


def test_c10_pauses_taken_stay_taken_through_every_change() -> None:
    story = Story(RESOLUTION, engineer(1), waiting(1), status(4, "open"), priority(5, "P3"))
    assert story.due("resolution") == 27
    assert story.then(priority(6, "P2")).due("resolution") == 12
    assert story.then(Apply(at(7), plan(resolution=row(P2=9)))).due("resolution") == 13


def test_c10_a_missed_deadline_does_not_pause() -> None:
    story = Story(RESOLUTION, engineer(1), waiting(9))
    missed = story.last("resolution")
    assert (missed.state, missed.due_at, story.told("deadline.paused")) == ("missed", at(8), [])


def test_c10_pauses_and_resumes_are_told() -> None:
    story = Story(RESOLUTION, engineer(1), waiting(2), status(3, "open"))
    [paused], [resumed] = story.told("deadline.paused"), story.told("deadline.resumed")
    assert (paused.at, paused.before, paused.after) == (at(2), at(8), None)
    assert (resumed.at, resumed.before, resumed.after) == (at(3), None, at(9))


def test_c11_a_raise_starts_the_new_target_in_full() -> None:
    assert Story(RESOLUTION, priority(1, "P1")).due("resolution") == 5


def test_c11_a_raise_never_makes_due_later() -> None:
    assert Story(RESOLUTION, priority(7, "P1")).due("resolution") == 8


def test_c11_a_lowering_gives_the_longer_target_counted_from_the_start() -> None:
    assert Story(RESOLUTION, priority(7, "P3")).due("resolution") == 24


def test_c11_a_lowering_never_makes_due_earlier() -> None:
    shorter_below = plan(resolution=row(P1=4, P2=8, P3=2))
    assert Story(shorter_below, opened_as="P1").due("resolution") == 2
    assert Story(shorter_below, priority(1, "P3"), opened_as="P1").due("resolution") == 2
    assert Story(shorter_below, priority(1, "P2"), opened_as="P3").due("resolution") == 2


def test_c11_lowering_and_raising_again_gains_nothing() -> None:
    story = Story(RESOLUTION, priority(3, "P3"), priority(5, "P1"), opened_as="P1")
    assert story.due("resolution") == 6
    assert Story(RESOLUTION, priority(3, "P3"), priority(3, "P1"), opened_as="P1").due("resolution") == 4


def test_c11_a_priority_of_no_duration_leaves_no_trace() -> None:
    story = Story(RESOLUTION, priority(3, "P1"), priority(3, "P3"), priority(3, "P2"))
    assert [(span.at, span.priority) for span in story.last("resolution").spans] == [(at(0), "P2"), (at(3), "P2")]


def test_c11_a_countdown_runs_while_the_ticket_is_at_it_or_more_urgent() -> None:
    story = Story(RESOLUTION, priority(2, "P3"), priority(10, "P2"))
    assert story.due("resolution") == 16  # two hours of P2 were used before the lowering, and six are left
    story = Story(RESOLUTION, priority(2, "P1"), priority(5, "P3"), priority(7, "P2"))
    assert story.due("resolution") == 10  # five hours of P2 were used, three of them at P1


def test_c11_due_is_never_before_the_change_that_moved_it() -> None:
    story = Story(RESOLUTION, priority(4, "P2"), priority(10, "P1"), opened_as="P1")
    assert story.due("resolution") == 8
    later = plan(resolution=row(P1=4, P2=24))
    story = Story(later, priority(4, "P2"), priority(10, "P1"), opened_as="P1")
    assert story.due("resolution") == 10
    assert story.states("resolution") == ["running"]


def test_c11_business_days_of_a_raise_are_counted_from_the_raise() -> None:
    terms = plan(resolution={"P1": days(1), "P2": within(1000)})
    assert Story(terms, priority(26, "P1")).due("resolution") == 50  # Tuesday 12:00 to Wednesday 12:00


def test_c11_a_priority_of_no_duration_starts_no_countdown() -> None:
    """P1 is set for an instant on Monday; its business day is that of Tuesday, when it is set to last."""
    hours = {0: ((9 * 60, 18 * 60),), 1: ((9 * 60, 12 * 60),), 2: ((9 * 60, 18 * 60),)}
    uneven = compile_calendar(CalendarSpec("UTC", hours))
    terms = plan(resolution=row(P1=days(1, uneven), P2=400, P3=400))
    story = Story(terms, priority(5, "P1"), priority(5, "P2"), priority(24, "P1"), opened_as="P3")
    assert story.due("resolution") == 48


def test_c11_priorities_change_paused_deadlines_too() -> None:
    story = Story(RESOLUTION, engineer(1), waiting(1), priority(3, "P1"))
    assert (story.last("resolution").state, story.last("resolution").priority) == ("paused", "P1")
    assert story.then(customer(6)).due("resolution") == 10


def test_c12_a_metric_that_the_new_priority_lacks_is_cancelled_with_the_reason() -> None:
    story = Story(TERMS, engineer(1), priority(2, "P3"))
    update = story.last("update")
    assert (update.state, update.ended_at, update.reason, update.due_at) == (
        "cancelled",
        at(2),
        "priority_lowered",
        at(7),
    )


def test_c12_raised_again_the_same_cycle_revives() -> None:
    story = Story(TERMS, engineer(1), priority(2, "P3"), priority(4, "P2"))
    [update] = story.cycles("update")
    assert (update.state, update.started_at, update.due_at, update.ended_at, update.reason) == (
        "running",
        at(1),
        at(9),
        None,
        None,
    )


def test_c12_a_cycle_that_was_answered_while_cancelled_does_not_revive() -> None:
    story = Story(TERMS, engineer(1), customer(2), priority(2.5, "P3"), engineer(3), priority(4, "P2"))
    assert story.states("next_response") == ["cancelled"]
    assert story.states("update") == ["cancelled", "running"]
    assert story.due("update") == 10


def test_c12_while_waiting_it_revives_paused() -> None:
    story = Story(TERMS, engineer(1), waiting(2), priority(3, "P3"), priority(4, "P2"))
    assert story.states("update") == ["paused"]
    assert story.then(status(5, "open")).due("update") == 10


def test_c12_a_metric_that_only_the_new_priority_has_starts_at_the_change() -> None:
    story = Story(TERMS, engineer(1), customer(2), priority(3, "P2"), opened_as="P3")
    started = {d.metric: d.started_at for d in story.clock.deadlines if d.is_open and d.metric != "resolution"}
    assert started == dict.fromkeys(("next_response", "update", "tier_escalation"), at(3))


def test_c12_but_not_if_its_start_has_not_happened_or_its_stop_has() -> None:
    assert Story(TERMS, priority(3, "P2"), opened_as="P3").cycles("update") == []
    answered = Story(TERMS, engineer(1), customer(2), engineer(2.5), priority(3, "P2"), opened_as="P3")
    assert answered.cycles("next_response") == []
    assert Story(TERMS, tier(1, 3), priority(3, "P2"), opened_as="P3").cycles("tier_escalation") == []


def test_c12_what_was_missed_stays_missed_at_its_priority() -> None:
    story = Story(TERMS, priority(3, "P1"), priority(4, "P3"))
    first = story.last("first_response")
    assert (first.state, first.priority, first.missed_at, first.is_open) == ("missed", "P2", at(2), True)
    assert story.then(engineer(5)).states("first_response") == ["met_late"]


def test_c12_a_chain_of_updates_goes_on_once_the_priority_promises_them_again() -> None:
    terms = replace(plan(update=row(P2=2)), on_miss={"update": ("raise_priority",)})
    story = Story(terms, engineer(1), until=4)
    assert (story.clock.priority, story.states("update")) == ("P1", ["missed"])
    story.then(priority(5, "P2"))
    assert [(d.state, d.ended_at, d.chain) for d in story.cycles("update")] == [
        ("missed", at(3), 0),
        ("running", None, 1),
    ]


def test_c12_each_move_is_told_with_from_to_and_reason() -> None:
    story = Story(RESOLUTION, priority(1, "P1"), priority(2, "P3"))
    assert [(n.at, n.before, n.after, n.reason) for n in story.told("deadline.moved")] == [
        (at(1), at(8), at(5), "priority_raised"),
        (at(2), at(5), at(24), "priority_lowered"),
    ]


def test_c12_a_priority_set_to_itself_is_nothing() -> None:
    story = Story(TERMS)
    assert story.then(priority(0, "P2")).clock == Story(TERMS).clock
