import asyncio

from app.core.turns import in_turns


async def test_others_have_their_turn_during_a_long_computation() -> None:
    done: list[int] = []
    seen: list[int] = []

    async def other() -> None:
        while len(done) < 20:
            seen.append(len(done))
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    async for number in in_turns(range(20), every=5):
        done += [number]
    await task
    assert (done, seen) == (list(range(20)), [5, 10, 15])
