"""When what fails time and again is tried next. Pure."""

from datetime import timedelta
from typing import Final

POSTPONED_AFTER: Final = 2
"""Failures in a row after which something counts as postponed. The first is followed by a second try at once."""
_SECOND_TRY: Final = timedelta(seconds=1)
_SHORTEST: Final = timedelta(minutes=1)
_LONGEST: Final = timedelta(hours=1)
_DOUBLINGS: Final = 6


def wait_after(failures: int) -> timedelta:
    """How long to wait after so many ``failures`` in a row, from 1 on: a second, a minute, doubled up to an hour."""
    if failures < POSTPONED_AFTER:
        return _SECOND_TRY
    doubled: int = 2 ** min(failures - POSTPONED_AFTER, _DOUBLINGS)
    return min(_SHORTEST * doubled, _LONGEST)


def is_told(failures: int) -> bool:
    """Whether operators are told of this failure: of each that makes the wait longer."""
    return failures >= POSTPONED_AFTER and wait_after(failures) > wait_after(failures - 1)
