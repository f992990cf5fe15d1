"""CONTRIBUTING.md leads to what is there, and is one page."""

import ast
import re
from pathlib import Path
from typing import Final

from app.events.types import EVENT_TYPES
from tests.support.trees import trees

ROOT: Final = Path(__file__).resolve().parents[1]
TEXT: Final = (ROOT / "CONTRIBUTING.md").read_text()
PLACES: Final = re.findall(r"`([\w.]+/[\w./-]*|\w+\.(?:md|toml|py))`", TEXT)


def test_the_files_that_it_names_are_there() -> None:
    assert len(PLACES) > 30
    assert [place for place in PLACES if "/" in place and not (ROOT / place).exists()] == []


def test_each_way_names_a_test_that_finds_what_was_forgotten() -> None:
    ways = TEXT.split("\n## ")[1:]
    assert len(ways) == 6
    assert [way.splitlines()[0] for way in ways if "`tests/" not in way] == []


def test_the_way_of_an_event_names_each_module_that_has_something_to_say_of_many() -> None:
    """A table by the types of events is what a new event is forgotten in."""
    others = {
        "app/events/upcast.py",  # of the names that earlier versions stored
        "app/previews/explanations.py",  # of what happens to deadlines
        "app/previews/fold.py",  # the same
        "app/tickets/editing/translate.py",  # of the clock's own events
    }
    (way,) = (each for each in TEXT.split("\n## ") if each.startswith("An event"))
    tables = {
        name
        for name, tree in trees("app").items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        and sum(isinstance(key, ast.Constant) and key.value in EVENT_TYPES for key in node.keys) > 2
    }
    assert others < tables
    assert sorted(name for name in tables - others if f"`{name}`" not in way) == []


def test_it_is_one_page() -> None:
    assert TEXT.count("\n") < 75
