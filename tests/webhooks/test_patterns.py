import re

import pytest

from app.webhooks.patterns import is_glob, type_pattern


@pytest.mark.parametrize(
    ("globs", "event_type", "matches"),
    [
        (["*"], "ticket.opened", True),
        (["ticket.*"], "ticket.opened", True),
        (["ticket.*"], "tickets.opened", False),
        (["ticket.*"], "my.ticket.opened", False),
        (["deadline.missed"], "deadline.missed", True),
        (["deadline.missed"], "deadline.missed_too", False),
        (["deadline.missed"], "deadlinexmissed", False),
        (["*.missed", "call.ready"], "deadline.missed", True),
        (["*.missed", "call.ready"], "call.ready", True),
        (["*.missed", "call.ready"], "call.ended", False),
        (["deadline.met*"], "deadline.met_late", True),
    ],
)
def test_globs_become_one_anchored_expression(globs: list[str], event_type: str, *, matches: bool) -> None:
    assert bool(re.search(type_pattern(globs), event_type)) is matches


@pytest.mark.parametrize(
    "text", ["", ".", "ticket.", ".opened", "a..b", "a(b", "Ticket.*", "a b", "a|b", "a" * 65, "a\n"]
)
def test_what_is_no_glob_is_refused(text: str) -> None:
    assert not is_glob(text)
    with pytest.raises(ValueError, match="not globs"):
        type_pattern(["*", text])


def test_no_globs_at_all_are_refused() -> None:
    with pytest.raises(ValueError, match="not globs"):
        type_pattern([])
