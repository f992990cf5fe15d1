"""From which sums a period is answered, and what is left to be counted. Pure.

Buckets seldom begin where units do. So each begins with the nearest unit; what lies between is counted by itself, by
smaller units and in the end by the facts: to the bucket whose it is, and away from the one that has it by its unit.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final, TypeAlias

from app.reports.cells import CELLS, UNITS, Cell, Unit

Range: TypeAlias = tuple[datetime, datetime]
"""From when, and until when."""
Target: TypeAlias = tuple[int, int]
"""The number of a bucket, from 1 on, and the sign with which it counts something."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LENGTHS: Final[Mapping[Unit, timedelta]] = {
    "quarter": timedelta(minutes=15),
    "hour": timedelta(hours=1),
    "six_hours": timedelta(hours=6),
    "day": timedelta(days=1),
    "month": timedelta(days=32),
}


@dataclass(frozen=True, slots=True)
class Part:
    """A range, and the buckets that count it: those that have too much by others take it away."""

    begin: datetime
    end: datetime
    targets: Sequence[Target]


@dataclass(frozen=True, slots=True)
class Cover:
    """Parts of a period, which do not meet: those that each cell tells, and those that only the facts themselves do."""

    cells: Sequence[tuple[Cell, Sequence[Part]]]
    facts: Sequence[Part]


def cover(buckets: Iterable[Range], dimensions: AbstractSet[str]) -> Cover:
    """The cover of a period that is in these buckets, in order, for a question that names these columns."""
    cells = chosen(dimensions)
    found: dict[Cell | None, list[tuple[Range, Target]]] = {}
    for number, bucket in enumerate(buckets, 1):
        for cell, part, sign in _parts(bucket, cells, 1):
            found.setdefault(cell, []).append((part, (number, sign)))
    facts = _apart(found.pop(None, []))
    return Cover([(cell, parts) for cell, each in found.items() if cell and (parts := _apart(each))], facts)


def chosen(dimensions: AbstractSet[str]) -> Sequence[Cell]:
    """Of each unit the smallest cell that tells these dimensions, where no finer one does it with less."""
    cells: list[Cell] = []
    for unit in reversed(UNITS):
        fit = [cell for cell in CELLS if cell.unit == unit and dimensions <= cell.dimensions]
        if fit and all(min(fit, key=_size).size < finer.size for finer in cells):
            cells.insert(0, min(fit, key=_size))
    return cells


def beginnings(parts: Iterable[Part], unit: Unit) -> Sequence[datetime]:
    """When the units begin of which these parts consist."""
    found: list[datetime] = []
    for part in parts:
        at = part.begin
        while at < part.end:
            found.append(at)
            at = _floor(at + _LENGTHS[unit], unit)
    return found


def _size(cell: Cell) -> int:
    return cell.size


def _parts(period: Range, cells: Sequence[Cell], sign: int) -> Iterator[tuple[Cell | None, Range, int]]:
    """The period as units of the first cell, and what these have too little or too much at its ends, by the others."""
    begin, end = period
    if begin >= end:
        return
    if not cells:
        yield None, period, sign
        return
    cell, *finer = cells
    first, last = _nearest(begin, cell.unit), _nearest(end, cell.unit)
    if first >= last or abs(first - begin) + abs(end - last) >= end - begin:
        yield from _parts(period, finer, sign)
        return
    yield cell, (first, last), sign
    for own, other, by in ((begin, first, sign), (last, end, sign)):
        if own != other:
            yield from _parts((min(own, other), max(own, other)), finer, by if own < other else -by)


def _nearest(at: datetime, unit: Unit) -> datetime:
    """When the unit begins whose beginning is the nearest."""
    before = _floor(at, unit)
    if before == at:
        return before
    after = _floor(before + _LENGTHS[unit], unit) if unit == "month" else before + _LENGTHS[unit]
    return before if at - before <= after - at else after


def _floor(at: datetime, unit: Unit) -> datetime:
    """When the unit began in which an instant lies."""
    if unit == "month":
        return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return _EPOCH + (at - _EPOCH) // _LENGTHS[unit] * _LENGTHS[unit]


def _apart(ranges: Iterable[tuple[Range, Target]]) -> Sequence[Part]:
    """Parts that do not meet, in order: of each, by how much each bucket counts it in all."""
    parts: list[Part] = []
    for together in _overlapping(ranges):
        for part in _cut(together):
            if parts and (parts[-1].end, parts[-1].targets) == (part.begin, part.targets):
                parts[-1] = Part(parts[-1].begin, part.end, part.targets)
            else:
                parts.append(part)
    return parts


def _overlapping(ranges: Iterable[tuple[Range, Target]]) -> Iterator[Sequence[tuple[Range, Target]]]:
    """The ranges in order, those together that overlap: mostly one, or the two buckets that meet at a border."""
    together: list[tuple[Range, Target]] = []
    until: datetime | None = None
    for each in sorted(ranges):
        (begin, end), _ = each
        if until is None or begin >= until:
            if together:
                yield together
            together, until = [each], end
        else:
            together.append(each)
            until = max(until, end)
    if together:
        yield together


def _cut(ranges: Sequence[tuple[Range, Target]]) -> Iterator[Part]:
    """Ranges that overlap, cut where any begins or ends; signs that come to nothing are left out."""
    first, last = ranges[0][0], ranges[-1][0]
    borders = first if first == last else sorted({at for each, _ in ranges for at in each})
    for begin, end in pairwise(borders):
        counted: dict[int, int] = {}
        for (since, until), (number, sign) in ranges:
            if since <= begin and until >= end:
                counted[number] = counted.get(number, 0) + sign
        if targets := tuple(sorted((number, by) for number, by in counted.items() if by)):
            yield Part(begin, end, targets)
