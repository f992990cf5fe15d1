"""Telling operators of what a background job cannot process, where telling may fail for the same reason."""

from typing import Protocol, TypeVar

import structlog

from app.core.db.causes import Cause, cause_of

_log = structlog.get_logger(__name__)


Done_co = TypeVar("Done_co", covariant=True)


class _Put(Protocol[Done_co]):
    async def __call__(self, *, told: bool) -> Done_co:
        """Put something off, and tell operators of it or not; what that has come to."""
        ...


async def told_if_possible(put: _Put[Done_co], *, told: bool, **about: str) -> Done_co:
    """Put something off and tell operators, or put it off all the same; what that has come to."""
    try:
        return await put(told=told)
    except Exception as error:
        if not told or cause_of(error) is not Cause.FAILED:
            raise
        _log.exception("operators could not be told of an event", **about)
        return await put(told=False)
