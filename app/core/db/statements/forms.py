"""Composed queries as the driver takes them."""

from typing import Any, Final, cast

from sqlalchemy import Executable
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.util import LRUCache

_DIALECT: Final = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
_FORMS: Final[LRUCache[Any, Any]] = LRUCache(500)


def compiled(query: Executable) -> tuple[str, tuple[Any, ...]]:
    """A query and its parameters; queries of one form are compiled once."""
    found = cast("Any", query)._compile_w_cache(  # noqa: SLF001  what SQLAlchemy's own connections do
        _DIALECT, compiled_cache=_FORMS, column_keys=[], for_executemany=False, schema_translate_map=None
    )
    statement, extracted = found[0], found[1]
    values = statement.construct_params(extracted_parameters=extracted)
    return statement.string, tuple(values[name] for name in statement.positiontup or ())
