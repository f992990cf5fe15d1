from typing import Any

import pytest

from app.plans.document.diff import differences


def told(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [str(one) for one in differences(before, after)]


def test_what_is_alike_is_not_told() -> None:
    assert told({"a": {"b": [1, {"c": None}]}}, {"a": {"b": [1, {"c": None}]}}) == []


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ({"P1": {"first": "PT15M"}}, {"P1": {"first": "PT10M"}}, "P1/first: PT15M -> PT10M"),
        ({"P1": {}}, {"P1": {"first": "PT10M"}}, "P1/first: nothing -> PT10M"),
        ({"P1": {"first": "PT10M"}}, {"P1": {}}, "P1/first: PT10M -> nothing"),
        ({"first": "PT1H"}, {"first": {"business_days": 1}}, 'first: PT1H -> {"business_days":1}'),
        ({"warn_at": [50, 75]}, {"warn_at": [80]}, "warn_at: [50,75] -> [80]"),
        ({"routing": {}}, {"routing": {"max_experts": 3}}, "routing/max_experts: nothing -> 3"),
        ({"call": None}, {"call": {"by": "PT1H"}}, 'call: nothing -> {"by":"PT1H"}'),
    ],
)
def test_each_place_is_told_with_both_values(before: dict[str, Any], after: dict[str, Any], line: str) -> None:
    assert told(before, after) == [line]


def test_entries_of_a_list_are_compared_by_their_keys() -> None:
    before = {"priorities": [{"key": "P1", "label": "a"}, {"key": "P2", "label": "b"}]}
    after = {"priorities": [{"key": "P0", "label": "n"}, {"key": "P2", "label": "c"}, {"key": "P1", "label": "a"}]}
    assert told(before, after) == [
        'priorities: ["P1","P2"] -> ["P0","P2","P1"]',
        "priorities/P2/label: b -> c",
        'priorities/P0: nothing -> {"key":"P0","label":"n"}',
    ]


def test_long_texts_are_cut_to_where_they_begin_to_differ() -> None:
    [line] = told({"text": "same " * 50 + "old\n\nend"}, {"text": "same " * 50 + "new end " * 50})
    assert line == "text: …same same same old end -> …same same same new end new end new end new end new end new e…"
