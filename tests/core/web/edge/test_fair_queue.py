"""Very many strangers at the same instant are let in a few in each turn of the event loop, networks in turns."""

import asyncio
from collections.abc import Callable

from app.core.web.edge.fair_queue import FairQueue


def _noting(passed: list[str], name: str) -> Callable[[], None]:
    return lambda: passed.append(name)


async def _ends(passed: list[str], number: int) -> int:
    """How many turns of the loop it takes until so many have passed."""
    for turn in range(1000):
        if len(passed) == number:
            return turn
        await asyncio.sleep(0)
    raise AssertionError(passed)


async def test_few_pass_at_once_and_at_most_as_many_in_each_turn() -> None:
    queue, passed = FairQueue(), list[str]()
    at_once = sum(queue.admits("203.0.113.1", _noting(passed, "a")) for _ in range(100))
    assert 0 < at_once < 10
    assert await _ends(passed, 100 - at_once) >= (100 - at_once) // at_once
    await asyncio.sleep(0)
    assert queue.admits("203.0.113.1", _noting(passed, "a")), "nobody waits, so it passes at once again"


async def test_networks_take_turns_and_each_keeps_its_order() -> None:
    queue, passed = FairQueue(), list[str]()
    for number in range(50):
        queue.admits(f"203.0.113.{number}", _noting(passed, "crowd"))
    queue.admits("198.51.100.1", _noting(passed, "first"))
    queue.admits("198.51.100.2", _noting(passed, "second"))
    await _ends(passed, 50)
    assert passed.index("first") < 4
    assert passed.index("first") < passed.index("second") < 6


async def test_one_that_fails_holds_up_nobody() -> None:
    queue, passed = FairQueue(), list[str]()

    def fail() -> None:
        raise ValueError

    failed: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failed.append(context["exception"]))
    while queue.admits("203.0.113.1", fail):
        pass
    queue.admits("203.0.113.1", _noting(passed, "next"))
    await _ends(passed, 1)
    assert len(failed) == 1
