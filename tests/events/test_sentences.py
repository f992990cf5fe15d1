import re
from typing import Final, get_args

import pytest

from app.core.text.language import LANGUAGES
from app.core.text.messages import Message
from app.events.example_data import DATA
from app.events.labels import named
from app.events.sentences import SENTENCES, sentence
from app.events.types import EVENTS
from app.events.types.data import EventData
from app.plans.document.names import ESCALATION_REASONS, METRICS, STATUSES
from app.plans.document.words import EscalationReason, Metric
from app.tickets.schemas import Status


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_every_event_says_a_sentence_in_every_language(event: type[EventData]) -> None:
    said = {language: sentence(event.type, DATA[event.type], language) for language in LANGUAGES}
    for language, text in said.items():
        assert len(text) > 8, language
        assert not re.search(r"[{}_<>*]|None", text), language
    assert len(set(said.values())) == len(LANGUAGES)


def test_no_sentence_is_of_an_event_that_there_is_not() -> None:
    assert {kind.partition(":")[0] for kind in SENTENCES} == {event.type for event in EVENTS}


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("ticket.assigned", {"from": "eng_1", "to": None}, "The ticket is no longer assigned to anyone"),
        ("ticket.assigned", {"from": None, "to": "eng_1"}, "An engineer is assigned"),
        ("message.posted", {"visibility": "internal"}, "New internal note"),
        ("message.posted", {"visibility": "public"}, "New message"),
        ("call.joined", {"participant": "customer"}, "The customer has joined the call"),
        ("call.joined", {"participant": "engineer"}, "An engineer has joined the call"),
        ("ticket.status_changed", {"to": "waiting_on_customer"}, "New status: waiting for the customer"),
        ("deadline.warning", {"metric": "update", "share": 75}, "Update: 75% of the time is used up"),
        ("plan.applied", {"to": {"key": "gold", "version": 3}}, "Another version of the support plan applies: gold, 3"),
    ],
)
def test_a_sentence_says_what_the_data_says(kind: str, data: dict[str, object], expected: str) -> None:
    assert sentence(kind, data, "en") == expected


MANAGER: Final = {"notified": [{"role": "manager"}], "unreachable": []}
STAND_IN: Final = {"notified": [{"role": "escalation_contact"}], "unreachable": []}
NOBODY: Final = {"notified": [], "unreachable": ["manager"]}


@pytest.mark.parametrize(
    ("metric", "record", "people", "expected"),
    [
        ("tier_escalation", None, MANAGER, "Escalated automatically to the account's manager"),
        ("tier_escalation", None, STAND_IN, "Escalated automatically within support"),
        ("tier_escalation", None, NOBODY, "Due to be escalated, but there is nobody to escalate it to"),
        ("update", None, STAND_IN, "Escalated automatically after a missed deadline: Update"),
        ("update", "esc_1", NOBODY, "Escalated automatically after a missed deadline: Update"),
        ("update", None, NOBODY, "Deadline missed, but there is nobody to notify: Update"),
    ],
)
def test_an_escalation_is_told_by_whom_it_reaches(
    metric: str, record: str | None, people: dict[str, object], expected: str
) -> None:
    data = {"metric": metric, "escalation_id": record, **people}
    assert sentence("escalation.automatic", data, "en") == expected


@pytest.mark.parametrize(
    ("words", "all_of_them"),
    [(METRICS, get_args(Metric)), (STATUSES, get_args(Status)), (ESCALATION_REASONS, get_args(EscalationReason))],
)
def test_every_vocabulary_is_whole(words: dict[str, Message], all_of_them: tuple[str, ...]) -> None:
    assert set(words) == set(all_of_them)


def test_a_fact_of_a_closed_vocabulary_is_named_and_a_text_is_left_alone() -> None:
    assert named("reason", "no_update", "pl") == "brak informacji"
    assert named("reason", "No update came", "pl") == "No update came"
    assert named("metric", "first_response", "es") == "Primera respuesta"
