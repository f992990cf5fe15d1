import re
from datetime import UTC, datetime
from typing import Any

import pytest

from app.core.text.language import LANGUAGES, Language
from app.events.example_data import DATA
from app.notices.content.texts import body, subject

TICKET = {"number": "K7M-3QP", "title": "No backup\r\nBcc: all@example.com", "priority": "P1"}
KINDS = (
    "ticket.opened",
    "ticket.priority_changed",
    "escalation.requested",
    "escalation.automatic",
    "expert.alerted",
    "call.declined",
    "call.failed",
    "routing.unstaffed",
    "routing.round_exhausted",
    "ticket.handed_over",
)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_subject_is_one_line_that_says_what_and_where(kind: str, language: Language) -> None:
    line = subject(kind, DATA[kind], TICKET, language)
    assert "\n" not in line
    assert "\r" not in line
    assert line.endswith("K7M-3QP: No backup Bcc: all@example.com")
    assert len({subject(kind, DATA[kind], TICKET, each) for each in LANGUAGES}) == len(LANGUAGES)


def test_without_a_ticket_it_says_what() -> None:
    assert subject("expert.alerted", {}, {}, "en") == "You are needed now"


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("pl-PL", "Otrzymujesz tę wiadomość jako: opiekun klienta"),
        ("es", "responsable de la cuenta"),
        ("fr", "Motif\u00a0: "),
        ("de", "Kundenbetreuer"),
        ("it", "account manager"),
    ],
)
def test_everybody_reads_in_their_language(locale: str, expected: str) -> None:
    data: dict[str, Any] = {"reason": "no_update", "justification": "Nothing for three hours", "notified": []}
    person = {"role": "manager", "locale": locale, "time_zone": "Europe/Warsaw"}
    text = body("escalation.requested", data, TICKET, person, datetime(2026, 11, 20, 20, 30, 0, 123456, tzinfo=UTC))
    assert expected in text
    assert "Nothing for three hours" in text
    assert "no_update" not in text
    assert "(Europe/Warsaw)" in text
    assert re.search(r"21[:.]30|9:30\sPM", text)
    assert "123456" not in text
