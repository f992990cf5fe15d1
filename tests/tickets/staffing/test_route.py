"""Whether there is anything to do about a ticket's expert, case by case."""

from dataclasses import replace
from typing import Any, Final

import pytest

from app.tickets.editing.edit import TicketEdit
from app.tickets.staffing.route import MAX_EXPERTS, UNSTAFFED, Route, is_expired, is_to_do, route_of
from tests.support.dispatching import HOUR, MINUTE, NOON, PLAN
from tests.support.works import work_of

ENGAGED: Final = Route("engaged", NOON, "x")
ALERTED: Final = Route("alerted", NOON, "x", "alr_1")


def ticket(
    route: Route | None = None, *, priority: str = "P1", status: str = "new", reassign: bool = False, **fields: Any
) -> TicketEdit:
    assigned = {"assignee_id": route.engineer_id, "routing": route.document()} if route else {}
    edit = work_of("t", NOON, priority=priority, **{"plan": PLAN, **assigned, **fields})
    edit.ticket.status, edit.reassign = status, reassign
    return edit


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        pytest.param(ticket(), True, id="a P1 that nobody was looked for"),
        pytest.param(ticket(ENGAGED), False, id="a P1 that its expert works on"),
        pytest.param(ticket(ALERTED), False, id="a P1 whose expert is asked"),
        pytest.param(ticket(Route("queued", NOON)), True, id="a P1 that waits for an expert"),
        pytest.param(ticket(replace(ALERTED, state="declined")), True, id="a P1 whose expert declined"),
        pytest.param(ticket(ENGAGED, assignee_id="y"), True, id="a P1 that a person gave to another engineer"),
        pytest.param(ticket(ENGAGED, assignee_id=None), True, id="a P1 that a person took from its engineer"),
        pytest.param(ticket(ENGAGED, reassign=True), True, id="a P1 for which a miss wants another engineer"),
        pytest.param(ticket(ENGAGED, route_at=NOON), True, id="a P1 whose expert's shift ends at this instant"),
        pytest.param(ticket(ENGAGED, route_at=NOON + MINUTE), False, id="a P1 whose expert's shift ends later"),
        pytest.param(ticket(ENGAGED, status="waiting_on_customer"), False, id="a P1 that waits on its customer"),
        pytest.param(ticket(ENGAGED, status="mitigated"), True, id="a mitigated P1 whose expert is still held"),
        pytest.param(ticket(ENGAGED, status="resolved"), True, id="a resolved P1 whose expert is still held"),
        pytest.param(ticket(status="resolved"), False, id="a resolved P1 whose expert is free"),
        pytest.param(ticket(priority="P2"), False, id="a P2 that needs nobody of its own"),
        pytest.param(ticket(priority="P2", assignee_id="x"), False, id="a P2 that somebody works on"),
        pytest.param(
            ticket(priority="P2", assignee_id="x", reassign=True), True, id="a P2 that a miss takes from its engineer"
        ),
        pytest.param(ticket(priority="P2", reassign=True), False, id="a missed P2 that was nobody's"),
        pytest.param(ticket(ENGAGED, priority="P2"), True, id="a ticket that was a P1 and whose expert is still held"),
        pytest.param(
            ticket(priority="P2", assignee_id="x", route_at=NOON), True, id="a P2 that is due to be looked at"
        ),
    ],
)
def test_g2_a_tickets_expert_is_looked_at_where_there_is_something_to_do(edit: TicketEdit, *, expected: bool) -> None:
    assert is_to_do(edit) is expected


@pytest.mark.parametrize(
    "route",
    [
        ENGAGED,
        replace(ALERTED, tried=frozenset({"y", "z"}), declined=frozenset({"z"}), round=3),
        Route("queued", NOON, again_at=NOON + HOUR, notified_at=NOON, reason=MAX_EXPERTS),
        Route("queued", NOON, left={"engineer_id": "x", "region": "emea"}, reason=UNSTAFFED),
    ],
    ids=["engaged", "alerted in the third round", "queued until the next round", "queued at the end of a shift"],
)
def test_a_route_is_read_as_it_was_stored(route: Route) -> None:
    assert route_of(ticket(route).ticket) == route


def test_what_earlier_versions_stored_is_read_as_the_first_round() -> None:
    stored = {"state": "queued", "since": NOON, "engineer_id": None, "alert_id": None, "tried": ["x"], "left": None}
    assert route_of(ticket(routing=stored).ticket) == Route("queued", NOON, tried=frozenset({"x"}), reason=UNSTAFFED)


def test_only_the_alert_that_is_waited_for_expires() -> None:
    assert not is_expired(ticket(ALERTED), ALERTED)
    assert not is_expired(ticket(ENGAGED), ENGAGED)
