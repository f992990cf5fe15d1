import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from app.core.problems import TooManyRequests, Unavailable
from app.core.workers.fair_slots import FairSlots
from tests.support.waiting import until


class Crowd:
    """Callers of some slots, each of which keeps its own until it is told to go. Small letters do not hurry."""

    def __init__(self, slots: int = 1, *, waiting: int = 8, share: int = 4, within: float = 30) -> None:
        self.slots, self.within = FairSlots(slots, waiting=waiting, share=share), within
        self.served: list[str] = []
        self.go = asyncio.Semaphore(0)

    async def come(self, name: str) -> "asyncio.Task[None]":
        """A caller, named like ``A1`` or ``a1`` by its owner, who has a slot, waits, or was refused on return."""
        task = asyncio.create_task(self._caller(name))
        await asyncio.sleep(0)
        return task

    async def _caller(self, name: str) -> None:
        async with self.slots.taken(name[0].upper(), within=self.within, hurried=name[0].isupper()):
            self.served.append(name)
            await self.go.acquire()

    async def all_go(self, *tasks: Coroutine[Any, Any, None] | asyncio.Future[None]) -> None:
        for _ in tasks:
            self.go.release()
        await asyncio.gather(*tasks)


async def test_owners_take_turns_whoever_asks_for_how_much() -> None:
    crowd = Crowd()
    tasks = [await crowd.come(name) for name in ("A1", "A2", "A3", "A4", "B1", "C1", "B2")]
    assert len(crowd.slots) == 6
    await crowd.all_go(*tasks)
    assert crowd.served == ["A1", "A2", "B1", "C1", "A3", "B2", "A4"]
    assert len(crowd.slots) == 0


async def test_as_many_are_served_at_once_as_there_are_slots() -> None:
    crowd = Crowd(slots=2)
    tasks = [await crowd.come(name) for name in ("A1", "B1", "A2")]
    assert crowd.served == ["A1", "B1"]
    await crowd.all_go(*tasks)
    assert crowd.served == ["A1", "B1", "A2"]


async def test_nobody_has_all_slots() -> None:
    crowd = Crowd(slots=3)
    tasks = [await crowd.come(name) for name in ("A1", "A2", "A3")]
    assert crowd.served == ["A1", "A2"], "the last one is free for somebody else"
    tasks.append(await crowd.come("B1"))
    assert crowd.served == ["A1", "A2", "B1"]
    await crowd.all_go(*tasks)
    assert crowd.served == ["A1", "A2", "B1", "A3"]
    await crowd.all_go(await crowd.come("A4"), await crowd.come("A5"))


async def test_who_has_a_slot_lets_others_go_first() -> None:
    crowd = Crowd(slots=3)
    tasks = [await crowd.come(name) for name in ("A1", "B1", "B2", "A2", "A3", "C1")]
    crowd.go.release()
    await tasks[0]
    assert crowd.served == ["A1", "B1", "B2", "A2"], "nobody has fewer, and A waits"
    crowd.go.release()
    await tasks[1]
    assert crowd.served[4:] == ["C1"], "which has none, though A has waited for longer"
    await crowd.all_go(*tasks[2:])


async def test_what_is_not_hurried_never_has_all_slots() -> None:
    crowd = Crowd(slots=2)
    tasks = [await crowd.come(name) for name in ("a1", "b1", "C1")]
    assert crowd.served == ["a1", "C1"]
    await crowd.all_go(*tasks)


async def test_what_waits_for_its_owners_part_keeps_nobody_else_waiting() -> None:
    crowd = Crowd(slots=2)
    tasks = [await crowd.come(name) for name in ("A1", "a2", "b1")]
    assert crowd.served == ["A1", "b1"]
    await crowd.all_go(*tasks)


async def test_of_one_owner_what_is_hurried_goes_first() -> None:
    crowd = Crowd(slots=2)
    tasks = [await crowd.come(name) for name in ("a1", "a2", "A3", "A4")]
    await crowd.all_go(*tasks)
    assert crowd.served == ["a1", "A3", "A4", "a2"]


async def test_an_owner_has_a_share_of_the_queue() -> None:
    crowd = Crowd(share=2)
    tasks = [await crowd.come(name) for name in ("A1", "A2", "A3")]
    with pytest.raises(TooManyRequests) as refused:
        await (await crowd.come("A4"))
    assert refused.value.headers["Retry-After"] == "1"
    tasks.append(await crowd.come("B1"))
    await crowd.all_go(*tasks)
    assert crowd.served == ["A1", "A2", "B1", "A3"]


async def test_a_full_queue_refuses_whoever_has_as_much_of_it_as_the_others() -> None:
    crowd = Crowd(waiting=2)
    tasks = [await crowd.come(name) for name in ("A1", "B1", "C1")]
    with pytest.raises(Unavailable) as refused:
        await (await crowd.come("D1"))
    assert refused.value.headers["Retry-After"] == "1"
    await crowd.all_go(*tasks)
    assert crowd.served == ["A1", "B1", "C1"]


async def test_in_a_full_queue_who_has_least_takes_the_place_of_who_has_most() -> None:
    crowd = Crowd(waiting=3)
    running, first, second, last = [await crowd.come(name) for name in ("A1", "B1", "B2", "B3")]
    other = await crowd.come("C1")
    with pytest.raises(Unavailable):
        await last
    await crowd.all_go(running, first, second, other)
    assert crowd.served == ["A1", "B1", "C1", "B2"]


async def test_who_waits_for_too_long_is_refused_and_leaves_no_gap() -> None:
    crowd = Crowd(within=0.01)
    running = await crowd.come("A1")
    with pytest.raises(Unavailable):
        await (await crowd.come("A2"))
    assert len(crowd.slots) == 0
    crowd.within = 30
    await crowd.all_go(running, await crowd.come("B1"))
    assert crowd.served == ["A1", "B1"]


async def test_a_slot_is_not_lost_with_a_caller_who_leaves_as_it_comes() -> None:
    crowd = Crowd()
    async with crowd.slots.taken("A", within=30):
        leaver, last = await crowd.come("B1"), await crowd.come("C1")
    leaver.cancel()  # the slot is the leaver's, who has not been told
    await crowd.all_go(last)
    assert leaver.cancelled()
    assert crowd.served == ["C1"]
    await crowd.all_go(await crowd.come("A1"))


async def test_a_place_in_the_queue_is_not_kept_for_a_caller_who_leaves() -> None:
    crowd = Crowd()
    running, leaver, last = [await crowd.come(name) for name in ("A1", "B1", "C1")]
    leaver.cancel()
    await until(leaver.done)
    assert len(crowd.slots) == 1
    await crowd.all_go(running, last)
    assert crowd.served == ["A1", "C1"]
