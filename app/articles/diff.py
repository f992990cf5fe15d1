"""What a version of an article changed. Pure."""

from collections.abc import Mapping, Sequence
from difflib import unified_diff
from typing import Any, Final

_HEAD: Final = ("title", "product", "audience", "status")


def difference(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> str:
    """A unified diff of two versions, each as a page: what it is in a line each, then its text. '' for the first."""
    if before is None:
        return ""
    names = (str(before["version"]), str(after["version"]))
    return "\n".join(unified_diff(_page(before), _page(after), *names, lineterm=""))


def with_diffs(known: Mapping[int, dict[str, Any]], numbers: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Versions by number, those of these ``numbers``, each with its difference from the one before."""
    return {number: known[number] | {"diff": difference(known.get(number - 1), known[number])} for number in numbers}


def _page(version: Mapping[str, Any]) -> list[str]:
    head = [f"{name}: {version[name]}" for name in _HEAD if version[name] is not None]
    return [*head, f"tags: {', '.join(version['tags'])}", *version["body"].splitlines()]
