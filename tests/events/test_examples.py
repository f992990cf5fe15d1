"""The examples of events are what the service could have told: their parts fit together."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import pytest

from app.events.examples import event_example
from app.events.types import EVENTS, INTERNAL_TYPES, audience_of

EXAMPLES: Final = {event.type: event_example(event.type) for event in EVENTS}
OF_TICKET: Final = {kind: told for kind, told in EXAMPLES.items() if told["ticket_id"]}
LATER: Final = {"accept_by", "next_at", "retry_at", "join_from"}
"""Instants that are still to come when they are told."""
OF_NO_TICKET: Final = {"account", "article", "count", "event", "job", "maintenance", "problem", "webhook"}
"""What comes before the dot in the types of events that happen to no ticket."""
BY_A_PERSON: Final = {
    "ticket.opened",
    "ticket.updated",
    "ticket.reopened",
    "ticket.withdrawn",
    "ticket.status_changed",
    "message.posted",
    "escalation.requested",
    "escalation.acknowledged",
    "escalation.accepted",
    "escalation.declined",
    "escalation.withdrawn",
    "call.joined",
    "call.declined",
    "expert.accepted",
    "expert.declined",
}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def example(kind: str) -> tuple[datetime, Any]:
    """When it is told, and its data."""
    return at(EXAMPLES[kind]["timestamp"]), EXAMPLES[kind]["data"]


@pytest.mark.parametrize("kind", OF_TICKET)
def test_the_stub_says_what_the_data_says(kind: str) -> None:
    stub, data = OF_TICKET[kind]["ticket"], OF_TICKET[kind]["data"]
    assert data.get("priority", stub["priority"]) == stub["priority"]
    changed = {"ticket.status_changed": "status", "ticket.reopened": "status", "ticket.priority_changed": "priority"}
    assert kind not in changed or data["to"] == stub[changed[kind]]
    assert (stub["status"] == "closed") == (kind in ("ticket.merged", "ticket.withdrawn"))


@pytest.mark.parametrize("kind", EXAMPLES)
def test_what_is_to_come_comes_after_the_event(kind: str) -> None:
    when, data = example(kind)
    assert all(at(data[name]) > when for name in LATER & set(data) if data[name])


def test_later_events_have_higher_places_on_the_ticket() -> None:
    story = sorted(OF_TICKET.values(), key=lambda told: told["sequence"])
    assert [told["sequence"] for told in story] == list(range(1, len(story) + 1))
    assert all(before["timestamp"] <= after["timestamp"] for before, after in pairwise(story))
    assert story[0]["type"] == "ticket.opened"


def test_what_happens_to_a_ticket_has_its_moment() -> None:
    others = {kind for kind in EXAMPLES if kind.partition(".")[0] in OF_NO_TICKET}
    assert set(EXAMPLES) - set(OF_TICKET) == others


@pytest.mark.parametrize("kind", EXAMPLES)
def test_who_acts_is_who_could(kind: str) -> None:
    actor, data = EXAMPLES[kind]["actor"], EXAMPLES[kind]["data"]
    assert (actor["kind"] in ("customer", "engineer")) >= (kind in BY_A_PERSON)
    assert (actor["kind"] == "service") >= kind.startswith(("deadline.", "webhook.", "routing."))
    assert data.get("author", actor) == actor
    assert data.get("participant", actor["kind"]) == actor["kind"]
    if kind in ("expert.accepted", "expert.declined"):
        assert (actor["id"], actor["name"]) == (data["engineer_id"], data["engineer_name"])
    if kind == "ticket.opened":
        assert actor["name"] == data["requester"]["name"]


def test_deadlines_keep_the_time_that_they_tell() -> None:
    started, data = example("deadline.started")
    due = at(data["due_at"])
    assert at(data["started_at"]) == started < due
    warned, warning = example("deadline.warning")
    assert warned - started == (due - started) * warning["share"] / 100
    missed, miss = example("deadline.missed")
    assert missed == at(miss["due_at"])
    assert at(miss["noticed_at"]) - missed == timedelta(milliseconds=miss["lag_ms"])
    assert example("deadline.met")[0] <= due < example("deadline.met_late")[0]


def test_a_pause_moves_what_is_due_by_as_long_as_it_lasts() -> None:
    moved, paused, resumed = (example(f"deadline.{what}") for what in ("moved", "paused", "resumed"))
    assert moved[1]["to"] == moved[1]["due_at"] == paused[1]["from"]
    assert paused[1]["to"] == paused[1]["due_at"] == resumed[1]["from"] is None
    assert at(resumed[1]["to"]) - at(paused[1]["from"]) == resumed[0] - paused[0]
    assert resumed[1]["to"] == resumed[1]["due_at"]


def test_calls_and_windows_end_when_they_say() -> None:
    ready, call = example("call.ready")
    assert ready < at(call["remind_at"]) < at(call["join_by"])
    assert example("call.no_show")[0] == at(call["join_by"])
    assert example("maintenance.started")[0] == at(EXAMPLES["maintenance.started"]["data"]["starts_at"])
    assert example("maintenance.ended")[0] == at(EXAMPLES["maintenance.ended"]["data"]["ends_at"])


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_an_example_is_for_whom_its_type_is(event: Any) -> None:
    told = EXAMPLES[event.type]
    expected = "internal" if event.type in INTERNAL_TYPES else audience_of(event.model_validate(told["data"]))
    assert told["audience"] == expected
