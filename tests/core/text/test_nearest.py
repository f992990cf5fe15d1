import pytest

from app.core.keys.scopes import SCOPES
from app.core.text.nearest import likeness, nearest
from app.events.types import EVENT_TYPES


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tiket.opened", "ticket.opened"),
        ("deadline.mised", "deadline.missed"),
        ("webhook.disable", "webhook.disabled"),
        ("Ticket.Opened", "ticket.opened"),
    ],
)
def test_the_nearest_type_is_what_was_meant(name: str, expected: str) -> None:
    assert nearest(name, EVENT_TYPES) == expected


@pytest.mark.parametrize(("name", "expected"), [("ticket:read", "tickets:read"), ("TICKETS:WRITE", "tickets:write")])
def test_the_nearest_scope_is_what_was_meant(name: str, expected: str) -> None:
    assert nearest(name, SCOPES) == expected


def test_among_equals_the_first_is_the_nearest() -> None:
    assert nearest("x", ["b", "a"]) == "b"


def test_likeness_goes_from_nothing_to_the_same() -> None:
    assert likeness("abc", "xyz") == 0
    assert likeness("ABC", "abc") == 1
    assert 0 < likeness("abd", "abc") < 1
