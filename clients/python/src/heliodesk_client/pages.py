"""Lists and the feed of events are read page by page: these give what is on the pages, one after the other."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any, Final, ParamSpec, Protocol, TypeVar, cast

from heliodesk_client.generated.models import FeedPage

P = ParamSpec("P")
T = TypeVar("T")
Item_co = TypeVar("Item_co", covariant=True)
_LONG_POLL: Final = 20
"""Seconds for which the service waits for an event before it answers with an empty page."""


class Page(Protocol[Item_co]):
    """One page of a list."""

    @property
    def items(self) -> Sequence[Item_co]:
        """What is on it."""

    @property
    def next_cursor(self) -> str | None:
        """Where the next one begins; None on the last one."""


def items(operation: Callable[P, Page[T]], *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
    """All items of a list: ``items(desk.tickets.list_tickets, status=["open"])``.

    Of the feed (``desk.events.list_events``): all events that there are.
    """
    ask = cast("Callable[..., Page[T]]", operation)
    place: dict[str, Any] | None = {}
    while place is not None:
        page = ask(*args, **(kwargs | place))
        yield from page.items
        place = _behind(page)


async def async_items(
    operation: Callable[P, Awaitable[Page[T]]], *args: P.args, **kwargs: P.kwargs
) -> AsyncIterator[T]:
    """The same for an async operation: ``async for ticket in async_items(desk.tickets.list_tickets)``."""
    ask = cast("Callable[..., Awaitable[Page[T]]]", operation)
    place: dict[str, Any] | None = {}
    while place is not None:
        page = await ask(*args, **(kwargs | place))
        for item in page.items:
            yield item
        place = _behind(page)


def follow(operation: Callable[P, Page[T]], *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
    """The events of the feed for ever, as they happen: ``follow(desk.events.list_events, after=cursor)``.

    Keep the ``cursor`` of the last event that you are done with, and begin there the next time; ``after="latest"``
    begins with what happens from this moment on.
    """
    ask = cast("Callable[..., Page[T]]", operation)
    asked: dict[str, Any] = {"wait": _LONG_POLL} | kwargs
    while True:
        page = ask(*args, **asked)
        yield from page.items
        asked["after"] = page.next_cursor


async def async_follow(
    operation: Callable[P, Awaitable[Page[T]]], *args: P.args, **kwargs: P.kwargs
) -> AsyncIterator[T]:
    """The same for an async operation: ``async for event in async_follow(desk.events.list_events)``."""
    ask = cast("Callable[..., Awaitable[Page[T]]]", operation)
    asked: dict[str, Any] = {"wait": _LONG_POLL} | kwargs
    while True:
        page = await ask(*args, **asked)
        for item in page.items:
            yield item
        asked["after"] = page.next_cursor


def _behind(page: Page[T]) -> dict[str, Any] | None:
    """What asks for the page behind this one; None when it is the last one."""
    if isinstance(page, FeedPage):
        return {"after": page.next_cursor} if page.has_more else None
    return None if page.next_cursor is None else {"cursor": page.next_cursor}
