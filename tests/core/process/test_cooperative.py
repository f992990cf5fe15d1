import asyncio
from collections.abc import Iterator
from itertools import count

import pytest

from app.core.process import cooperative
from app.core.process.cooperative import beating, in_turns


async def test_others_have_their_turn_during_a_long_computation() -> None:
    done: list[int] = []
    seen: list[int] = []

    async def other() -> None:
        while len(done) < 5:
            seen.append(len(done))
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    async for number in in_turns(range(5), every=0):
        done += [number]
    await task
    assert (done, seen) == ([0, 1, 2, 3, 4], [1, 2, 3, 4])


async def test_a_short_computation_is_not_interrupted() -> None:
    done: list[int] = []
    seen: list[int] = []
    asyncio.get_running_loop().call_soon(lambda: seen.append(len(done)))
    async for number in in_turns(range(100), every=60):
        done += [number]
    await asyncio.sleep(0)
    assert (len(done), seen) == (100, [100])


async def test_who_waits_for_a_long_computation_sees_that_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sign of life after each five of its pauses; none by another task, which may do so at the same time."""
    seconds: Iterator[int] = count()
    beats: list[int] = []
    done: list[int] = []

    async def beat() -> None:
        beats.append(len(done))

    async def compute() -> None:
        nonlocal done
        async for number in in_turns(range(20), every=0):
            done += [number]

    monkeypatch.setattr(cooperative, "monotonic", lambda: next(seconds))
    with beating(beat, every=14):
        await asyncio.create_task(compute())
        assert (len(done), beats) == (20, [])
        await compute()
    assert 3 <= len(beats) <= 6
    await compute()
    assert max(beats) <= 40
