"""What becomes of one ticket's expert, case by case: what has happened to it, and what the dispatcher decides."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple

import pytest

from app.roster.choose import Expert
from app.tickets.editing.edit import TicketEdit
from app.tickets.staffing.route import MAX_EXPERTS, ROUND_EXHAUSTED, UNSTAFFED, route_of
from tests.support.dispatching import HOUR, MINUTE, NOON, PLAN, Desk, daily, desk, expert, routed
from tests.support.works import answered, plan_of

Happens = Callable[[Desk, TicketEdit], None]
ROSTER: Final = (expert("x", region="apac"), expert("y", region="emea"))
CAPPED: Final = plan_of(routing={"tiers": 1, "exclusive": ["P1"], "follow_the_sun": ["P1"], "max_experts": 1})


class Decided(NamedTuple):
    """How the ticket stands, and what was told of it in the last step."""

    state: str | None
    assignee: str | None
    reason: str | None = None
    told: tuple[str, ...] = ()


def nothing(_: Desk, __: TicketEdit) -> None:
    """It was just opened."""


def answer(*, accepted: bool) -> Happens:
    def happens(roster: Desk, edit: TicketEdit) -> None:
        answered(edit, accepted=accepted, now=edit.now + MINUTE)
        roster.restaff(edit.now, edit)

    return happens


def change(**fields: str | None) -> Happens:
    """Somebody changes the ticket after its expert has accepted."""

    def happens(roster: Desk, edit: TicketEdit) -> None:
        answer(accepted=True)(roster, edit)
        for name, value in fields.items():
            setattr(edit.ticket, name, value)
        edit.clock = replace(edit.clock, status=edit.ticket.status, priority=edit.ticket.priority)
        roster.restaff(edit.now + MINUTE, edit)

    return happens


def missed(roster: Desk, edit: TicketEdit) -> None:
    answer(accepted=True)(roster, edit)
    edit.reassign = True
    roster.restaff(edit.now + MINUTE, edit)


ON_SHIFT: Final = (
    expert("x", region="apac", calendar=daily(8, 14)),
    expert("y", region="emea", calendar=daily(13, 22)),
)
ALERTED: Final = ("ticket.assigned", "expert.alerted")

CASES: Final[dict[str, tuple[tuple[Expert, ...], Happens, Decided]]] = {
    "somebody is free": (ROSTER[:1], nothing, Decided("alerted", "x", None, ALERTED)),
    "nobody is there": ((), nothing, Decided("queued", None, UNSTAFFED, ("routing.unstaffed",))),
    "nobody is on shift": (
        (expert("x", calendar=daily(20, 22)),),
        nothing,
        Decided("queued", None, UNSTAFFED, ("routing.unstaffed",)),
    ),
    "everybody is held": (
        (expert("x", held_for="other", held_by="acc_b"),),
        nothing,
        Decided("queued", None, UNSTAFFED, ("routing.unstaffed",)),
    ),
    "the expert accepts": (ROSTER, answer(accepted=True), Decided("engaged", "x")),
    "the expert declines": (
        ROSTER,
        answer(accepted=False),
        Decided("alerted", "y", None, ("ticket.assigned", "expert.alerted")),
    ),
    "the only expert declines": (
        ROSTER[:1],
        answer(accepted=False),
        Decided("queued", None, ROUND_EXHAUSTED, ("ticket.assigned", "routing.round_exhausted")),
    ),
    "a person gives it to another engineer": (ROSTER, change(assignee_id="y"), Decided("engaged", "y")),
    "a person gives it to nobody": (ROSTER, change(assignee_id=None), Decided("alerted", "y", None, ALERTED)),
    "it is resolved": (ROSTER, change(status="resolved"), Decided(None, "x")),
    "it is mitigated": (ROSTER, change(status="mitigated"), Decided(None, "x")),
    "it is lowered": (ROSTER, change(priority="P3"), Decided(None, "x")),
    "a miss wants another engineer": (ROSTER, missed, Decided("alerted", "y", None, ALERTED)),
}


@pytest.mark.parametrize("case", CASES)
def test_g2_what_becomes_of_a_tickets_expert(case: str) -> None:
    experts, happens, expected = CASES[case]
    roster = desk(*experts)
    edit = roster.open("t")
    before = 0 if happens is nothing else len(edit.events)
    happens(roster, edit)
    route = route_of(edit.ticket)
    told = tuple(
        event.data.type
        for event in edit.events[before:]
        if event.data.type.startswith(("routing.", "expert.alerted", "ticket.assigned"))
    )
    assert (
        Decided(route.state if route else None, edit.ticket.assignee_id, route.reason if route else None, told)
        == expected
    )


@pytest.mark.parametrize(
    ("experts", "owner", "events"),
    [
        pytest.param(ON_SHIFT, "y", ["ticket.handed_over"], id="the next region takes over"),
        pytest.param(ON_SHIFT[:1], None, ["ticket.assigned", "routing.unstaffed"], id="nobody comes after it"),
        pytest.param((replace(ON_SHIFT[0], calendar=daily(8, 23)),), "x", [], id="the shift goes on"),
    ],
)
def test_g7_what_the_end_of_a_shift_does(experts: tuple[Expert, ...], owner: str | None, events: list[str]) -> None:
    roster = desk(*experts)
    edit = roster.open("t", NOON)
    answer(accepted=True)(roster, edit)
    before = len(edit.events)
    roster.pass_time(NOON + 4 * HOUR)
    assert edit.ticket.assignee_id == owner
    kinds = [event.data.type for event in edit.events[before:]]
    assert [kind for kind in kinds if kind.startswith(("ticket.handed", "ticket.assigned", "routing."))] == events


def test_g2_an_account_at_its_limit_waits_for_an_expert_of_its_own() -> None:
    roster = desk(*ROSTER)
    first, second = roster.open("a", plan=CAPPED), roster.open("b", plan=CAPPED)
    assert (routed(first).state, routed(second).state, routed(second).reason) == ("alerted", "queued", MAX_EXPERTS)
    roster.end(first, NOON + MINUTE)
    assert routed(second).state == "alerted"


def test_g2_an_ordinary_ticket_of_a_held_engineer_goes_to_somebody_else() -> None:
    roster = desk(*ROSTER)
    ordinary = roster.open("o", priority="P3", plan=PLAN)
    ordinary.ticket.assignee_id = "x"
    roster.experts["x"] = replace(roster.experts["x"], load=0)
    urgent = roster.open("u")
    assert urgent.ticket.assignee_id != ordinary.ticket.assignee_id
