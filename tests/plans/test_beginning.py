"""A plan is easy to begin; what is stored is read by every version."""

import re
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from structlog.testing import capture_logs

from app.core.db.engine import Sessions
from app.core.problems import Invalid
from app.core.process.memory import Memory
from app.plans.document.parsing.documents import json_schema, parse, parse_yaml
from app.plans.document.parsing.stored import read_stored
from app.plans.document.words import NAME_PATTERN
from app.plans.store import BUILTIN, document
from tests.support.actors import Headers
from tests.support.desk import fetch, store_plan
from tests.support.tickets import TICKET

MINIMAL: dict[str, Any] = {
    "key": "small",
    "priorities": ["urgent", "normal"],
    "targets": {"urgent": {"first_response": "PT1H"}, "normal": {"first_response": "PT8H"}},
}
SCHEMA = Draft202012Validator(json_schema())


def faults(data: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as refused:
        parse(data)
    return [(fault["pointer"], fault["detail"]) for fault in refused.value.errors]


def test_a_minimal_plan_is_a_key_priorities_and_targets() -> None:
    plan = parse(MINIMAL)
    assert (plan.name, plan.programme, plan.default_priority) == ({"en": "small"}, {"en": "small"}, "normal")
    assert plan.channels == ["web", "email", "phone", "widget"]
    assert not plan.customer_may.escalate
    (urgent, _) = plan.priorities
    assert (urgent.label, urgent.definition, urgent.examples) == ({"en": "urgent"}, {"en": "urgent"}, {"en": []})
    assert parse(plan.canonical()) == plan
    assert SCHEMA.is_valid(MINIMAL)


async def test_a_minimal_plan_is_stored_and_serves_tickets(client: httpx.AsyncClient, admin: Headers) -> None:
    answer = await client.post("/v1/plans", json=MINIMAL, headers=admin)
    assert answer.status_code == 201, answer.text
    account = {"name": "Shops", "plan": "small", "time_zone": "Europe/Madrid"}
    made = (await client.post("/v1/accounts", json=account, headers=admin)).json()
    opened = await client.post("/v1/tickets", json=TICKET | {"account_id": made["id"]}, headers=admin)
    assert (opened.status_code, opened.json()["priority"]) == (201, "normal")
    assert [due["metric"] for due in opened.json()["deadlines"]] == ["first_response"]


def test_the_plan_of_the_documentation_is_that_plan() -> None:
    page = (BUILTIN.parents[2] / "docs" / "plans.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"^```yaml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert parse_yaml(text) == parse(MINIMAL)


@pytest.mark.parametrize("missing", ["key", "priorities"])
def test_what_is_needed_is_told_alone(missing: str) -> None:
    told = faults({name: value for name, value in MINIMAL.items() if name != missing})
    assert (f"/{missing}", f"The key `{missing}` is required.") in told
    assert not {pointer for pointer, _ in told} & {"/name", "/programme", "/channels", "/customer_may"}


def test_a_plan_that_promises_nothing_says_that_it_is_best_effort() -> None:
    sentence = "The plan promises nothing: give a priority a target, or say `best_effort: true`."
    without = {name: value for name, value in MINIMAL.items() if name != "targets"}
    for empty in (without, without | {"targets": {}}, without | {"targets": {"urgent": {}}}):
        assert faults(empty) == [("/targets", sentence)]
        assert read_stored(empty)[1] == []
    assert parse(without | {"best_effort": True}).best_effort
    assert parse(without | {"alert": {"accept": "PT5M"}, "routing": {"exclusive": ["urgent"]}}).alert


def test_a_priority_without_a_key_is_told_so_and_no_more() -> None:
    assert faults(MINIMAL | {"priorities": [{"label": {"en": "A"}}, {"key": "normal"}], "targets": {}}) == [
        ("/priorities/0/key", "The key `key` is required.")
    ]


@pytest.mark.parametrize(
    ("change", "place", "sentence"),
    [
        ({"priorities": "urgent"}, "/priorities", "This has to be a list, such as [urgent]."),
        (
            {"priorities": {"urgent": {}, "normal": {}}},
            "/priorities",
            "This has to be a list, such as [urgent, normal].",
        ),
        ({"priorities": [1]}, "/priorities/0", "This has to be text."),
        ({"channels": "web"}, "/channels", "This has to be a list, such as [web]."),
        ({"warn_at": 50}, "/warn_at", "This has to be a list, such as [50]."),
        ({"review_non_production": 1}, "/review_non_production", "This has to be a list, such as [1]."),
        ({"routing": {"exclusive": "urgent"}}, "/routing/exclusive", "This has to be a list, such as [urgent]."),
        (
            {"requires": {"urgent": "priority_reason"}},
            "/requires/urgent",
            "This has to be a list, such as [priority_reason].",
        ),
        ({"addons": ["tam"]}, "/addons", "This has to be an object."),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("/") else "",
)
def test_a_key_in_the_wrong_form_is_told_the_right_one(change: dict[str, Any], place: str, sentence: str) -> None:
    assert (place, sentence) in faults(MINIMAL | {"targets": {}} | change)


def test_a_priority_is_written_by_its_key_or_whole() -> None:
    whole = MINIMAL | {"priorities": [{"key": "urgent"}, "normal"]}
    assert parse(whole) == parse(MINIMAL)
    assert SCHEMA.is_valid(whole)
    assert not SCHEMA.is_valid(MINIMAL | {"priorities": ["not a key"]})


def test_the_most_urgent_priority_is_reviewed_where_a_plan_says_true() -> None:
    reviewed = {value: parse(MINIMAL | {"review_non_production": value}) for value in (True, False)}
    assert {value: plan.review_non_production for value, plan in reviewed.items()} == {True: ["urgent"], False: []}
    assert parse(MINIMAL | {"review_non_production": ["normal"]}).review_non_production == ["normal"]
    assert all(SCHEMA.is_valid(MINIMAL | {"review_non_production": value}) for value in (True, False, ["normal"]))
    assert faults(MINIMAL | {"priorities": ["not a key"], "targets": {}, "review_non_production": True}) == [
        ("/priorities/0", f"This does not match the pattern {NAME_PATTERN}.")
    ]


def test_customers_who_may_escalate_need_reasons_to() -> None:
    sentence = "Customers may escalate, and there is no `escalation` section that says for which reasons."
    assert faults(MINIMAL | {"customer_may": {"escalate": True}}) == [("/customer_may/escalate", sentence)]
    with_reasons = MINIMAL | {"escalation": {"reasons": ["no_update"]}}
    assert parse(with_reasons).customer_may.escalate
    assert not parse(with_reasons | {"customer_may": {"priority": "any", "escalate": False}}).customer_may.escalate
    assert parse(with_reasons | {"customer_may": {"priority": "any"}}).customer_may.escalate


async def test_a_ticket_of_a_plan_with_an_unknown_key_is_served_and_it_is_logged(sessions: Sessions) -> None:
    key = await store_plan(sessions, "wati-pro")
    await fetch(sessions, """UPDATE plan_versions SET document = document || '{"later": 1}' WHERE key = $1""", key)
    with capture_logs() as logs:
        async with sessions() as session:
            assert (await document(session, Memory(), key, 1)).key == key
    assert [(log["plan"], log["places"]) for log in logs] == [(key, ["/later"])]


def test_a_stored_document_is_not_held_to_later_checks() -> None:
    stored = parse(MINIMAL).canonical()
    stored["customer_may"]["escalate"] = True
    assert read_stored(stored)[0].customer_may.escalate


@pytest.mark.parametrize("path", sorted(BUILTIN.glob("*.yaml")), ids=lambda path: path.stem)
def test_an_editor_finds_the_schema_of_each_example(path: Any) -> None:
    first, _, text = path.read_text(encoding="utf-8").partition("\n")
    named = first.removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / named).resolve().name == "plan.schema.json"
    assert (path.parent / named).is_file()
    assert SCHEMA.is_valid(parse_yaml(text).canonical())
