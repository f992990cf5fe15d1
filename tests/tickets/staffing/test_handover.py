"""The note that one shift leaves for the next, case by case (G7)."""

import pytest

from app.tickets.staffing.handover import NOTHING, Briefing, note
from tests.support.dispatching import MINUTE, NOON, PLAN
from tests.support.works import work_of

SAID = Briefing("The disk is replaced.", NOON + MINUTE, "https://meet.example/abc")


@pytest.mark.parametrize(
    ("briefing", "languages", "locale", "expected"),
    [
        pytest.param(SAID, {"en"}, "es", ["from Ana (apac) to Bo (emea)", "The disk is replaced."], id="said"),
        pytest.param(SAID, {"en"}, None, ["Call: https://meet.example/abc"], id="in a call"),
        pytest.param(NOTHING, {"en"}, None, ["Last update: -", "Call: -"], id="nothing said and no call"),
        pytest.param(NOTHING, {"en", "fr"}, "fr", ["Ana (apac)", "P1"], id="in the customer's language"),
    ],
)
def test_g7_the_note_says_what_the_next_shift_needs(
    briefing: Briefing, languages: set[str], locale: str | None, expected: list[str]
) -> None:
    requester = {"name": "Ana", "email": "ana@example.com"} | ({"locale": locale} if locale else {})
    edit = work_of("t", NOON, plan=PLAN, requester=requester)
    note(edit, briefing, "Ana (apac)", "Bo (emea)", languages)
    (message,) = edit.messages
    assert message["visibility"] == "internal"
    assert all(part in message["body"] for part in (*expected, "K7M-3QP"))


def test_g7_a_note_repeats_the_beginning_of_a_long_update() -> None:
    edit = work_of("t", NOON, plan=PLAN)
    note(edit, Briefing("x" * 2_001, NOON), "Ana", "Bo", {"en"})
    (message,) = edit.messages
    assert "x" * 2_000 in message["body"]
    assert "x" * 2_001 not in message["body"]
