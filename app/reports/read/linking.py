"""From a figure of a report to what is behind it."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlencode

from app.events.envelope import instant
from app.reports.read.grouping import Groups

PROMISES: Final = "/v1/reports/promises"
MOMENTS: Final = "/v1/reports/moments"
_PARAMETERS: Final = {"account": "account_id", "engineer": "engineer_id"}
"""Dimensions whose parameter has another name."""


def link(groups: Groups, group: Mapping[str, Any], outcomes: Sequence[str] = (), path: str = PROMISES) -> str:
    """Where the promises of a group are listed, or its moments."""
    asked = groups.asked
    since, until = groups.buckets[group["bucket"]] if "bucket" in group else (asked.since, asked.until)
    given: dict[str, list[Any]] = {_parameter(name): list(values) for name, values in asked.filters()}
    given |= {"account_id": [asked.account_id]} if asked.account_id else {}
    given |= {"cycle": [asked.of.cycle]} if asked.of.cycle else {}
    given |= {"sandbox": [str(asked.narrowing.sandbox).lower()]} if asked.narrowing.sandbox is not None else {}
    without: list[str] = list(asked.narrowing.without or ())
    for name, value in group.items():
        if name == "bucket":
            continue
        if value is None:
            without.append(name)
        else:
            given[_parameter(name)] = [value]
    given |= {"without": list(dict.fromkeys(without))}
    given |= {"outcome": list(outcomes)} | ({"cycles": [asked.of.cycles]} if path == PROMISES else {})
    pairs = [("since", instant(since)), ("until", instant(until))]
    pairs += [(name, value) for name, values in given.items() for value in values]
    return f"{path}?{'&'.join(_pair(name, str(value)) for name, value in pairs)}"


@lru_cache(maxsize=4096)
def _pair(name: str, value: str) -> str:
    """A parameter as a URL has it: the thousands of links of an answer share most of theirs."""
    return urlencode([(name, value)])


def _parameter(name: str) -> str:
    return _PARAMETERS.get(name, name)
