"""A monotonic clock that a test moves."""

from types import ModuleType

import pytest


class HandClock:
    """The monotonic clock of some modules, which stands still until it is called with seconds to go by."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *modules: ModuleType) -> None:
        self.now = 1000.0
        for module in modules:
            monkeypatch.setattr(module, "monotonic", lambda: self.now)

    def __call__(self, seconds: float) -> None:
        self.now += seconds
