"""docs/rows.md names every promise, its state and the story that drives it."""

import ast
import re
from typing import Final

import pytest

from tests.support.service import ROOT

_ROW: Final = re.compile(r"^\| ([GWNZ]\d+) \| .+? \| (kept|partly: .+?|missing: .+?) \| (.+) \|$", re.MULTILINE)
_STORY: Final = re.compile(r"\[(test_\w+)\]\(\.\./(tests/\w+/\w+\.py)\)")
ROWS: Final = _ROW.findall((ROOT / "docs" / "rows.md").read_text(encoding="utf-8"))
_LAST: Final = {"G": 11, "W": 6, "N": 8, "Z": 9}
WANTED: Final = [f"{letter}{number}" for letter, last in _LAST.items() for number in range(1, last + 1)]


def test_all_34_rows_are_there_in_their_order() -> None:
    assert [row for row, _state, _story in ROWS] == WANTED
    assert len(WANTED) == 34


@pytest.mark.parametrize(("row", "state", "story"), ROWS, ids=[row for row, _state, _story in ROWS])
def test_a_row_names_a_story_that_exists_and_has_its_name(row: str, state: str, story: str) -> None:
    if state.startswith("missing"):
        assert story == "none"
        return
    named = _STORY.fullmatch(story)
    assert named, story
    name, path = named.groups()
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert f"_{row.lower()}_" in name
