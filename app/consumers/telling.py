"""Telling operators of what a background job cannot process, where telling may fail for the same reason."""

from typing import Protocol

import structlog

from app.core.db.causes import Cause, cause_of

_log = structlog.get_logger(__name__)


class _Put(Protocol):
    async def __call__(self, *, told: bool) -> bool:
        """Put something off, and tell operators of it or not; whether that was done."""
        ...


async def told_if_possible(put: _Put, *, told: bool, **about: str) -> bool:
    """Put something off and tell operators, or put it off all the same; whether that was done."""
    try:
        return await put(told=told)
    except Exception as error:
        if not told or cause_of(error) is not Cause.FAILED:
            raise
        _log.exception("operators could not be told of an event", **about)
        return await put(told=False)
