"""From which sums a period is answered, and what is left to be counted. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from app.reports.cells import CELLS, UNITS, Cell, Unit

Range: TypeAlias = tuple[datetime, datetime]
"""From when, and until when."""
_LENGTHS: Final[Mapping[Unit, timedelta]] = {
    "quarter": timedelta(minutes=15),
    "hour": timedelta(hours=1),
    "six_hours": timedelta(hours=6),
    "day": timedelta(days=1),
    "month": timedelta(days=32),
}


@dataclass(frozen=True, slots=True)
class Cover:
    """Parts of a period: those that the sums of each cell tell, and those that only the facts themselves do."""

    cells: Sequence[tuple[Cell, Sequence[Range]]]
    facts: Sequence[Range]

    @property
    def summed(self) -> Sequence[Range]:
        """What the cells tell together."""
        return _joined(sorted(each for _cell, ranges in self.cells for each in ranges))


def cover(buckets: Iterable[Range], dimensions: AbstractSet[str]) -> Cover:
    """The cover of a period that is in these buckets, in order, for a question that names these columns."""
    cells = chosen(dimensions)
    found: dict[Cell | None, list[Range]] = {}
    for bucket in buckets:
        for cell, part in _parts(bucket, cells):
            found.setdefault(cell, []).append(part)
    facts = _joined(found.pop(None, []))
    return Cover([(cell, _joined(ranges)) for cell, ranges in found.items() if cell], facts)


def chosen(dimensions: AbstractSet[str]) -> Sequence[Cell]:
    """Of each unit the smallest cell that tells these dimensions, where no finer one does it with less."""
    cells: list[Cell] = []
    for unit in reversed(UNITS):
        fit = [cell for cell in CELLS if cell.unit == unit and dimensions <= cell.dimensions]
        if fit and all(min(fit, key=_size).size < finer.size for finer in cells):
            cells.insert(0, min(fit, key=_size))
    return cells


def beginnings(ranges: Iterable[Range], unit: Unit) -> Sequence[datetime]:
    """When the units begin of which these ranges consist."""
    found: list[datetime] = []
    for begin, end in ranges:
        at = begin
        while at < end:
            found.append(at)
            at = _floor(at + _LENGTHS[unit], unit)
    return found


def _size(cell: Cell) -> int:
    return cell.size


def _parts(period: Range, cells: Sequence[Cell]) -> Iterator[tuple[Cell | None, Range]]:
    """The period in order: whole units of the first cell, and what is before and behind them by the others."""
    begin, end = period
    if begin >= end:
        return
    if not cells:
        yield None, period
        return
    cell, *finer = cells
    first, last = _ceiling(begin, cell.unit), _floor(end, cell.unit)
    if first >= last:
        yield from _parts(period, finer)
        return
    yield from _parts((begin, first), finer)
    yield cell, (first, last)
    yield from _parts((last, end), finer)


def _floor(at: datetime, unit: Unit) -> datetime:
    """When the unit began in which an instant lies."""
    whole = at.astimezone(UTC).replace(second=0, microsecond=0)
    if unit == "quarter":
        return whole.replace(minute=whole.minute // 15 * 15)
    if unit in ("hour", "six_hours"):
        return whole.replace(hour=whole.hour // 6 * 6 if unit == "six_hours" else whole.hour, minute=0)
    return whole.replace(day=1 if unit == "month" else whole.day, hour=0, minute=0)


def _ceiling(at: datetime, unit: Unit) -> datetime:
    """When the next unit begins, or this instant where one does."""
    begin = _floor(at, unit)
    return begin if begin == at else _floor(begin + _LENGTHS[unit], unit)


def _joined(ranges: Iterable[Range]) -> Sequence[Range]:
    """Ranges in order, those that meet as one."""
    joined: list[Range] = []
    for begin, end in ranges:
        if joined and joined[-1][1] == begin:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((begin, end))
    return joined
