"""The rules of the tests themselves, which no linter checks."""

import ast
from collections import Counter
from collections.abc import Iterator
from typing import Final

from tests.support.trees import trees

FOREVER: Final = 10.0
"""Seconds from which on a sleep stands for what never ends by itself: something else ends it."""
STAND_IN: Final = "a stand-in takes its time"
PACE: Final = "it is the pace at which something is read, written or measured"
NOTHING: Final = "what has to happen is that nothing happens"
FIXED: Final = {
    "core/limits/test_streams.py": (3, NOTHING),
    "core/process/test_loop_lag.py": (2, PACE),
    "core/db/test_session.py": (1, PACE),
    "faults/test_alertmanager.py": (1, PACE),
    "faults/test_calls.py": (1, STAND_IN),
    "faults/test_edge.py": (3, PACE),
    "faults/test_feed.py": (3, PACE),
    "faults/test_outage.py": (1, PACE),
    "faults/test_replicas.py": (1, NOTHING),
    "faults/test_senders.py": (1, NOTHING),
    "feed/test_api.py": (2, NOTHING),
    "inbound/background/test_processing.py": (1, NOTHING),
    "test_scheduler.py": (2, PACE),
    "webhooks/background/test_deliver.py": (2, STAND_IN),
    "webhooks/test_connector.py": (1, STAND_IN),
    "webhooks/test_order.py": (1, PACE),
}
"""Files that sleep for a fixed time: how often, and why no condition can be awaited in its place."""


def test_no_test_imports_another() -> None:
    """What two of them need is in a module of their folder, or in tests/support."""
    assert [f"{name} imports {module}" for name, module in _imports() if ".test_" in f".{module}"] == []


def _imports() -> Iterator[tuple[str, str]]:
    for name, tree in trees("tests").items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests"):
                yield name, node.module or ""


def test_who_waits_waits_for_a_condition() -> None:
    """A fixed time is too short on a busy machine, and too long on any other: see tests/support/waiting.py."""
    found = Counter(name for name, tree in trees("tests").items() for _ in _fixed(tree) if "/support/" not in name)
    assert found == {f"tests/{name}": number for name, (number, _) in FIXED.items()}


def _fixed(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("asyncio.sleep", "time.sleep", "sleep"):
            (seconds,) = node.args
            if isinstance(seconds, ast.Constant) and 0 < float(str(seconds.value)) < FOREVER:
                yield node
