"""The bench says by itself whether its goal is met."""

from collections import Counter
from dataclasses import replace

import pytest

from bench import isolation
from tests.support.attacks import ATTACKS, HOLDS
from tests.support.memory import Memory
from tests.support.victim import Figures

QUIET = Figures(post=30, miss=20, webhook=30, stream=30)
WELL = Figures(post=299, miss=249, webhook=249, stream=249)


@pytest.mark.parametrize("name", ["post", "miss", "webhook", "stream"])
def test_a_row_that_misses_the_goal_is_marked_and_fails_the_run(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ten times the quiet figure is for ``POST`` alone."""
    monkeypatch.setattr(isolation, "_ONLY", "a search")
    for attacked, is_met, told in ((WELL, True, "ok"), (replace(WELL, **{name: 301}), False, f"over: {name}")):
        row = isolation._Row(QUIET, attacked, Memory(1), Counter({200: 1}))
        monkeypatch.setattr(isolation, "_attacked", lambda *_, row=row: row)
        assert isolation.main() is is_met
        assert capsys.readouterr().out.splitlines()[-1].endswith(f"  {told}")


def test_what_holds_something_that_all_need_has_rows_by_name() -> None:
    names = ATTACKS | HOLDS
    assert {"a sandbox's advance", "a transaction that holds the feed", "a P1 that holds the roster's lock long"} <= (
        names.keys()
    )
