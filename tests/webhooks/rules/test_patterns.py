import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.problems import Invalid
from app.events.types import EVENT_TYPES
from app.webhooks.rules.patterns import GLOB, check_globs, types_of


@pytest.mark.parametrize(
    ("glob", "event_type", "expected"),
    [
        ("*", "ticket.opened", True),
        ("ticket.*", "ticket.opened", True),
        ("ticket.*", "tickets.opened", False),
        ("ticket.*", "my.ticket.opened", False),
        ("deadline.missed", "deadline.missed", True),
        ("deadline.missed", "deadline.missed_too", False),
        ("deadline.missed", "deadlinexmissed", False),
        ("*.missed", "deadline.missed", True),
        ("*.missed", "deadline.missed.late", False),
        ("deadline.met*", "deadline.met_late", True),
        ("a*a", "a", False),
        ("*ab*ab", "ab", False),
        ("*a*b*", "xaxbx", True),
        ("*b*a*", "xaxbx", False),
        ("**", "", True),
    ],
)
def test_a_star_stands_for_any_part(glob: str, event_type: str, *, expected: bool) -> None:
    assert bool(types_of([glob], [event_type])) is expected


@given(st.from_regex(r"[ab.*]{0,8}", fullmatch=True), st.from_regex(r"[ab.]{0,8}", fullmatch=True))
def test_globs_match_what_their_regular_expression_would(glob: str, text: str) -> None:
    expression = ".*".join(map(re.escape, glob.split("*")))
    assert bool(types_of([glob], [text])) is bool(re.fullmatch(expression, text))


def test_many_stars_take_no_longer_than_few() -> None:
    """As a regular expression each of these would be tried in billions of ways."""
    began = time.process_time()
    for _ in range(1_000):
        assert not types_of(["*e" * 31 + "*z"], ["e" * 60])
    assert time.process_time() - began < 10


def test_globs_become_the_types_that_any_of_them_matches() -> None:
    assert types_of(["deadline.met*", "call.ready", "no.such"]) == ["deadline.met", "deadline.met_late", "call.ready"]
    assert types_of(["*"]) == list(EVENT_TYPES)
    assert types_of(["ticket.*"], ["ticket.brand_new"]) == ["ticket.brand_new"]


@pytest.mark.parametrize("text", ["", ".", "ticket.", ".opened", "a..b", "a(b", "Ticket.*", "a b", "a|b", "a\n"])
def test_what_is_no_glob_has_not_its_form(text: str) -> None:
    assert not re.fullmatch(GLOB, text)


def test_a_glob_that_matches_nothing_is_refused_at_its_place() -> None:
    with pytest.raises(Invalid) as refused:
        check_globs(["*", "tickets.opened", "x.*", "y.*"], known=["x.*"])
    assert [fault["pointer"] for fault in refused.value.errors] == ["/events/1", "/events/3"]
    assert "ticket.opened" in refused.value.errors[0]["hint"]


def test_only_the_first_mistakes_of_a_request_are_told_the_nearest_type() -> None:
    with pytest.raises(Invalid) as refused:
        check_globs([f"*no{letter}such*" for letter in "abcde"])
    assert ["hint" in fault for fault in refused.value.errors] == [True, True, True, False, False]
