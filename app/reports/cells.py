"""The sums of what is counted: of which units of time, and by which dimensions. Pure.

A question is answered from the cells that know its dimensions: by months as far as these go, then by days, six hours,
hours and quarters of an hour, at which the days of every time zone begin.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Unit: TypeAlias = Literal["quarter", "hour", "six_hours", "day", "month"]

UNITS: Final[Sequence[Unit]] = ("month", "day", "six_hours", "hour", "quarter")
"""Each has whole ones of the next; all of UTC."""
DIMENSIONS: Final = ("priority", "plan_key", "plan_version", "product", "tier", "channel", "engineer_id", "account_id")
"""Columns by which some cells are apart; all are by what is counted, and by what became of it."""
MOMENT: Final = "moment"
"""The ``part`` of a sum of moments; one of facts has ``incident``, ``first`` or ``later``."""
_OF_MOMENTS: Final = 100
"""What is added to the number of a cell for its sums of moments."""
_BEGIN: Final = {
    "quarter": "m.at",
    "hour": "date_trunc('hour', m.at, 'UTC')",
    "six_hours": "date_bin('6 hours', m.at, '2000-01-01T00:00:00Z'::timestamptz)",
    "day": "date_trunc('day', m.at, 'UTC')",
    "month": "date_trunc('month', m.at, 'UTC')",
}
_EMPTY: Final = {"plan_version": "0", "tier": "0"}
KEY: Final = (
    "account_id",
    "cell",
    "sandbox",
    "at",
    "metric",
    "part",
    "outcome",
    "reason",
    "owed",
    "objective",
    "priority",
    "plan_key",
    "plan_version",
    "product",
    "tier",
    "channel",
    "engineer_id",
)
"""What tells one sum from another."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Sums of facts; those of moments are alike, under numbers of their own."""

    number: int
    unit: Unit
    size: int
    """thousands of sums in a month of a large desk, by which cells are chosen"""
    dimensions: frozenset[str]

    def number_of(self, *, moments: bool) -> int:
        """Its number in the table."""
        return self.number + _OF_MOMENTS * moments


def _cell(number: int, unit: Unit, size: int, *dimensions: str) -> Cell:
    return Cell(number, unit, size, frozenset(dimensions))


CELLS: Final[Sequence[Cell]] = (
    _cell(1, "quarter", 72),
    _cell(2, "hour", 20),
    _cell(3, "hour", 70, "priority"),
    _cell(4, "day", 1),
    _cell(5, "day", 13, "priority", "plan_key", "plan_version"),
    _cell(6, "day", 59, "engineer_id"),
    _cell(7, "day", 11, "product"),
    _cell(8, "day", 9, "tier", "channel"),
    _cell(9, "month", 17, "priority", "product", "tier", "channel"),
    _cell(10, "month", 8, "priority", "engineer_id"),
    _cell(11, "month", 60, "priority", "plan_key", "plan_version", "account_id"),
    _cell(12, "six_hours", 4),
    _cell(13, "six_hours", 14, "priority"),
    _cell(14, "month", 25, "product", "engineer_id"),
    _cell(15, "month", 21, "tier", "channel", "engineer_id"),
    _cell(16, "month", 20, "plan_key", "plan_version", "product", "tier", "channel"),
    _cell(17, "month", 8, "plan_key", "plan_version", "engineer_id"),
)
"""Numbers stand in the table and are never given again. When cells are added, the table of moves gets another name: a
replica that does not know them would take moves away that it sums up by its own cells alone."""


def summed(moves: str) -> str:
    """The statement that sums up what ``moves`` selects, for all cells."""
    return " UNION ALL ".join(_summed_of(moves, cell, moments=moments) for cell in CELLS for moments in (False, True))


def _summed_of(moves: str, cell: Cell, *, moments: bool) -> str:
    own = {name: f"m.{name}" if name in cell.dimensions else _EMPTY.get(name, "''") for name in DIMENSIONS}
    own |= {"cell": str(cell.number_of(moments=moments)), "at": _BEGIN[cell.unit]}
    columns = ", ".join(f"{own.get(name, f'm.{name}')} AS {name}" for name in KEY)
    grouped = ", ".join(own.get(name, f"m.{name}") for name in KEY if name in cell.dimensions or _is_apart(name))
    return f"""
    SELECT {columns}, sum(m.number)::int AS number, sum(m.misses)::int AS misses FROM ({moves}) AS m
    WHERE m.part {"=" if moments else "<>"} '{MOMENT}'
    GROUP BY {grouped} HAVING sum(m.number) <> 0 OR sum(m.misses) <> 0
    """  # noqa: S608  our own names


def _is_apart(name: str) -> bool:
    return name not in (*DIMENSIONS, "cell")
