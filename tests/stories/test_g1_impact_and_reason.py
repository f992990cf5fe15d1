"""G1: a P1 carries a detailed business impact and the reason why it is P1; without both it is refused."""

import pytest

from tests.support.stories import P1, Begin, deadline, path_of, pointers
from tests.support.tickets import TICKET

NOON = {"sandbox": {"starts_at": "2026-11-23T12:00:00Z"}}


@pytest.mark.parametrize("missing", ["business_impact", "priority_reason"])
async def test_g1_a_p1_without_either_is_refused_with_the_place(begin: Begin, missing: str) -> None:
    story = await begin("google-premium", **NOON)
    fields = {name: value for name, value in P1.items() if name != missing}
    for given in (fields, fields | {missing: "  "}):
        problem = await story.customer.post("/v1/tickets", 422, **TICKET | given)
        assert (problem["type"], pointers(problem)) == ("/problems/invalid-input", [f"/{missing}"])
    assert (await story.customer.get("/v1/tickets"))["items"] == []


async def test_g1_nor_does_a_ticket_become_one_without_them(begin: Begin) -> None:
    story = await begin("google-premium", **NOON)
    path = path_of(await story.open(priority="P3"))
    raised = {"priority": "P1", "reason": "Every shop is down"}
    assert pointers(await story.customer.post(f"{path}/priority", 422, **raised)) == ["/business_impact"]
    ticket = await story.customer.post(f"{path}/priority", **raised, business_impact="No order can be taken")
    assert (ticket["priority"], ticket["priority_reason"]) == ("P1", "Every shop is down")
    assert deadline(ticket, "first_response")["state"] == "running"
