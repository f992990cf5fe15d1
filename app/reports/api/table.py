"""A report as a table of comma-separated values (RFC 4180), sent as it is written."""

import csv
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime
from io import StringIO
from typing import Any, Final

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from app.core.process.cooperative import in_turns
from app.events.envelope import instant

CSV: Final = "text/csv"
_FORMULA: Final = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""With what a cell begins that a spreadsheet would compute; some take the wide signs of East Asian texts for these."""
_AT_ONCE: Final = 200
"""Rows of one piece of the answer."""


def wants_table(request: Request, named: str | None) -> bool:
    """Whether the caller asks for a table: by ``format``, else by an ``Accept`` that names it before JSON."""
    if named is not None:
        return named == "csv"
    asked = [part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "").split(",")]
    return CSV in asked and "application/json" not in asked


def table(name: str, items: Sequence[Mapping[str, Any]]) -> Response:
    """A row for each item, with a column for each member; the members of an object are columns of their own."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "Vary": "Accept"}
    return StreamingResponse(_written(items), headers=headers, media_type=f"{CSV}; charset=utf-8; header=present")


async def _written(items: Sequence[Mapping[str, Any]]) -> AsyncIterator[bytes]:
    columns: dict[str, None] = {}
    async for item in in_turns(items):
        columns |= dict.fromkeys(name for name, _ in cells(item))
    yield _lines([list(columns)])
    rows: list[list[str]] = []
    async for item in in_turns(items):
        own = dict(cells(item))
        rows.append([cell(own.get(name)) for name in columns])
        if len(rows) == _AT_ONCE:
            yield _lines(rows)
            rows = []
    if rows:
        yield _lines(rows)


def cells(item: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The columns of an item and their values."""
    for name, value in item.items():
        if isinstance(value, Mapping):
            yield from cells(value, "" if name == "group" else f"{prefix}{name}_")
        else:
            yield prefix + name, value


def cell(value: Any) -> str:
    """A value as text that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return instant(value)
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    written = StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue().encode()
