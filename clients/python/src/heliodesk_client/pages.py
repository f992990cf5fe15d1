"""Lists are read page by page: these give their items one after the other."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any, ParamSpec, Protocol, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")
Item_co = TypeVar("Item_co", covariant=True)


class Page(Protocol[Item_co]):
    """One page of a list."""

    @property
    def items(self) -> Sequence[Item_co]:
        """What is on it."""

    @property
    def next_cursor(self) -> str | None:
        """Where the next one begins; None on the last one."""


def items(operation: Callable[P, Page[T]], *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
    """All items of a list: ``items(desk.tickets.list_tickets, status=["open"])``."""
    ask = cast("Callable[..., Page[T]]", operation)
    following: dict[str, Any] = dict(kwargs)
    while True:
        page = ask(*args, **following)
        yield from page.items
        if page.next_cursor is None:
            return
        following["cursor"] = page.next_cursor


async def async_items(
    operation: Callable[P, Awaitable[Page[T]]], *args: P.args, **kwargs: P.kwargs
) -> AsyncIterator[T]:
    """The same for an async operation: ``async for ticket in async_items(desk.tickets.list_tickets)``."""
    ask = cast("Callable[..., Awaitable[Page[T]]]", operation)
    following: dict[str, Any] = dict(kwargs)
    while True:
        page = await ask(*args, **following)
        for item in page.items:
            yield item
        if page.next_cursor is None:
            return
        following["cursor"] = page.next_cursor
