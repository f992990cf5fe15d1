"""Places in the feed as they are told: opaque to readers, a position underneath. Pure."""

import re
from typing import Final, Literal, TypeAlias

Start: TypeAlias = int | Literal["latest"] | None
"""Where to begin: behind a position, behind the newest event, or (None) with the oldest one that is kept."""

LATEST: Final = "latest"
CURSOR_SQL: Final = "'at-' || {}"
"""The cursor of a position, as an SQL expression."""
_CURSOR: Final = re.compile(r"at-(0|[1-9][0-9]{0,17})")


def cursor_of(position: int) -> str:
    """The cursor of a position; an ``id`` of a server-sent event, so it has no spaces."""
    return f"at-{position}"


def read_start(text: str | None) -> Start:
    """What ``after`` says; ``ValueError`` for what this feed has not made."""
    if text is None or text == LATEST:
        return LATEST if text else None
    match = _CURSOR.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return int(match[1])
