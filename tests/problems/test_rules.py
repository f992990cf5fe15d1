from datetime import UTC, datetime, timedelta

import pytest

from app.core.problems import Conflict, Invalid
from app.problems.rules import Step, check_step, missed, next_due, reached, targets_from

OPENED = datetime(2026, 11, 20, 20, 30, tzinfo=UTC)
LENGTHS = {"known_error": timedelta(hours=4), "resolved": timedelta(hours=48)}


def step(before: str, after: str, owner: str | None = "eng_1", workaround: str = "", resolution: str = "") -> None:
    check_step(Step(before, after, owner, workaround or None, resolution or None))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("suggested", "investigating"),
        ("dismissed", "closed"),
        ("known_error", "known_error"),
        ("resolved", "known_error"),
        ("closed", "investigating"),
    ],
)
def test_a_state_that_does_not_follow_is_refused(before: str, after: str) -> None:
    with pytest.raises(Conflict):
        step(before, after, workaround="Wait", resolution="Done")


@pytest.mark.parametrize(
    ("after", "owner", "pointers"),
    [
        ("investigating", None, ["/owner_id"]),
        ("known_error", "eng_1", ["/workaround"]),
        ("resolved", None, ["/owner_id", "/resolution"]),
    ],
)
def test_a_state_says_what_it_needs(after: str, owner: str | None, pointers: list[str]) -> None:
    with pytest.raises(Invalid) as refused:
        step("open", after, owner)
    assert [fault["pointer"] for fault in refused.value.errors or ()] == pointers


def test_a_problem_that_was_none_is_closed_without_an_owner() -> None:
    step("open", "closed", None)


def test_targets_are_missed_once_and_stay_reached() -> None:
    targets = targets_from(LENGTHS, OPENED)
    assert next_due(targets) == OPENED + timedelta(hours=4)
    assert missed(dict(reversed(targets.items())), OPENED + timedelta(hours=50)) == ["known_error", "resolved"]
    assert missed(targets, OPENED + timedelta(hours=4)) == ["known_error"]
    targets["known_error"]["missed"] = True
    assert missed(targets, OPENED + timedelta(hours=5)) == []
    assert next_due(targets) == OPENED + timedelta(hours=48)
    targets = reached(targets, "resolved")
    assert next_due(targets) is None
    assert [target["reached"] for target in reached(targets, "investigating").values()] == [True, True]
