"""What a test needs beside Python: found by what it uses, so that nobody has to say it, or can forget to."""

from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any, Final

import pytest

MARKER: Final = "machine"
"""Marks a test that needs a database, or starts processes."""
_FIXTURES: Final = frozenset({"server", "offload", "browsers"})
_STARTS: Final = frozenset(
    {
        "app.cli.postgres.embedded",
        "app.core.workers.offload",
        "importlinter.cli",
        "multiprocessing",
        "schemathesis",
        "subprocess",
        "tests.support.browsing",
        "tests.support.clamd",
        "tests.support.database",
        "tests.support.npm",
        "tests.support.programs",
        "tests.support.service",
    }
)
"""Modules whose users start processes or run for long."""
_known: Final[dict[str, bool]] = {}
"""What is known of modules, by their names."""


def needs_machine(item: pytest.Item) -> bool:
    """Whether a test, or a fixture that it uses, has a database or processes."""
    if not isinstance(item, pytest.Function):
        return True
    if not _FIXTURES.isdisjoint(item.fixturenames):
        return True
    return any(_starts(uses) for uses in _namespaces(item))


def _namespaces(item: pytest.Function) -> Iterator[dict[str, Any]]:
    """The names that a test's module, and those of the fixtures that it uses, can see; the root's are known by name."""
    yield item.function.__globals__
    for definitions in item._fixtureinfo.name2fixturedefs.values():
        for definition in definitions:
            names = getattr(definition.func, "__globals__", {})
            if names.get("__name__") != "tests.conftest" and definition.argname in item.fixturenames:
                yield names


def _starts(names: dict[str, Any]) -> bool:
    """Whether a module that has these names uses one of ``_STARTS``: looked up once, for all of its tests."""
    module = names.get("__name__", "")
    if module not in _known:
        _known[module] = not _STARTS.isdisjoint(_modules(names))
    return _known[module]


def _modules(names: dict[str, Any]) -> Iterable[str]:
    for value in names.values():
        yield value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None) or ""
