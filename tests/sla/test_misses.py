"""What a miss does (C15), warnings (C16), and the next thing to do (C17)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from app.sla.clock.changes import Apply, Ask
from app.sla.clock.clock import catch_up, wake_at
from app.sla.clock.terms import EFFECTS, Terms
from tests.sla.changing import engineer, priority, status, tier, waiting
from tests.sla.kit import HOUR, TERMS, TICK, Story, at, plan, row


def missing(**effects: tuple[str, ...]) -> Terms:
    return replace(TERMS, on_miss=effects)


def alone(terms: Terms, *metrics: str, on_miss: Mapping[str, tuple[str, ...]] | None = None) -> Terms:
    """Terms with the targets of these metrics only."""
    targets = {metric: terms.targets[metric] for metric in metrics}
    return replace(terms, targets=targets, on_miss=terms.on_miss if on_miss is None else on_miss)


def warning(*shares: int, **hours: float) -> Terms:
    return replace(plan(resolution=row(**hours)), warn_at=shares)


def warnings(story: Story) -> list[tuple[float, int]]:
    return [((event.at - at(0)) / HOUR, event.after) for event in story.told("deadline.warning")]


def test_c15_a_miss_raises_the_priority_by_one_step() -> None:
    story = Story(missing(first_response=("raise_priority",)), opened_as="P3", until=4.1)
    assert (story.clock.priority, story.last("first_response").priority) == ("P2", "P3")
    [raised] = story.told("priority")
    assert (raised.at, raised.before, raised.after, raised.by) == (at(4), "P3", "P2", "service")


def test_c15_a_miss_moves_to_the_next_tier_and_restarts_its_clock() -> None:
    story = Story(missing(first_response=("next_tier",)), until=2.1)
    assert story.clock.tier == 2
    assert story.states("tier_escalation") == ["met", "running"]
    assert story.due("tier_escalation") == 10


@pytest.mark.parametrize("effect", ["reassign", "notify_manager", "notify_tam", "open_escalation"])
def test_c15_what_the_clock_cannot_do_is_told_with_its_cause(effect: str) -> None:
    [event] = Story(missing(first_response=(effect,)), until=2.1).told("effect")
    assert event.deadline
    assert (event.at, event.reason, event.deadline.metric) == (at(2), effect, "first_response")


def test_c15_an_escalation_of_the_service_waits_for_its_acknowledgement() -> None:
    story = Story(missing(first_response=("open_escalation",)), until=2.1)
    [acknowledgement] = story.cycles("escalation_ack")
    assert (acknowledgement.subject, acknowledgement.due_at) == ("first_response:1", at(2.5))


def test_c15_a_plan_without_acknowledgements_waits_for_none() -> None:
    story = Story(replace(missing(first_response=("open_escalation",)), acknowledge=None), until=9)
    assert story.cycles("escalation_ack") == []


def test_c15_effects_happen_once_for_a_chain_at_its_first_miss() -> None:
    story = Story(missing(update=("notify_manager",)), engineer(1), until=40)
    assert story.states("update") == ["missed"] * 6 + ["running"]
    assert [event.at for event in story.told("effect")] == [at(7)]


def test_c15_a_new_chain_has_its_effects_again() -> None:
    story = Story(missing(update=("notify_manager",)), engineer(1), engineer(20), until=30)
    assert [event.at for event in story.told("effect")] == [at(7), at(26)]


def test_c15_every_cycle_of_a_resolution_has_its_effects() -> None:
    terms = alone(TERMS, "resolution", on_miss={"resolution": ("raise_priority", "notify_manager")})
    story = Story(terms, until=100)
    assert [(event.at, event.reason) for event in story.told("effect")] == [
        (at(20), "notify_manager"),
        (at(30), "notify_manager"),
    ]


def test_c15_all_misses_of_an_instant_come_first_and_then_each_kind_of_effect_once() -> None:
    terms = replace(
        plan(first_response=row(P1=1, P2=2, P3=2), resolution=row(P1=5, P2=2, P3=2)),
        on_miss={
            "resolution": ("notify_manager", "raise_priority", "notify_tam"),
            "first_response": ("notify_manager", "raise_priority"),
        },
    )
    story = Story(terms, opened_as="P3", until=2.1)
    told = [n.reason or (n.deadline.metric if n.deadline else n.kind) for n in story.events if n.at == at(2)]
    assert told == ["first_response", "resolution", "missed", "notify_manager", "notify_tam", "resolution"]
    assert [n.kind for n in story.events if n.at == at(2)] == [
        "deadline.missed",
        "deadline.missed",
        "priority",
        "effect",
        "effect",
        "deadline.started",
    ]
    assert story.clock.priority == "P2"


def test_c15_the_causes_of_an_instant_are_told_in_metric_order() -> None:
    terms = replace(
        plan(first_response=row(P2=2), resolution=row(P2=2)),
        on_miss={"first_response": ("notify_tam",), "resolution": ("notify_manager", "notify_tam")},
    )
    effects = Story(terms, until=2.1).told("effect")
    assert [(n.reason, n.deadline and n.deadline.metric) for n in effects] == [
        ("notify_manager", "resolution"),
        ("notify_tam", "first_response"),
    ]


def test_c15_new_cycles_start_at_the_priority_now_in_force() -> None:
    story = Story(missing(update=("raise_priority",)), engineer(1), until=7.1)
    assert story.states("update") == ["missed", "running"]
    assert (story.last("update").priority, story.due("update")) == ("P1", 10)


def test_c15_a_missed_resolution_that_raised_the_priority_starts_again_in_full() -> None:
    story = Story(missing(resolution=("raise_priority",)), engineer(1), until=20.1)
    first, second = story.cycles("resolution")
    assert (first.state, first.ended_at, first.priority) == ("missed", at(20), "P2")
    assert (second.cycle, second.started_at, second.due_at) == (2, at(20), at(30))


def test_c15_at_the_top_there_is_no_new_cycle() -> None:
    story = Story(missing(resolution=("raise_priority",)), opened_as="P1", until=50)
    assert story.states("resolution") == ["missed"]
    assert story.last("resolution").is_open
    assert story.then(engineer(51)).then(status(51, "resolved")).states("resolution") == ["met_late"]


def test_c15_a_raise_by_another_miss_is_no_faster_resolution() -> None:
    terms = replace(
        plan(first_response=row(P1=1, P2=2), resolution=row(P1=1, P2=2)),
        on_miss={"first_response": ("raise_priority",)},
    )
    story = Story(terms, until=9)
    assert story.clock.priority == "P1"
    assert story.states("resolution") == ["missed"]


def test_c15_a_missed_resolution_stays_open_where_the_raised_priority_promises_none() -> None:
    terms = replace(plan(resolution=row(P2=2)), on_miss={"resolution": ("raise_priority",)})
    story = Story(terms, until=9)
    assert (story.clock.priority, story.states("resolution")) == ("P1", ["missed"])
    assert story.last("resolution").is_open


def test_c15_a_tier_that_is_due_is_moved_in_time_by_the_service() -> None:
    story = Story(alone(TERMS, "tier_escalation"), until=30)
    assert story.clock.tier == 3
    assert [(d.state, d.ended_at, d.stopped_by) for d in story.cycles("tier_escalation")] == [
        ("met", at(8), "service"),
        ("met", at(16), "service"),
    ]
    assert story.told("deadline.missed") == []


def test_c15_a_tier_is_moved_once_although_two_things_ask_for_it() -> None:
    terms = replace(
        plan(resolution=row(P2=8), tier_escalation=row(P2=8)), on_miss={"resolution": ("next_tier",)}, tiers=3
    )
    assert Story(terms, until=8.1).clock.tier == 2


def test_c15_a_tier_that_is_due_when_a_miss_raises_the_priority_is_still_met() -> None:
    terms = replace(
        plan(resolution=row(P1=9, P2=8), tier_escalation=row(P2=8)), on_miss={"resolution": ("raise_priority",)}
    )
    story = Story(terms, until=8.1)
    assert (story.clock.tier, story.clock.priority) == (2, "P1")
    assert [(d.state, d.stopped_by) for d in story.cycles("tier_escalation")] == [("met", "service")]


def test_c15_misses_of_different_instants_are_folded_in_order() -> None:
    story = Story(missing(resolution=("raise_priority",), first_response=("raise_priority",)), until=100)
    instants = [event.at for event in story.events]
    assert instants == sorted(instants)
    assert [(n.at, n.after) for n in story.told("priority")] == [(at(2), "P1")]


def test_c15_effects_are_done_in_one_order() -> None:
    story = Story(missing(first_response=EFFECTS), until=2.1)
    kinds = [event.reason if event.kind == "effect" else event.kind for event in story.events if event.at == at(2)]
    done = [kind for kind in kinds if kind in {"priority", "tier", *EFFECTS}]
    assert done == ["priority", "tier", "reassign", "notify_manager", "notify_tam", "open_escalation"]


def test_c16_warnings_come_at_shares_of_the_working_time() -> None:
    assert warnings(Story(warning(50, 75, 90, P2=20), until=10)) == [(10, 50)]
    story = Story(warning(50, 75, 90, P2=20)).caught_up(at(10)).caught_up(at(15)).caught_up(at(18))
    assert warnings(story) == [(10, 50), (15, 75), (18, 90)]


def test_c16_a_share_that_is_no_microsecond_is_rounded_up() -> None:
    clock = Story(replace(plan(resolution=row(P2=1 / 3600 / 1000)), warn_at=(33,))).clock
    assert clock.deadlines[0].pending == ((at(0) + timedelta(microseconds=330), 33),)
    clock = Story(replace(plan(resolution=row(P2=1 / 3600 / 1_000_000 * 10)), warn_at=(33,))).clock
    assert clock.deadlines[0].pending == ((at(0) + 4 * TICK, 33),)


def test_c16_a_pause_postpones_what_has_not_been_warned_of() -> None:
    story = Story(warning(50, P2=20), engineer(1), waiting(1), status(4, "open"))
    assert wake_at(story.clock) == at(13)
    assert warnings(story.caught_up(at(13))) == [(13, 50)]


def test_c16_a_warning_comes_before_the_change_of_its_instant() -> None:
    story = Story(warning(50, P2=20), priority(10, "P3"))
    assert warnings(story) == [(10, 50)]


def test_c16_one_that_is_past_when_the_deadline_moves_does_not_fire() -> None:
    story = Story(warning(50, P1=10, P2=20), priority(9, "P1"))
    assert story.due("resolution") == 19
    assert wake_at(story.clock) == at(9.5)
    story = Story(warning(50, P1=4, P2=20), priority(9, "P1"))
    assert story.due("resolution") == 13
    assert wake_at(story.clock) == at(13)
    assert warnings(story.caught_up(at(13))) == []


def test_c16_a_later_move_may_make_it_future_again() -> None:
    story = Story(warning(50, P1=4, P2=20), priority(9, "P1"), priority(9.5, "P2"))
    assert warnings(story.caught_up(at(10))) == [(10, 50)]


def test_c16_each_comes_at_most_once_in_a_cycle() -> None:
    story = Story(warning(50, P1=10, P2=20, P3=40)).caught_up(at(10)).then(priority(11, "P3")).caught_up(at(39))
    assert story.due("resolution") == 40
    assert warnings(story) == [(10, 50)]


def test_c16_one_that_is_noticed_only_with_its_miss_is_recorded_but_not_sent() -> None:
    story = Story(warning(50, 90, P2=20)).caught_up(at(10)).caught_up(at(20) + TICK)
    assert warnings(story) == [(10, 50)]
    assert story.last("resolution").warned == (50, 90)
    assert story.last("resolution").state == "missed"


def test_c16_at_the_due_instant_it_is_still_sent() -> None:
    assert warnings(Story(warning(50, P2=20)).caught_up(at(20))) == [(10, 50)]


def test_c17_wake_is_the_earliest_of_warnings_and_dues() -> None:
    assert wake_at(Story(TERMS).clock) == at(2)
    assert wake_at(Story(replace(TERMS, warn_at=(50,))).clock) == at(1)


def test_c17_asks_count_and_paused_deadlines_do_not() -> None:
    paused = Story(alone(TERMS, "resolution"), engineer(1), waiting(1))
    assert wake_at(paused.clock) is None
    asked = paused.then(Ask(at(2), "alert_ack", "alt_1", HOUR))
    assert wake_at(asked.clock) == at(3)


def test_c17_a_resolved_ticket_wakes_to_be_closed() -> None:
    story = Story(TERMS, engineer(1), status(1, "resolved"))
    assert wake_at(story.clock) == at(169)
    assert catch_up(story.clock, at(169)).clock.status == "resolved"
    closed = catch_up(story.clock, at(169) + TICK).clock
    assert (closed.status, wake_at(closed)) == ("closed", None)


def test_c17_nothing_wakes_a_ticket_that_is_missed_in_all_it_has() -> None:
    assert wake_at(Story(alone(TERMS, "resolution"), tier(1, 2), until=21).clock) is None


def test_c15_the_next_tier_of_a_ticket_above_its_plans_last_is_its_own() -> None:
    """A plan with fewer tiers was applied: a miss never moves the ticket down."""
    terms = replace(plan(first_response=row(P2=2)), on_miss={"first_response": ("next_tier",)})
    story = Story(terms, tier(0, 3), Apply(at(1), replace(terms, tiers=2)), until=3)
    assert (story.states("first_response"), story.clock.tier) == (["missed"], 3)
