"""What a plan makes of a new ticket: priority, promised times, refusals."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.core.clock import wall_now
from tests.support.documents import PLANS
from tests.support.stories import P1, TICKET, Begin, due, path_of, pointers

NEW_YORK = ZoneInfo("America/New_York")
FRIDAY = datetime(2026, 11, 20, 15, 30, tzinfo=NEW_YORK)


def seconds(ticket: Any, metric: str, cycle: int = 1) -> float:
    """From the opening until the deadline."""
    end, start = (datetime.fromisoformat(at) for at in (due(ticket, metric, cycle), ticket["opened_at"]))
    return (end - start).total_seconds()


def lengths(ticket: Any) -> dict[str, float]:
    return {deadline["metric"]: seconds(ticket, deadline["metric"]) / 3600 for deadline in ticket["deadlines"]}


# --- G: google-premium -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, ["/business_impact", "/priority_reason"]),
        ({"business_impact": "No sales"}, ["/priority_reason"]),
        ({"priority_reason": "Every shop is down"}, ["/business_impact"]),
    ],
)
async def test_g1_a_p1_without_both_texts_is_refused(begin: Begin, given: dict[str, str], missing: list[str]) -> None:
    story = await begin("google-premium")
    problem = await story.customer.post("/v1/tickets", 422, **TICKET, priority="P1", **given)
    assert problem["type"] == "/problems/invalid-input"
    assert pointers(problem) == missing
    assert (await story.customer.get("/v1/tickets"))["items"] == []


async def test_g1_blank_texts_do_not_count(begin: Begin) -> None:
    story = await begin("google-premium")
    problem = await story.customer.post("/v1/tickets", 422, **TICKET, **P1 | {"priority_reason": "  \n "})
    assert pointers(problem) == ["/priority_reason"]


async def test_g1_a_p1_with_both_texts_is_opened(begin: Begin) -> None:
    story = await begin("google-premium")
    ticket = await story.open(**P1)
    assert (ticket["priority"], ticket["priority_source"]) == ("P1", "requested")
    assert ticket["business_impact"], ticket["priority_reason"]
    assert (await story.open(priority="P2"))["business_impact"] is None


async def test_g4_first_responses_of_google_premium(begin: Begin) -> None:
    story = await begin("google-premium")
    for priority, hours in {"P1": 0.25, "P2": 2, "P3": 4, "P4": 8}.items():
        assert lengths(await story.open(**P1 | {"priority": priority}))["first_response"] == hours


# --- W: wati ---------------------------------------------------------------------------------------------------


async def test_w3_first_response_and_resolution_of_wati(begin: Begin) -> None:
    story = await begin("wati-business-plus")
    monday = datetime(2026, 11, 23, 10, tzinfo=NEW_YORK)
    expected = {"P1": (0.5, 4), "P2": (1, 8), "P3": (2, 24), "P4": (4, 48)}
    for priority, (response, resolution) in expected.items():
        ticket = await story.engineer.get(await story.open_at(monday, priority=priority))
        assert lengths(ticket) == {"first_response": response, "resolution": resolution}, priority


async def test_w2_four_severities_and_a_default(begin: Begin) -> None:
    story = await begin("wati-business-plus")
    ticket = await story.open()
    assert (ticket["priority"], ticket["priority_source"], ticket["matrix_priority"]) == ("P3", "default", None)
    problem = await story.customer.post("/v1/tickets", 422, **TICKET, priority="critical")
    assert pointers(problem) == ["/priority"]
    assert "P1, P2, P3, and P4" in problem["errors"][0]["detail"]


# --- N: itil-native --------------------------------------------------------------------------------------------


async def test_n1_a_request_becomes_a_tracked_incident(begin: Begin) -> None:
    story = await begin("itil-native")
    ticket = await story.open(impact="medium", urgency="high")
    assert (ticket["status"], ticket["priority"]) == ("new", "high")
    path = "/programmes/itil-native?version=1"
    assert ticket["plan"] == {"key": "itil-native", "version": 1, "programme_url": path}
    assert await story.customer.get(path_of(ticket)) == ticket


async def test_n5_first_responses_of_the_itil_desk(begin: Begin) -> None:
    story = await begin("itil-native")
    found = [lengths(await story.open(priority=name))["first_response"] for name in ("critical", "high", "normal")]
    assert found == [0.5, 2, 4]


async def test_n2_only_hybrid_support_has_further_tiers(begin: Begin) -> None:
    plain, hybrid = await begin("itil-native"), await begin("itil-native", addons=["hybrid"])
    promised = {"first_response": 2, "update": 4, "tier_escalation": 8}
    for story in (plain, hybrid):
        assert lengths(await story.open(priority="high")) == promised
    path = path_of(await plain.open(priority="high"))
    assert pointers(await plain.engineer.post(f"{path}/assign", 422, tier=2)) == ["/tier"]


async def test_n8_what_the_matrix_says_stays_beside_what_was_asked_for(begin: Begin) -> None:
    story = await begin("itil-native")
    ticket = await story.open(priority="critical", impact="small", urgency="low")
    assert (ticket["priority"], ticket["priority_source"]) == ("critical", "requested")
    assert ticket["matrix_priority"] == "normal"
    [opened] = await story.events(path_of(ticket), "ticket.opened")
    assert (opened["data"]["priority"], opened["data"]["matrix_priority"]) == ("critical", "normal")


# --- Z: zmanda -------------------------------------------------------------------------------------------------


async def test_z1_the_matrix_decides_when_nothing_is_asked_for(begin: Begin) -> None:
    story = await begin("zmanda-standard")
    rows = {"high": ("P1", "P2", "P3"), "medium": ("P2", "P3", "P4"), "low": ("P3", "P4", "P4")}
    for urgency, row in rows.items():
        for impact, priority in zip(("large", "medium", "small"), row, strict=True):
            ticket = await story.open(urgency=urgency, impact=impact)
            assert (ticket["priority"], ticket["matrix_priority"]) == (priority, priority)
            assert ticket["priority_source"] == "matrix"


async def test_z1_half_a_matrix_is_no_matrix(begin: Begin) -> None:
    story = await begin("zmanda-standard")
    ticket = await story.open(urgency="high")
    assert (ticket["priority"], ticket["priority_source"], ticket["matrix_priority"]) == ("P3", "default", None)


async def test_z3_a_customer_on_trial_has_the_premium_plan(begin: Begin) -> None:
    story = await begin("zmanda-standard", trial_ends_at=wall_now() + timedelta(days=1))
    ticket = await story.open(priority="P1")
    assert ticket["plan"]["key"] == "zmanda-premium"
    assert lengths(ticket) == {"first_response": 0.25}


async def test_z3_after_the_trial_the_bought_plan_holds(begin: Begin) -> None:
    story = await begin("zmanda-standard", trial_ends_at=wall_now() - timedelta(seconds=1))
    assert (await story.open())["plan"]["key"] == "zmanda-standard"


async def test_z4_best_effort_has_no_deadlines(begin: Begin) -> None:
    story = await begin("zmanda-community")
    ticket = await story.open(priority="P1", channel="email")
    assert (ticket["deadlines"], ticket["next_update_due_at"]) == ([], None)
    answered = await story.engineer.post(f"{path_of(ticket)}/messages", 201, body="Try the newest version.")
    assert answered["visibility"] == "public"
    assert (await story.customer.get(path_of(ticket)))["deadlines"] == []


async def test_z4_community_products_beside_paid_ones(begin: Begin) -> None:
    story = await begin("zmanda-premium", product_plans={"amanda": "zmanda-community"})
    community, paid, plain = [await story.open(product=name) for name in ("amanda", "zmanda", None)]
    assert [ticket["plan"]["key"] for ticket in (community, paid, plain)] == [
        "zmanda-community",
        "zmanda-premium",
        "zmanda-premium",
    ]
    assert community["deadlines"] == []


async def test_z5_standard_hours_of_a_ticket_opened_on_friday(begin: Begin) -> None:
    """Worked example 1: Friday 15:30 in New York, P2 (3 h, Monday to Friday 08-17), is due Monday 09:30."""
    story = await begin("zmanda-standard")
    ticket = await story.customer.get(await story.open_at(FRIDAY, priority="P2"))
    monday = datetime(2026, 11, 23, 9, 30, tzinfo=NEW_YORK)
    assert datetime.fromisoformat(due(ticket, "first_response")) == monday
    assert datetime.fromisoformat(ticket["next_update_due_at"]) == monday
    assert due(ticket, "first_response") == "2026-11-23T14:30:00Z"


async def test_z5_the_zone_is_the_accounts(begin: Begin) -> None:
    story = await begin("zmanda-standard", time_zone="Europe/Warsaw")
    ticket = await story.customer.get(await story.open_at(FRIDAY, priority="P2"))
    assert due(ticket, "first_response") == "2026-11-23T10:00:00Z"


async def test_z5_premium_counts_around_the_clock(begin: Begin) -> None:
    story = await begin("zmanda-premium")
    tickets = [
        await story.customer.get(await story.open_at(FRIDAY, priority=name)) for name in ("P1", "P2", "P3", "P4")
    ]
    assert [lengths(ticket)["first_response"] for ticket in tickets] == [0.25, 1, 4, 8]


@pytest.mark.parametrize(
    ("plan", "offered", "refused"),
    [
        ("zmanda-standard", ["phone", "web"], ["email", "widget", "account_manager"]),
        ("zmanda-premium", ["account_manager", "phone", "web"], ["email", "widget"]),
        ("zmanda-community", ["email"], ["phone", "web", "widget"]),
        ("wati-business-plus", ["widget", "web", "email"], ["phone"]),
    ],
)
async def test_z6_channels_by_plan(begin: Begin, plan: str, offered: list[str], refused: list[str]) -> None:
    story = await begin(plan)
    account = {"account_id": story.account.account_id}
    for channel in (*offered, "hook", "api"):
        opened = await story.product.post("/v1/tickets", 201, **TICKET | account, channel=channel)
        assert opened["channel"] == channel
    for channel in refused:
        problem = await story.customer.post("/v1/tickets", 422, **TICKET, channel=channel)
        assert pointers(problem) == ["/channel"]
        assert PLANS[plan].name["en"] in problem["errors"][0]["detail"]


async def test_z6_only_support_opens_what_the_account_manager_opens(begin: Begin) -> None:
    story = await begin("zmanda-premium")
    refused = await story.customer.post("/v1/tickets", 403, **TICKET, channel="account_manager")
    assert "account_manager" in refused["detail"]
    path = path_of(await story.open(channel="phone"))
    await story.customer.post(f"{path}/messages", 403, body="As my manager says", channel="account_manager")
    await story.product.post(f"{path}/messages", 201, body="She told me", channel="account_manager")


async def test_all_faults_are_told_at_once(begin: Begin) -> None:
    story = await begin("google-premium")
    problem = await story.customer.post("/v1/tickets", 422, **TICKET, priority="P1", channel="widget")
    assert pointers(problem) == ["/channel", "/business_impact", "/priority_reason"]
