"""CONTRIBUTING.md leads to what is there, and is one page."""

import re
from pathlib import Path
from typing import Final

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


def test_it_is_one_page() -> None:
    assert TEXT.count("\n") < 75
