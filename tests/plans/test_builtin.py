"""The shipped plans, figure by figure: each test is named for the row of the requirements that it holds."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import jsonschema
import orjson
import pytest

from app.core.text.language import LANGUAGES
from app.plans.document.parsing.documents import PlanDocument, json_schema, parse
from app.plans.document.words import METRICS, Metric
from tests.support.documents import PLANS, TEXTS

ZMANDA = ("zmanda-standard", "zmanda-premium", "zmanda-community")

Figure = str | tuple[int, str] | tuple[str, str] | None


def figures(plan: str, metric: Metric) -> dict[str, Figure]:
    """Priority to ``PT4H``, ``(days, calendar)`` or ``(duration, calendar)``; None for no target."""
    document = PLANS[plan]
    return {priority: _figure(document, priority, metric) for priority in document.priority_keys}


def _figure(document: PlanDocument, priority: str, metric: Metric) -> Figure:
    target = document.target(priority, metric)
    if target is None:
        return None
    written: Any = target.written()
    if isinstance(written, str):
        return written
    return (written.get("business_days") or written["duration"], written["calendar"])


def only(plan: str, *metrics: Metric) -> bool:
    """Whether the plan has targets for these metrics alone."""
    return {metric for metric in METRICS if any(figures(plan, metric).values())} == set(metrics)


def weekly(plan: str, calendar: str) -> dict[str, list[tuple[str, str]]]:
    return {str(day): list(windows) for day, windows in PLANS[plan].calendars[calendar].weekly.items()}


def test_the_seven_plans_ship_under_their_own_keys() -> None:
    assert sorted(PLANS) == sorted([*ZMANDA, "google-premium", "itil-native", "wati-business-plus", "wati-pro"])
    assert all(plan.key == key for key, plan in PLANS.items())


@pytest.mark.parametrize("key", PLANS)
def test_a_shipped_plan_survives_the_way_through_json(key: str) -> None:
    assert parse(orjson.loads(orjson.dumps(PLANS[key].canonical()))) == PLANS[key]


@pytest.mark.parametrize("key", PLANS)
def test_g11_every_text_of_a_shipped_plan_is_in_all_languages(key: str) -> None:
    for text in _texts(PLANS[key]):
        assert set(text) == set(LANGUAGES), text.get("en")
        assert all(text.values())


def _texts(plan: PlanDocument) -> Iterator[dict[str, Any]]:
    yield from (plan.name, plan.programme)
    for priority in plan.priorities:
        yield from (priority.label, priority.definition, priority.examples)
        assert len({len(examples) for examples in priority.examples.values()}) == 1
    for addon in plan.addons.values():
        yield addon.label or {}
    yield from (calendar.label for calendar in plan.calendars.values() if calendar.label)
    if plan.services:
        yield plan.services
        assert len({len(services) for services in plan.services.values()}) == 1


@pytest.mark.parametrize("key", PLANS)
def test_z8_a_programme_is_told_in_chapters_and_leaves_the_figures_to_the_document(key: str) -> None:
    texts = PLANS[key].programme.values()
    assert len({text.count("\n## ") for text in texts}) == 1
    for text in texts:
        assert text.startswith("# ")
        assert text.count("\n## ") >= 2
        assert not re.search(r"\d\s*(%|h\b|min|hour|hora|heure|godz|day|d[ií]a|jour|dni|Minut|Stund|Tag)", text)


_OTHER: Final = {"key": "other", "priorities": ["P1"], "targets": {"P1": {"resolution": "PT4H"}}}


def test_z8_the_pages_of_the_shipped_plans_are_public_and_those_of_others_are_not_unless_they_say_so() -> None:
    assert all(plan.public for plan in PLANS.values())
    assert not parse(_OTHER).public


def test_z8_what_is_not_said_does_not_change_the_hash_of_a_document() -> None:
    document = parse(_OTHER | {"addons": {"more": {"tiers": 2}}}).canonical()
    assert not {"public", "services"} & document.keys()
    assert document["addons"] == {"more": {"tiers": 2, "notify_tam": False}}


@pytest.mark.parametrize("key", PLANS)
def test_a_file_says_which_figures_are_ours(key: str) -> None:
    comment = TEXTS[key].partition("\nkey:")[0]
    assert all(line.startswith("#") for line in comment.splitlines())
    assert "urs" in comment


def test_g1_a_p1_needs_impact_and_reason() -> None:
    assert PLANS["google-premium"].requires == {"P1": ["business_impact", "priority_reason"]}


def test_g2_g7_a_p1_is_exclusive_and_follows_the_sun() -> None:
    routing = PLANS["google-premium"].routing
    assert (routing.exclusive, routing.follow_the_sun) == (["P1"], ["P1"])


def test_g2_an_alerted_expert_has_five_minutes() -> None:
    assert figures("google-premium", "alert_ack")["P1"] == ("PT5M", "24x7")


def test_c20_the_next_round_of_paging_begins_five_minutes_later() -> None:
    assert PLANS["google-premium"].page_again_after == timedelta(minutes=5)


def test_g3_g6_a_p1_gets_a_call_on_meet_within_15_to_30_minutes() -> None:
    call = PLANS["google-premium"].call
    assert call
    assert (call.priorities, call.providers) == (["P1"], ["meet", "jitsi"])
    assert (call.remind, call.join_by) == (timedelta(minutes=15), timedelta(minutes=30))
    assert figures("google-premium", "call_join")["P1"] == ("PT30M", "24x7")


def test_g4_first_responses_and_updates() -> None:
    assert figures("google-premium", "first_response") == {"P1": "PT15M", "P2": "PT2H", "P3": "PT4H", "P4": "PT8H"}
    assert figures("google-premium", "update") == {"P1": "PT1H", "P2": "PT4H", "P3": None, "P4": None}
    assert PLANS["google-premium"].hours == "24x7"
    assert only("google-premium", "first_response", "update", "escalation_ack", "alert_ack", "call_join")


def test_g5_what_a_customer_can_escalate_for() -> None:
    escalation = PLANS["google-premium"].escalation
    assert escalation
    assert set(escalation.reasons) == {
        "business_impact",
        "resolution_time",
        "no_update",
        "too_many_exchanges",
        "wrong_priority",
        "technical_expertise",
    }


def test_g8_a_customer_may_raise() -> None:
    assert PLANS["google-premium"].customer_may.model_dump() == {"priority": "raise", "escalate": True}


def test_w1_both_programmes_run_24x7_and_can_have_a_tam() -> None:
    for key in ("wati-business-plus", "wati-pro"):
        assert PLANS[key].hours == "24x7"
        assert PLANS[key].tells_tam(["tam"])
        assert not PLANS[key].tells_tam([])


def test_w2_four_severities_with_three_texts_each() -> None:
    for key in ("wati-business-plus", "wati-pro"):
        assert PLANS[key].priority_keys == ("P1", "P2", "P3", "P4")
    labels = [priority.label["en"] for priority in PLANS["wati-business-plus"].priorities]
    assert labels == ["P1: urgent", "P2: high", "P3: medium", "P4: low"]


def test_w3_first_response_and_resolution() -> None:
    assert figures("wati-business-plus", "first_response") == {"P1": "PT30M", "P2": "PT1H", "P3": "PT2H", "P4": "PT4H"}
    assert figures("wati-business-plus", "resolution") == {
        "P1": "PT4H",
        "P2": "PT8H",
        "P3": (1, "business"),
        "P4": (2, "business"),
    }
    assert only("wati-business-plus", "first_response", "resolution", "escalation_ack")


def test_w3_a_business_day_is_monday_to_friday_nine_to_six_in_the_accounts_zone() -> None:
    for key in ("wati-business-plus", "wati-pro"):
        assert weekly(key, "business") == {day: [("09:00", "18:00")] for day in ("mon", "tue", "wed", "thu", "fri")}
        assert PLANS[key].calendars["business"].time_zone == "account"
        assert PLANS[key].calendars["business"].holidays.country == "account"


def test_w1_pro_has_twice_the_targets_of_business_plus() -> None:
    assert PLANS["wati-pro"].targets.keys() == PLANS["wati-business-plus"].targets.keys()
    for priority, row in PLANS["wati-business-plus"].targets.items():
        for metric, target in row.items():
            twice = PLANS["wati-pro"].targets[priority][metric]
            assert twice.calendar == target.calendar
            assert (twice.duration or timedelta()) == 2 * (target.duration or timedelta())
            assert (twice.business_days or 0) == 2 * (target.business_days or 0)


def test_w4_a_missed_resolution_raises_and_tells_manager_and_tam() -> None:
    for key in ("wati-business-plus", "wati-pro"):
        assert PLANS[key].on_miss == {
            "resolution": ["raise_priority", "open_escalation", "notify_manager", "notify_tam"]
        }


def test_w5_a_customer_escalates_a_wrong_severity() -> None:
    plan = PLANS["wati-business-plus"]
    assert plan.customer_may.model_dump() == {"priority": "none", "escalate": True}
    assert plan.escalation
    assert plan.escalation.reasons[0] == "wrong_priority"


def test_w6_a_ticket_is_opened_through_the_widget() -> None:
    assert "widget" in PLANS["wati-business-plus"].channels


def test_n2_hybrid_support_gives_further_tiers() -> None:
    plan = PLANS["itil-native"]
    assert (plan.effective_tiers([]), plan.effective_tiers(["hybrid"])) == (1, 3)


def test_n5_first_response_and_contact_by_severity() -> None:
    assert figures("itil-native", "first_response") == {"critical": "PT30M", "high": "PT2H", "normal": "PT4H"}
    contact = {priority.key: priority.contact for priority in PLANS["itil-native"].priorities}
    assert contact == {"critical": ["phone"], "high": ["phone", "email", "web"], "normal": ["email", "web"]}
    assert PLANS["itil-native"].channels == ["phone", "email", "web"]


def test_n6_updates_and_tier_escalations_in_plain_hours() -> None:
    assert figures("itil-native", "update") == {"critical": "PT2H", "high": "PT4H", "normal": "PT24H"}
    assert figures("itil-native", "tier_escalation") == {"critical": "PT4H", "high": "PT8H", "normal": "PT48H"}
    assert PLANS["itil-native"].hours == "24x7"
    assert only("itil-native", "first_response", "update", "tier_escalation", "escalation_ack")


def test_n7_objectives() -> None:
    assert PLANS["itil-native"].objectives == {"first_response": 0.95, "update": 0.90, "tier_escalation": 0.90}


def test_n8_every_request_is_closed_in_the_end() -> None:
    assert all(plan.close_after == timedelta(hours=168) for plan in PLANS.values())


@pytest.mark.parametrize("key", ZMANDA)
def test_z1_the_matrix_is_the_same_in_all_zmanda_plans(key: str) -> None:
    assert PLANS[key].matrix == {
        "high": {"large": "P1", "medium": "P2", "small": "P3"},
        "medium": {"large": "P2", "medium": "P3", "small": "P4"},
        "low": {"large": "P3", "medium": "P4", "small": "P4"},
    }


@pytest.mark.parametrize("key", ZMANDA)
def test_z2_the_customer_may_override(key: str) -> None:
    assert PLANS[key].customer_may.priority == "any"


def test_z2_what_customers_of_the_other_plans_may_do() -> None:
    may = {key: plan.customer_may.priority for key, plan in PLANS.items() if key not in ZMANDA}
    assert may == {"google-premium": "raise", "itil-native": "none", "wati-business-plus": "none", "wati-pro": "none"}
    assert all(plan.customer_may.escalate for plan in PLANS.values())


def test_z3_a_trial_gives_the_premium_plan_whatever_was_bought() -> None:
    trials = dict.fromkeys(("zmanda-standard", "zmanda-community"), "zmanda-premium")
    assert {key: plan.trial for key, plan in PLANS.items() if plan.trial} == trials


def test_z4_community_is_best_effort_by_email() -> None:
    plan = PLANS["zmanda-community"]
    assert plan.best_effort
    assert only("zmanda-community")
    assert plan.channels == ["email"]
    assert not any(other.best_effort for key, other in PLANS.items() if key != "zmanda-community")


def test_z5_standard_answers_in_working_hours() -> None:
    plan = PLANS["zmanda-standard"]
    assert figures(plan.key, "first_response") == {"P1": "PT1H", "P2": "PT3H", "P3": "PT8H", "P4": "PT24H"}
    assert plan.hours == "working"
    assert weekly(plan.key, "working") == {day: [("08:00", "17:00")] for day in ("mon", "tue", "wed", "thu", "fri")}
    assert plan.calendars["working"].time_zone == "account"
    assert plan.calendars["working"].holidays.model_dump() == {"country": None, "subdivision": None, "dates": []}
    assert only(plan.key, "first_response")


def test_z5_premium_answers_around_the_clock() -> None:
    plan = PLANS["zmanda-premium"]
    assert figures(plan.key, "first_response") == {"P1": "PT15M", "P2": "PT1H", "P3": "PT4H", "P4": "PT8H"}
    assert (plan.hours, plan.calendars) == ("24x7", {})
    assert only(plan.key, "first_response", "escalation_ack")


def test_z6_channels_by_plan() -> None:
    assert PLANS["zmanda-standard"].channels == ["phone", "web"]
    assert PLANS["zmanda-premium"].channels == ["account_manager", "phone", "web"]
    assert "account_manager" in PLANS["zmanda-premium"].priorities[0].contact
    assert not any("account_manager" in priority.contact for priority in PLANS["zmanda-standard"].priorities)


@pytest.mark.parametrize("key", ZMANDA)
def test_z9_definitions(key: str) -> None:
    texts = [(each.definition["en"], each.examples["en"][0]) for each in PLANS[key].priorities]
    assert texts == [
        (
            "Data protection is lost completely.",
            "The backup fails again and again, and none has succeeded for 48 hours.",
        ),
        (
            "A significant function is lost, but the system still works.",
            "Backup speed has dropped so far that the schedule slips.",
        ),
        (
            "A limited disturbance, for which there is a workaround.",
            "Report generation does not work, while backups succeed.",
        ),
        ("A minor fault, or a question.", "What a setting of the backup means."),
    ]


def test_g8_an_outage_that_is_near_is_a_reason_for_p1_and_no_definition_of_p2() -> None:
    first, second = PLANS["google-premium"].priorities[:2]
    assert "about to be" in first.definition["en"]
    assert second.definition["en"] == "Production still runs, but it is much degraded."


@pytest.mark.parametrize("key", PLANS)
def test_a_waiting_ticket_pauses_what_support_cannot_do_and_warnings_are_the_usual_ones(key: str) -> None:
    assert PLANS[key].pause == {"waiting_on_customer": ["resolution", "update", "tier_escalation"]}
    assert PLANS[key].warn_at == [50, 75, 90]


def test_the_published_schema_is_that_of_the_code() -> None:
    published = orjson.loads(Path("openapi/plan.schema.json").read_bytes())
    assert published == json_schema()
    jsonschema.Draft202012Validator.check_schema(published)


@pytest.mark.parametrize("key", PLANS)
def test_the_published_schema_takes_the_shipped_plans(key: str) -> None:
    jsonschema.validate(PLANS[key].canonical(), json_schema(), jsonschema.Draft202012Validator)


def test_the_published_schema_refuses_what_the_code_refuses() -> None:
    document = PLANS["wati-pro"].canonical()
    changes: list[dict[str, Any]] = [
        {"colour": 1},
        {"close_after": "P1D"},
        {"targets": {"P1": {"smile": "PT1H"}}},
        {"channels": []},
    ]
    for change in changes:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(document | change, json_schema(), jsonschema.Draft202012Validator)
