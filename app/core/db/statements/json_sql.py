"""JSON that PostgreSQL writes, equal to what ``core/web/replies.dump`` writes of the same rows."""

from collections.abc import Iterable, Mapping
from typing import Final

from sqlalchemy import DateTime, FromClause

_MICROSECONDS: Final = """to_char(timezone('UTC', {}), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


def microseconds(expression: str) -> str:
    """An instant as RFC 3339 in UTC, always to the microsecond."""
    return _MICROSECONDS.format(expression)


def instant(expression: str) -> str:
    """An instant as RFC 3339 in UTC; a whole second has no fraction."""
    return f"replace({microseconds(expression)}, '.000000Z', 'Z')"


def columns(table: FromClause, alias: str, names: Iterable[str]) -> dict[str, str]:
    """The columns of these names as members of an object: name -> the SQL expression of its value."""
    return {name: _value(table, alias, name) for name in names}


def _value(table: FromClause, alias: str, name: str) -> str:
    place = f"{alias}.{name}"
    return instant(place) if isinstance(table.c[name].type, DateTime) else place


def object_of(members: Mapping[str, str]) -> str:
    """A JSON object with these members, in this order; an SQL expression that may be null only where no row is."""
    listed = ", ".join(f'{expression} AS "{name}"' for name, expression in members.items())
    return f"(SELECT row_to_json(object) FROM (SELECT {listed}) AS object)"  # noqa: S608  names of ours
