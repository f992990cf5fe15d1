"""A ticket in memory while a use case changes it: one slot for each column of ``tickets``."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, field, fields, make_dataclass, replace
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Self

from app.tickets.models import TicketRow

TEXTS: Final = frozenset({"description", "tags", "custom"})
"""Columns with as much as people write, hundreds of kilobytes at most. They are read and written only where it is they
that change: a storm of such tickets weighs no more than one of others."""


class _Record:
    __slots__ = ()

    def row(self, *, texts: bool = True) -> dict[str, Any]:
        """The row, with every column; without ``TEXTS`` where these stay as they are."""
        row = dict(zip(columns(), _values()(self), strict=True))
        return row if texts else {name: row[name] for name in columns_but_texts()}

    def replaced(self, **changes: Any) -> Self:
        """A copy with other values in some columns."""
        return replace(self, **changes)  # type: ignore[type-var]


@cache
def columns() -> tuple[str, ...]:
    """The names of all columns, in the table's order."""
    return tuple(column.name for column in TicketRow.__table__.columns)


@cache
def columns_but_texts() -> tuple[str, ...]:
    """The same without ``TEXTS``."""
    return tuple(name for name in columns() if name not in TEXTS)


@cache
def _values() -> Callable[[Any], tuple[Any, ...]]:
    return attrgetter(*columns())


@cache
def _puts() -> tuple[tuple[str, Callable[[Any, Any], None]], ...]:
    return tuple((name, getattr(TicketRecord, name).__set__) for name in columns())


def stored(row: Mapping[str, Any]) -> "TicketRecord":
    """The record of a row with every column: calling the class, which matches so many names, takes twice as long."""
    made = object.__new__(TicketRecord)
    for name, put in _puts():
        put(made, row[name])
    return made


def begun(row: Mapping[str, Any]) -> "TicketRecord":
    """The same of a row without columns that have a default, or may be null."""
    return stored({**_defaults(), **row})


@cache
def _defaults() -> Mapping[str, Any]:
    kind: Any = TicketRecord
    return {each.name: each.default for each in fields(kind) if each.default is not MISSING}


def _slot(column: Any) -> tuple[str, Any, Any]:
    """A member with the column's default, or None where the column may be null; else it has to be given."""
    if column.default is not None:
        return column.name, Any, field(default=column.default.arg)
    return column.name, Any, field(default=None) if column.nullable else field()


if TYPE_CHECKING:

    class TicketRecord(_Record, TicketRow):
        """The columns of ``TicketRow``, with its types."""

else:
    TicketRecord = make_dataclass(
        "TicketRecord",
        [_slot(column) for column in TicketRow.__table__.columns],
        bases=(_Record,),
        namespace={
            "__doc__": "The columns of ``TicketRow``: who makes one gives those that have no default.",
            "__module__": __name__,
        },
        slots=True,
        kw_only=True,
    )
