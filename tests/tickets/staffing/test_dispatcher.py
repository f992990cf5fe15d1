"""The dispatcher in memory: whose turn it is, who is paged in which round, and what a ticket waits for (G2, C20)."""

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.calendars.hours import ALWAYS, Calendar, CalendarSpec
from app.roster.choose import on_duty
from app.tickets.staffing.route import route_of
from tests.support.dispatching import (
    HOUR,
    MINUTE,
    NOON,
    PLAN,
    TICK,
    Desk,
    daily,
    desk,
    expert,
    paged,
    routed,
    state,
    told,
)
from tests.support.works import answered, plan_of, work_of

# --- whose turn it is (G2) -------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [0, 1, 3])
def test_g2_the_next_expert_goes_to_the_account_that_holds_fewer(before: int) -> None:
    roster = desk(expert("x"), expert("y"))
    heavy = [roster.open(f"a{number}") for number in range(2 + before)]
    victim = roster.open("v", account="acc_v")
    heavy += [roster.open(f"b{number}") for number in range(3)]
    engaged = [work for work in heavy if work.ticket.assignee_id]
    assert len(engaged) == 2
    roster.end(engaged[1], NOON + MINUTE)
    assert victim.ticket.assignee_id == "y"
    assert engaged[0].ticket.assignee_id == "x"
    roster.end(victim, NOON + 2 * MINUTE)
    waited = heavy[2]
    assert waited.ticket.assignee_id == "y"


def test_g2_accounts_that_hold_as_many_are_served_by_priority_and_then_by_time() -> None:
    plan = plan_of(routing={"tiers": 1, "exclusive": ["P1", "P2"], "follow_the_sun": ["P1"]})
    roster = desk(expert("x"))
    first = roster.open("a1", plan=plan)
    calm = roster.open("b1", account="acc_b", priority="P2", plan=plan)
    urgent = roster.open("c1", NOON + MINUTE, account="acc_c", plan=plan)
    late = roster.open("d1", NOON + 2 * MINUTE, account="acc_d", plan=plan)
    order = []
    for work in (first, urgent, late, calm):
        assert work.ticket.assignee_id == "x"
        order.append(work.ticket.id)
        roster.end(work, NOON + 3 * MINUTE)
    assert order == ["a1", "c1", "d1", "b1"]


def test_g2_an_account_goes_on_with_what_it_gives_back_while_others_wait() -> None:
    roster = desk(expert("x"), expert("y"))
    own, other = roster.open("a1"), roster.open("v1", account="acc_v")
    second = roster.open("a2")
    third = roster.open("v2", account="acc_v")
    roster.end(own, NOON + MINUTE)
    assert (second.ticket.assignee_id, third.ticket.assignee_id) == ("x", None)
    roster.end(other, NOON + 2 * MINUTE)
    assert third.ticket.assignee_id == "y"


def test_g2_who_comes_on_shift_is_shared_as_fairly() -> None:
    roster = desk(*(expert(f"x{number}", calendar=daily(14, 18)) for number in range(3)))
    heavy = [roster.open(f"a{number}") for number in range(5)]
    victim = roster.open("v", account="acc_v")
    roster.restaff(NOON + 2 * HOUR, *heavy, victim)
    assert victim.ticket.assignee_id
    assert sum(work.ticket.assignee_id is not None for work in heavy) == 2


def test_g7_at_the_end_of_a_shift_an_account_with_many_leaves_one_to_the_account_with_none() -> None:
    early, late = daily(6, 14), daily(14, 22)
    experts = [expert(f"e{n}", calendar=early, region="apac") for n in range(2)]
    roster = desk(*experts, *(expert(f"l{n}", calendar=late, region="emea") for n in range(2)))
    heavy = [roster.open(f"a{number}") for number in range(2)]
    for work in heavy:
        answered(work, accepted=True, now=NOON)
    victim = roster.open("v", account="acc_v")
    roster.restaff(NOON + 2 * HOUR, *heavy, victim)
    assert victim.ticket.assignee_id in ("l0", "l1")
    assert sorted(state(work)[0] for work in heavy) == ["engaged", "queued"]


# --- the plan's cap --------------------------------------------------------------------------------------------


def capped(most: int) -> Any:
    return plan_of(routing={"tiers": 1, "exclusive": ["P1"], "follow_the_sun": ["P1"], "max_experts": most})


def test_g2_an_account_holds_no_more_experts_than_its_plan_allows_and_says_so() -> None:
    roster = desk(*(expert(name) for name in "xyz"))
    plan = capped(2)
    mine = [roster.open(f"a{number}", plan=plan) for number in range(3)]
    assert [state(work) for work in mine][:2] == [("alerted", "x", None), ("alerted", "y", None)]
    assert state(mine[2]) == ("queued", None, "max_experts")
    [(_, data)] = told(mine[2], "routing.unstaffed")
    assert (data.reason, data.next_at, data.notified[0]["role"]) == ("max_experts", None, "manager")
    assert {c.engineer_id: c.reason for c in data.candidates} == {"x": "held", "y": "held", "z": "capped"}
    assert mine[2].ticket.route_at is None
    other = roster.open("b", account="acc_b", plan=plan)
    assert other.ticket.assignee_id == "z"
    roster.end(other, NOON + MINUTE)
    assert state(mine[2]) == ("queued", None, "max_experts")
    roster.end(mine[0], NOON + 2 * MINUTE)
    assert mine[2].ticket.assignee_id == "x"
    assert len(told(mine[2], "routing.unstaffed")) == 1


def test_g2_a_ticket_keeps_its_own_expert_within_the_cap() -> None:
    roster = desk(expert("x"), expert("y"))
    mine = roster.open("a", plan=capped(1))
    answered(mine, accepted=False, now=NOON + MINUTE)
    roster.restaff(NOON + MINUTE, mine)
    assert state(mine) == ("alerted", "y", None)


def test_g2_who_is_freed_by_a_refusal_may_serve_another_ticket_of_a_capped_account() -> None:
    roster = desk(expert("x"))
    mine, next_one = (roster.open(name, plan=capped(1)) for name in ("a", "b"))
    answered(mine, accepted=False, now=NOON + MINUTE)
    roster.restaff(NOON + MINUTE, mine)
    assert (state(mine)[2], next_one.ticket.assignee_id) == ("round_exhausted", "x")


# --- rounds of paging (C20) ------------------------------------------------------------------------------------


def test_c20_round_after_round_everybody_on_shift_is_paged() -> None:
    roster = desk(expert("x"), expert("y"))
    work = roster.open("a")
    roster.pass_time(NOON + HOUR)
    assert paged(work)[:5] == [("12:00", "x"), ("12:05", "y"), ("12:15", "x"), ("12:20", "y"), ("12:30", "x")]
    exhausted = told(work, "routing.round_exhausted")
    assert [data.round for _, data in exhausted] == [1, 2, 3, 4]
    for at, data in exhausted:
        assert data.next_at == at + 5 * MINUTE
    assert told(work, "routing.unstaffed") == []


@pytest.mark.parametrize(
    ("alert", "pause"),
    [
        ({"accept": "PT5M"}, 5 * MINUTE),
        ({"accept": "PT10S"}, MINUTE),
        ({"accept": "PT5M", "repeat": "PT2M"}, 2 * MINUTE),
        ({"accept": "PT5M", "repeat": "PT3H"}, 3 * HOUR),
    ],
)
def test_c20_the_next_round_begins_after_the_time_that_the_plan_says(alert: Any, pause: timedelta) -> None:
    roster = desk(expert("x"))
    work = roster.open("a", plan=plan_of(alert=alert))
    roster.pass_time(NOON + 6 * MINUTE)
    [(at, data), *_] = told(work, "routing.round_exhausted")
    assert data.next_at - at == pause


def test_c20_the_manager_is_told_of_the_first_round_and_then_at_most_hourly() -> None:
    roster = desk(expert("x"), expert("y"))
    work = roster.open("a")
    roster.pass_time(NOON + 24 * HOUR)
    exhausted = told(work, "routing.round_exhausted")
    notified = [at for at, data in exhausted if data.notified]
    assert notified[0] == exhausted[0][0]
    gaps = [after - before for before, after in itertools.pairwise(notified)]
    assert min(gaps) >= HOUR
    assert max(gaps) <= HOUR + 15 * MINUTE
    assert len(exhausted) == 96


def test_c20_who_declined_is_asked_last_in_the_next_rounds() -> None:
    roster = desk(*(expert(name) for name in "xyz"))
    work = roster.open("a")
    answered(work, accepted=False, now=NOON + MINUTE)
    roster.restaff(NOON + MINUTE, work)
    roster.pass_time(NOON + 50 * MINUTE)
    assert [name for _, name in paged(work)] == ["x", "y", "z", "y", "z", "x", "y", "z", "x"]
    answered(work, accepted=True, now=NOON + 50 * MINUTE)
    assert (routed(work).round, routed(work).declined, routed(work).notified_at) == (1, frozenset(), None)


def test_c20_who_comes_on_shift_between_two_rounds_is_paged_at_once_and_begins_none() -> None:
    roster = desk(expert("x"), expert("late", calendar=daily(13, 18)))
    work = roster.open("a", plan=plan_of(alert={"accept": "PT5M", "repeat": "PT2H"}))
    roster.pass_time(NOON + 3 * HOUR)
    assert paged(work) == [("12:00", "x"), ("13:00", "late"), ("14:05", "x"), ("14:10", "late")]
    assert [(f"{at:%H:%M}", data.round) for at, data in told(work, "routing.round_exhausted")] == [
        ("12:05", 1),
        ("14:15", 2),
    ]


def test_c20_who_is_still_asked_when_the_next_round_is_due_belongs_to_it() -> None:
    roster = desk(expert("x"), expert("late", calendar=Calendar(CalendarSpec("UTC", {4: ((12 * 60 + 8, 18 * 60),)}))))
    work = roster.open("a")
    roster.pass_time(NOON + 22 * MINUTE)
    assert paged(work) == [("12:00", "x"), ("12:08", "late"), ("12:13", "x")]
    assert [data.round for _, data in told(work, "routing.round_exhausted")] == [1, 2]


def test_c20_who_is_freed_between_two_rounds_is_paged_at_once_though_they_were_before() -> None:
    roster = desk(expert("x"), expert("y"))
    plan = plan_of(alert={"accept": "PT5M", "repeat": "PT2H"})
    work = roster.open("a", plan=plan)
    roster.pass_time(NOON + 11 * MINUTE)
    other = roster.open("b", NOON + 11 * MINUTE, account="acc_b", plan=plan)
    answered(other, accepted=True, now=NOON + 12 * MINUTE)
    roster.end(other, NOON + 30 * MINUTE)
    assert paged(work) == [("12:00", "x"), ("12:05", "y"), ("12:30", "x")]
    roster.pass_time(NOON + 45 * MINUTE)
    assert state(work) == ("queued", None, "round_exhausted")
    assert len(told(work, "routing.round_exhausted")) == 1


def test_c20_with_nobody_on_shift_it_waits_for_the_next_one_and_then_goes_on() -> None:
    roster = desk(expert("x", calendar=daily(9, 13)))
    work = roster.open("a", NOON + 48 * MINUTE)
    roster.pass_time(NOON + 2 * HOUR)
    assert state(work) == ("queued", None, "unstaffed")
    [(at, data)] = told(work, "routing.unstaffed")
    assert (f"{at:%H:%M}", data.reason, data.next_at) == ("13:00", "unstaffed", NOON + 21 * HOUR)
    assert data.notified == []  # the manager was told at 12:53 that a round is exhausted
    roster.pass_time(NOON + 21 * HOUR + MINUTE)
    assert state(work)[:2] == ("alerted", "x")


def test_c20_the_region_lock_holds_in_every_round() -> None:
    roster = desk(expert("x", region="emea"), expert("y", region="apac"))
    work = roster.open("a", region_lock="apac")
    roster.pass_time(NOON + HOUR)
    assert {name for _, name in paged(work)} == {"y"}


def test_c20_a_round_goes_over_all_tiers_and_regions() -> None:
    roster = desk(expert("low", tier=1), expert("mid", tier=2, region="apac"), expert("top", tier=3, region="emea"))
    work = roster.open("a")
    roster.pass_time(NOON + 16 * MINUTE)
    assert [name for _, name in paged(work)] == ["low", "mid", "top"]


def test_c20_what_earlier_versions_stored_in_the_queue_begins_a_round() -> None:
    roster = desk(expert("x"))
    old = {"state": "queued", "since": NOON.isoformat(), "engineer_id": None, "alert_id": None, "left": None}
    work = work_of("a", NOON, plan=PLAN, routing=old | {"tried": ["x"], "rank": 0}, queued_at=NOON, route_at=NOON)
    roster.works.append(work)
    roster.restaff(NOON + MINUTE, work)
    assert state(work) == ("alerted", "x", None)


# --- at all times ----------------------------------------------------------------------------------------------

hours = st.integers(0, 23).flatmap(lambda opens: st.tuples(st.just(opens), st.integers(opens + 1, 24)))
rosters = st.lists(hours | st.none(), min_size=1, max_size=4)
answers = st.lists(st.sampled_from(["ignore", "ignore", "decline", "accept and end"]), min_size=1, max_size=6)


def assert_looked_after(roster: Desk, now: datetime) -> None:
    """Nobody is held twice; no ticket is silent while somebody could take it."""
    held = [work.ticket.assignee_id for work in roster.works if work.ticket.routing and work.ticket.assignee_id]
    assert len(held) == len(set(held))
    free = [one for one in roster.experts.values() if on_duty(one, now) and one.held_for is None]
    for work in roster.works:
        route = route_of(work.ticket)
        if route and route.state == "queued":
            is_due = work.ticket.route_at is not None and work.ticket.route_at <= now
            assert not free or route.again_at or is_due, (now, route)
            assert route.again_at is None or (work.ticket.route_at or now) <= route.again_at


@settings(max_examples=60, deadline=None)
@given(rosters, answers, st.integers(1, 4))
def test_c20_no_ticket_is_silent_while_somebody_on_shift_is_free(
    shifts: Sequence[tuple[int, int] | None], replies: Sequence[str], tickets: int
) -> None:
    roster = desk(*(expert(f"x{n}", calendar=daily(*span) if span else ALWAYS) for n, span in enumerate(shifts)))
    for number in range(tickets):
        roster.open(f"t{number}", account=f"acc_{number % 2}")
    now, turn = NOON, 0
    while (at := roster.step(NOON + 26 * HOUR)) is not None:
        now = max(now, at)
        assert_looked_after(roster, now)
        asked = [
            work for work in roster.works if (r := route_of(work.ticket)) and r.state == "alerted" and r.since == at
        ]
        for work in asked:
            turn += 1
            reply = replies[turn % len(replies)]
            if reply != "ignore":
                answered(work, accepted=reply != "decline", now=at + TICK)
                roster.restaff(at + TICK, work)
                if reply == "accept and end":
                    roster.end(work, at + 2 * TICK)
                assert_looked_after(roster, at + 2 * TICK)
