"""The statements of reports: conditions and groups, over the facts or over their sums by the day."""

from typing import Final

from app.events.types import INTERNAL_METRICS
from app.reports.asked import Asked
from app.reports.read.grouping import COLUMNS, Groups, Values

_SPLIT: Final = 60
"""Days at the most that are read from the facts while others are read from their sums."""
_WITHIN_DAY: Final = "f.started_at >= d.day AND f.started_at < d.day + interval '24 hours'"
_SUMMED: Final = frozenset({"metric", "cycle", "priority", "plan", "plan_version"})
"""Dimensions of the sums by the day."""
_INTEGERS: Final = frozenset({"plan_version", "tier"})
ENGINEER: Final = "LEFT JOIN engineers AS e ON e.id = f.engineer_id"
PART: Final = "CASE f.cycle WHEN 0 THEN 'incident' WHEN 1 THEN 'first' ELSE 'later' END"
_CYCLES: Final = {
    "first": "f.cycle = CASE f.metric WHEN 'update' THEN 0 ELSE 1 END",
    "later": "f.cycle > 1",
    "each": "f.cycle > 0",
}
_PARTS: Final = {
    "first": "f.part = CASE f.metric WHEN 'update' THEN 'incident' ELSE 'first' END",
    "later": "f.part = 'later'",
    "each": "f.part <> 'incident'",
}
_SHARED: Final = "at, metric, part, priority, plan_key, plan_version, outcome, owed, by_sender, number, misses"
_CYCLE: Final = {"first": "f.cycle <= 1", "later": "f.cycle > 1"}
_CYCLE_OF_PARTS: Final = {"first": "f.part <> 'later'", "later": "f.part = 'later'"}
_FACTS: Final = f"""
SELECT f.*, f.started_at AS at, {PART} AS part, f.settled_at IS NULL AS owed,
       coalesce(f.outcome = 'cancelled' AND f.reason = 'resolved_by_sender', false) AS by_sender, 1 AS number
FROM report_facts AS f
"""  # noqa: S608  our own names


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
    own = [] if asked.is_support else [f"f.metric <> ALL ({values.add(sorted(INTERNAL_METRICS))}::text[])"]
    own += [_CYCLE[asked.of.cycle]] if asked.of.cycle else []
    return [*conditions(asked, values, "f.started_at"), _CYCLES[asked.of.cycles], *own]


def engineer_of(asked: Asked) -> str:
    """The join that tells the region of each row's engineer, where the rows are narrowed to some regions."""
    return ENGINEER if asked.narrowing.region or "region" in (asked.narrowing.without or ()) else ""


def source(asked: Asked, groups: Groups, values: Values) -> str:
    """The rows to be counted: sums of whole days where these do, and facts for the rest."""
    split = groups.split_days
    if not _is_summed(asked) or len(split) > _SPLIT:
        return _of_facts(asked, values)
    wanted = [*conditions(asked, values, "f.day"), _PARTS[asked.of.cycles]]
    wanted += [_CYCLE_OF_PARTS[asked.of.cycle]] if asked.of.cycle else []
    wanted.append(f"f.day <> ALL ({values.add(split)}::timestamptz[])")
    parts = [f"SELECT f.*, f.day AS at FROM report_days AS f WHERE {' AND '.join(wanted)}"]  # noqa: S608  our own names
    if split:
        # Day by day: a join of all days would read the whole period.
        day = f"{_FACTS} WHERE {' AND '.join((*of_facts(asked, values), _WITHIN_DAY))} OFFSET 0"
        days = f"unnest({values.add(split)}::timestamptz[]) AS d (day)"
        parts.append(f"SELECT f.* FROM {days} CROSS JOIN LATERAL ({day}) AS f")  # noqa: S608  our own names
    return " UNION ALL ".join(f"SELECT {_SHARED} FROM ({part}) AS f" for part in parts)  # noqa: S608  our own names


def _of_facts(asked: Asked, values: Values) -> str:
    return f"{_FACTS} {engineer_of(asked)} WHERE {' AND '.join(of_facts(asked, values))}"


def _is_summed(asked: Asked) -> bool:
    """Whether the sums by the day tell what is asked, of all accounts."""
    named = {*asked.dimensions, *(name for name, _ in asked.filters()), *(asked.narrowing.without or ())}
    return asked.account_id is None and asked.is_support and named <= _SUMMED
