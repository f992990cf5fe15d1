import asyncio

from app.core.process.cooperative import in_turns


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
