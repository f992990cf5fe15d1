"""Of which events customers are told, by whom they were caused, and in which words."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.events.types import EVENT_TYPES, INTERNAL_TYPES
from app.notices.content.telling import TOLD_TYPES, entry_of, is_own, kind_of, may_be_told, told
from app.notices.content.updates import update
from app.plans.document.naming import NO_NAMES
from app.plans.document.words import MAIL_KINDS

UTC = ZoneInfo("UTC")
ENGINEER = {"kind": "engineer", "id": "eng_1", "name": "Ida Berg", "display_name": "Ida"}
CUSTOMER = {"kind": "customer", "id": "per_1", "name": "Ana Silva"}
PERSON = {"role": "requester", "name": "Ana Silva", "email": "ana@example.com", "id": "per_1"}


def event(kind: str, data: Any, actor: Any = ENGINEER, audience: str = "public") -> dict[str, Any]:
    at = "2026-11-20T20:15:00Z"
    return {"id": "evt_1", "type": kind, "audience": audience, "actor": actor, "timestamp": at, "data": data}


def message(author: Any = ENGINEER, body: str = "We look", **more: Any) -> dict[str, Any]:
    audience = more.pop("audience", "public")
    data = {"author": author, "body": body, "visibility": audience, "channel": None, **more}
    return event("message.posted", data, author, audience)


def test_events_of_which_customers_are_told_are_theirs_to_see() -> None:
    assert set(TOLD_TYPES) <= set(EVENT_TYPES) - INTERNAL_TYPES
    assert {kind_of(message()), "first_answer", "status", "escalation", "call", "hand_over"} == set(MAIL_KINDS)
    assert kind_of(message(audience="internal")) is None
    assert kind_of(event("deadline.missed", {})) is None
    assert kind_of(event("ticket.status_changed", {"from": "new", "to": "open"})) is None
    assert kind_of(event("ticket.status_changed", {"from": "open", "to": "mitigated"})) == "status"


@pytest.mark.parametrize(
    ("before", "after", "kind"), [("eng_1", "eng_2", "hand_over"), (None, "eng_2", None), ("eng_1", None, None)]
)
def test_a_first_engineer_is_no_hand_over(before: str | None, after: str | None, kind: str | None) -> None:
    assert kind_of(event("ticket.assigned", {"from": before, "to": after})) == kind


def test_the_first_answer_is_a_kind_of_its_own() -> None:
    events = [message({"kind": "automation", "name": "Monitor"}), message(), message()]
    assert [each["first"] for each in told(events, MAIL_KINDS, answered=False)] == [False, True, False]
    assert [each["first"] for each in told(events, MAIL_KINDS, answered=True)] == [False, False, False]
    assert len(told(events, ["first_answer"], answered=False)) == 1
    assert told(events, ["first_answer"], answered=True) == []
    assert may_be_told(message(), ["first_answer"])
    assert not may_be_told(message(), ["status"])


@pytest.mark.parametrize(
    ("author", "actor", "own"),
    [
        (None, CUSTOMER, True),
        (None, CUSTOMER | {"id": "per_2", "name": "Ana Silva"}, False),
        (None, {"kind": "customer", "name": "Ana Silva"}, True),
        (None, {"kind": "customer", "name": "Tom Berg"}, False),
        (None, {"kind": "customer", "name": "Ana Silva", "unconfirmed": True}, False),
        (None, {"kind": "customer", "id": "acc_1", "name": "Back end"}, True),
        ({"kind": "customer", "email": "ANA@example.com"}, {"kind": "automation", "id": "key_1"}, True),
        ({"kind": "customer", "email": "tom@example.com"}, CUSTOMER, False),
        (None, ENGINEER, False),
        (None, {"kind": "service", "name": "Ana Silva"}, False),
    ],
    ids=[
        "person",
        "another",
        "named",
        "named other",
        "unconfirmed",
        "program",
        "stated",
        "stated other",
        "engineer",
        "service",
    ],
)
def test_nobody_is_told_what_they_have_done_themselves(author: Any, actor: Any, *, own: bool) -> None:
    data = {"author": author} if author else {}
    assert is_own(event("message.posted", data, actor), PERSON, "acc_1") is own


def test_whom_an_unconfirmed_message_names_hears_how_to_write_it_so_that_it_counts() -> None:
    by = {"kind": "customer", "name": "Ana Silva", "unconfirmed": True}
    letter, ticket = {"entries": [message(by) | {"first": False}], "more": 0}, {"number": "K7M-3QP", "title": "x"}
    for links, said in (({"page": "https://a.example", "reply": "b"}, True), ({"reply": "b"}, False)):
        told = update(letter, ticket, PERSON, NO_NAMES, links=links)
        assert told.heading == "Message in the name of Ana Silva (sender not confirmed)"
        assert told.notes[0].startswith("A message whose sender is not confirmed does not change") is said


def test_what_an_accounts_program_does_is_told_to_those_who_follow() -> None:
    of_program = event("ticket.withdrawn", {"reason": None}, {"kind": "customer", "id": "acc_1"})
    assert not is_own(of_program, PERSON | {"role": "watcher"}, "acc_1")


def test_customers_read_the_name_that_an_engineer_has_chosen_and_the_words_as_they_are() -> None:
    [first] = told([message(body="Try <b>this</b>", truncated=True)], MAIL_KINDS, answered=False)
    entry = entry_of(first, "pl", UTC, NO_NAMES)
    assert entry.line == "Nasza pierwsza odpowiedź, od: Ida"
    assert entry.text == "Try <b>this</b>\n\n[Dalszy ciąg wiadomości znajduje się w zgłoszeniu.]"


def test_a_hand_over_names_who_goes_on_and_a_refused_escalation_says_why() -> None:
    ends = {"from": {"engineer_id": "eng_1", "region": "emea"}, "to": {"engineer_id": "eng_2", "region": "apac"}}
    ends["to"] |= {"engineer_name": "Ola Nordmann", "engineer_display_name": "Ola"}
    over = event("ticket.handed_over", ends | {"reason": "shift_ended"}) | {"first": False}
    assert entry_of(over, "en", UTC, NO_NAMES).line == "Handed over to the next shift: Ola"
    declined = event("escalation.declined", {"detail": "It is on time"}) | {"first": False}
    assert entry_of(declined, "de", UTC, NO_NAMES).text == "It is on time"


def test_a_call_is_joined_by_its_link() -> None:
    ready = event("call.ready", {"join_url": "https://meet.example/a", "join_by": "2026-11-20T20:45:00Z"})
    entry = entry_of(ready | {"first": False}, "es", UTC, NO_NAMES)
    assert entry.link is not None
    assert entry.link.url == "https://meet.example/a"


def test_what_is_cut_to_blanks_says_that_it_goes_on() -> None:
    [first] = told([message(body="\n" * 90, truncated=True)], MAIL_KINDS, answered=False)
    assert entry_of(first, "en", UTC, NO_NAMES).text == "[The message goes on in the ticket.]"


def test_the_files_of_a_message_are_named_and_what_was_left_out_is_told() -> None:
    files = [
        {"name": name, "state": state} for name, state in (("a.log", "kept"), ("b.png", "kept"), ("c.exe", "left_out"))
    ]
    [with_words] = told([message(body="See these", attachments=files)], MAIL_KINDS, answered=False)
    told_of = "See these\n\n[Anhänge im Ticket: a.log, b.png]\n\n[Nicht übernommen: c.exe]"
    assert entry_of(with_words, "de", UTC, NO_NAMES).text == told_of
    [without_words] = told([message(body="", attachments=files[2:])], MAIL_KINDS, answered=False)
    assert entry_of(without_words, "en", UTC, NO_NAMES).text == "[Left out: c.exe]"
