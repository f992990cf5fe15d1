"""What a row meets that a report asks for."""

from typing import Final

from app.events.types import INTERNAL_METRICS
from app.reports.asked import Asked
from app.reports.read.grouping import COLUMNS, Values

_INTEGERS: Final = frozenset({"plan_version", "tier"})
ENGINEER: Final = "LEFT JOIN engineers AS e ON e.id = f.engineer_id"
_CYCLES: Final = {
    "first": "(f.metric = 'update' AND f.cycle = 0 OR f.metric <> 'update' AND f.cycle = 1)",
    "later": "f.cycle > 1",
    "each": "f.cycle > 0",
}
_PARTS: Final = {
    "first": "f.part = CASE f.metric WHEN 'update' THEN 'incident' ELSE 'first' END",
    "later": "f.part = 'later'",
    "each": "f.part <> 'incident'",
}
_CYCLE: Final = {"first": "f.cycle <= 1", "later": "f.cycle > 1"}
_CYCLE_OF_PARTS: Final = {"first": "f.part <> 'later'", "later": "f.part = 'later'"}


def conditions(asked: Asked, values: Values, at: str) -> list[str]:
    """What a row meets that is asked for: its period by the column ``at``, and all else."""
    return [f"{at} >= {values.add(asked.since)}", f"{at} < {values.add(asked.until)}", *narrowed(asked, values)]


def narrowed(asked: Asked, values: Values) -> list[str]:
    """What a row meets that is asked for, but for the period: its account, and the filters."""
    wanted: list[str] = []
    if asked.account_id is not None:
        wanted.append(f"f.account_id = {values.add(asked.account_id)}")
    if asked.account_id is None or asked.narrowing.sandbox is not None:
        wanted.append(f"f.sandbox = {values.add(bool(asked.narrowing.sandbox))}")
    for name, named in asked.filters():
        kind = "int[]" if name in _INTEGERS else "text[]"
        wanted.append(f"{COLUMNS[name]} = ANY ({values.add(list(named))}::{kind})")
    wanted += [f"{COLUMNS[name]} IS NULL" for name in asked.narrowing.without or ()]
    return wanted


def of_facts(asked: Asked, values: Values) -> list[str]:
    """The conditions of a fact."""
    return [*conditions(asked, values, "f.started_at"), *of_cycles(asked, values)]


def of_cycles(asked: Asked, values: Values) -> list[str]:
    """Of which cycles a fact is, and of which metrics."""
    own = [_CYCLE[asked.of.cycle]] if asked.of.cycle else []
    return [_CYCLES[asked.of.cycles], *_shown(asked, values), *own]


def of_parts(asked: Asked, values: Values) -> list[str]:
    """Of which cycles a sum is, and of which metrics."""
    own = [_CYCLE_OF_PARTS[asked.of.cycle]] if asked.of.cycle else []
    return [_PARTS[asked.of.cycles], *_shown(asked, values), *own]


def _shown(asked: Asked, values: Values) -> list[str]:
    return [] if asked.is_support else [f"f.metric <> ALL ({values.add(sorted(INTERNAL_METRICS))}::text[])"]


def engineer_of(asked: Asked) -> str:
    """The join that tells the region of each row's engineer, where the rows are narrowed to some regions."""
    return ENGINEER if asked.narrowing.region or "region" in (asked.narrowing.without or ()) else ""
