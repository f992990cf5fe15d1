"""Ordinary work: handed to another engineer when its own is taken for a P1 (G2), and to the next tier (N2)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import pytest

from app.core.auth import Actor
from app.roster.choose import Expert
from app.sla.clock.changes import Status, Tier
from app.tickets.editing.clock import change_clock
from app.tickets.editing.edit import TicketEdit
from app.tickets.staffing.route import OWNER_HELD, UNSTAFFED, is_to_do, route_of
from tests.support.dispatching import HOUR, MINUTE, NOON, Desk, daily, desk, expert, told
from tests.support.works import answered, plan_of

HYBRID: Final = plan_of("itil-native", routing={"tiers": 3})
JAN: Final = Actor("engineer", "jan")


def work(roster: Desk, name: str, owner: str | None, **fields: Any) -> TicketEdit:
    """A ticket that somebody has, without an expert's hold."""
    edit = roster.open(name, priority=fields.pop("priority", "P2"), **fields)
    edit.ticket.assignee_id = owner
    change_clock(edit, Status(edit.now, "open"), JAN)
    if owner:
        roster.experts[owner] = replace(roster.experts[owner], load=roster.experts[owner].load + 1)
    return edit


def climb(roster: Desk, edit: TicketEdit, tier: int = 2) -> None:
    edit.now += MINUTE
    change_clock(edit, Tier(edit.now, tier), JAN)
    assert is_to_do(edit)
    roster.restaff(edit.now, edit)


def waits(edit: TicketEdit) -> tuple[str | None, str | None, int | None]:
    """In whose name it waits, for what, and for which tier."""
    route = route_of(edit.ticket)
    return edit.ticket.assignee_id, route.reason if route else None, route.tier if route else None


def overs(edit: TicketEdit) -> list[tuple[str | None, str | None, str | None]]:
    """Its hand-overs: from whom, to whom, why."""
    found = [data for _, data in told(edit, "ticket.handed_over")]
    return [(data.before["engineer_id"], data.after["engineer_id"], data.reason) for data in found]


def notes(edit: TicketEdit) -> int:
    return sum(message["visibility"] == "internal" for message in edit.messages)


# --- the next tier ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("others", "taken_by"),
    [
        ([expert("two", tier=2)], "two"),
        ([expert("three", tier=3), expert("two", tier=2, load=3)], "two"),
        ([expert("three", tier=3)], "three"),
        ([expert("one"), expert("full", tier=2, capacity=0)], None),
        ([expert("night", tier=2, calendar=daily(20, 23))], None),
    ],
    ids=["of the tier", "the nearest tier", "of a higher tier", "lower tiers and full ones", "off shift"],
)
def test_n2_the_ticket_goes_to_somebody_of_its_tier(others: Sequence[Expert], taken_by: str | None) -> None:
    roster = desk(expert("first"), *others)
    edit = work(roster, "t", "first", priority="high", plan=HYBRID)
    climb(roster, edit)
    assert roster.experts["first"].load == 0
    if taken_by:
        assert (waits(edit), overs(edit), notes(edit)) == ((taken_by, None, None), [("first", taken_by, "tier")], 1)
        assert roster.experts[taken_by].load == next(one.load for one in others if one.id == taken_by) + 1
        return
    assert (waits(edit), overs(edit)) == ((None, UNSTAFFED, 2), [])
    [(_, unstaffed)] = told(edit, "routing.unstaffed")
    assert [person["role"] for person in unstaffed.notified] == ["manager"]


def test_n2_a_ticket_in_the_queue_of_its_tier_goes_to_whoever_comes_on_shift() -> None:
    roster = desk(expert("first"), expert("night", tier=2, calendar=daily(20, 23)))
    edit = work(roster, "t", "first", priority="high", plan=HYBRID)
    climb(roster, edit)
    roster.pass_time(NOON + 7 * HOUR)
    assert waits(edit) == (None, UNSTAFFED, 2)
    assert len(told(edit, "routing.unstaffed")) == 1
    roster.pass_time(NOON + 8 * HOUR)
    assert (waits(edit), overs(edit)) == (("night", None, None), [("first", "night", "tier")])


def test_n2_an_engineer_of_the_tier_keeps_it() -> None:
    roster = desk(expert("second", tier=2), expert("other", tier=2))
    edit = work(roster, "t", "second", priority="high", plan=HYBRID)
    climb(roster, edit)
    assert (waits(edit), overs(edit)) == (("second", None, None), [])
    climb(roster, edit, 3)
    assert waits(edit) == (None, UNSTAFFED, 3)


def test_n2_given_by_hand_it_waits_no_more() -> None:
    roster = desk(expert("first"))
    edit = work(roster, "t", "first", priority="high", plan=HYBRID)
    climb(roster, edit)
    edit.ticket.assignee_id = "first"
    roster.restaff(edit.now + MINUTE, edit)
    assert (waits(edit), edit.ticket.queued_at) == (("first", None, None), None)


def test_n2_a_resolved_ticket_waits_for_nobody() -> None:
    roster = desk(expert("first"))
    edit = work(roster, "t", "first", priority="high", plan=HYBRID)
    climb(roster, edit)
    roster.end(edit, edit.now + MINUTE)
    assert (waits(edit), edit.ticket.queued_at, edit.ticket.route_at) == ((None, None, None), None, None)


# --- taken for a P1 --------------------------------------------------------------------------------------------


def test_g2_what_a_held_engineer_had_goes_to_somebody_who_is_free() -> None:
    roster = desk(expert("x"), expert("y", tier=3))
    edit = work(roster, "t", "x")
    p1 = roster.open("p1")
    assert p1.ticket.assignee_id == "x"
    assert (waits(edit), overs(edit), notes(edit)) == (("y", None, None), [("x", "y", "exclusive")], 1)


def test_g2_with_nobody_free_it_stays_in_its_engineers_name_and_comes_back() -> None:
    roster = desk(expert("x"))
    edit = work(roster, "t", "x")
    p1 = roster.open("p1")
    assert waits(edit) == ("x", OWNER_HELD, None)
    [(_, deferred)] = told(edit, "routing.unstaffed")
    assert (deferred.reason, [person["role"] for person in deferred.notified]) == (OWNER_HELD, ["manager"])
    roster.restaff(p1.now + MINUTE, edit)
    assert len(told(edit, "routing.unstaffed")) == 1
    answered(p1, accepted=True, now=p1.now + MINUTE)
    roster.end(p1, p1.now + HOUR)
    assert (waits(edit), overs(edit), notes(edit)) == (("x", None, None), [("x", "x", "owner_free")], 0)
    assert edit.ticket.queued_at is None


def test_g2_while_it_waits_somebody_who_comes_on_shift_takes_it() -> None:
    roster = desk(expert("x"), expert("late", tier=3, calendar=daily(18, 23)))
    edit = work(roster, "t", "x")
    p1 = roster.open("p1")
    answered(p1, accepted=True, now=p1.now + MINUTE)
    roster.restaff(p1.now, p1)
    roster.pass_time(NOON + 7 * HOUR)
    assert (waits(edit), overs(edit)) == (("late", None, None), [("x", "late", "exclusive")])


def test_g2_a_mitigated_p1_whose_engineer_is_needed_elsewhere_keeps_somebody() -> None:
    roster = desk(expert("x"))
    first = roster.open("p1")
    answered(first, accepted=True, now=first.now + MINUTE)
    change_clock(first, Status(first.now, "open"), JAN)
    change_clock(first, Status(first.now, "mitigated"), JAN)
    roster.restaff(first.now, first)
    roster.open("p2", first.now + MINUTE)
    assert waits(first) == ("x", OWNER_HELD, None)
    assert first.ticket.status == "mitigated"


def test_g2_given_to_another_by_hand_it_does_not_come_back() -> None:
    roster = desk(expert("x"), expert("absent", active=False))
    edit = work(roster, "t", "x")
    p1 = roster.open("p1")
    edit.ticket.assignee_id = "absent"
    roster.restaff(p1.now + MINUTE, edit)
    assert waits(edit) == ("absent", None, None)
    roster.end(p1, p1.now + HOUR)
    assert (waits(edit), overs(edit)) == (("absent", None, None), [])
