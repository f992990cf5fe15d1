import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.core.limits.inflight import Full, InFlight, Pace, Place, Size, TooLong

SIZE = Size(running=2, waiting=3)


async def _until_idle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Requests:
    """Requests by name, as they get their turns."""

    def __init__(self, in_flight: InFlight) -> None:
        self.in_flight = in_flight
        self.turns: list[str] = []
        self.places: dict[str, Place] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def come(self, *names: str, size: Size = SIZE) -> None:
        """``a1`` is a request of the lane ``a``."""
        for name in names:
            place = self.in_flight.enter(name[0], size)
            self.places[name] = place
            self._tasks.append(asyncio.create_task(self._turn(name)))
        await _until_idle()

    async def _turn(self, name: str) -> None:
        await self.places[name].turn()
        self.turns.append(name)

    async def end(self, *names: str) -> None:
        for name in names:
            self.places[name].leave()
        await _until_idle()

    async def over(self) -> None:
        """Who waits hangs up, and what runs ends."""
        for name, task in zip(self.places, self._tasks, strict=True):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self.end(name)

    async def go(self, name: str) -> None:
        """Its caller hangs up while it waits."""
        task = self._tasks[list(self.places).index(name)]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await self.end(name)


@asynccontextmanager
async def requests(most: int = 3) -> AsyncIterator[Requests]:
    here = Requests(InFlight(most))
    yield here
    await here.over()
    assert (here.in_flight.running, here.in_flight.waiting, here.in_flight._lanes) == (0, 0, {})


async def test_a_lane_runs_a_few_and_the_others_wait_in_order() -> None:
    async with requests() as here:
        await here.come("a1", "a2", "a3", "a4")
        assert here.turns == ["a1", "a2"]
        assert (here.in_flight.running, here.in_flight.waiting) == (2, 2)
        await here.end("a2")
        assert here.turns == ["a1", "a2", "a3"]
        await here.end("a1", "a3")
        assert here.turns == ["a1", "a2", "a3", "a4"]


async def test_a_lane_that_is_full_takes_no_more_until_one_leaves() -> None:
    async with requests() as here:
        await here.come("a1", "a2", "a3", "a4", "a5")
        with pytest.raises(Full):
            await here.come("a6")
        await here.come("b1")
        await here.end("a1")
        await here.come("a7")
        with pytest.raises(Full):
            await here.come("a8")


async def test_one_that_waits_for_something_else_keeps_its_place_and_lets_others_run() -> None:
    async with requests() as here:
        await here.come("a1", "a2", "a3", "a4", "a5")
        with here.places["a1"].aside():
            await _until_idle()
            assert here.turns == ["a1", "a2", "a3"]
            with pytest.raises(Full):
                await here.come("a6")
        assert here.in_flight.running == 3  # it goes on at once, though there are as many as may run
        await here.end("a2")
        assert here.turns == ["a1", "a2", "a3"]
        await here.end("a1")
        assert here.turns == ["a1", "a2", "a3", "a4"]


async def test_one_that_goes_while_it_waits_for_something_else_leaves_nothing_behind() -> None:
    async with requests() as here:
        await here.come("a1", "a2", "a3")
        with here.places["a1"].aside():
            await here.end("a1")
        await here.end("a2")
        assert (here.turns, here.in_flight.running) == (["a1", "a2", "a3"], 1)


async def test_lanes_take_turns_where_all_together_are_too_many() -> None:
    async with requests(most=2) as here:
        await here.come("a1", "a2", "a3", "a4")
        await here.come("b1", "b2", "c1")
        assert here.turns == ["a1", "a2"]
        for name in ("a1", "a2", "b1", "c1", "a3", "b2"):
            await here.end(name)
        assert here.turns == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]


async def test_who_hangs_up_gives_its_turn_to_the_next() -> None:
    async with requests(most=1) as here:
        await here.come("a1", "a2", "a3")
        await here.go("a2")
        await here.end("a1")
        assert here.turns == ["a1", "a3"]


async def test_who_hangs_up_at_the_instant_of_its_turn_gives_it_on() -> None:
    async with requests(most=1) as here:
        await here.come("a1", "a2", "b1")
        here.places["a1"].leave()
        await here.go("a2")
        assert here.turns == ["a1", "b1"]


async def test_a_place_is_left_once() -> None:
    async with requests() as here:
        await here.come("a1", "a2")
        await here.end("a1")
        await here.end("a1")
        assert here.in_flight.running == 1


@pytest.mark.parametrize(("most", "alone"), [(9, True), (1, False)])
async def test_nobody_waits_for_ever(most: int, *, alone: bool) -> None:
    in_flight = InFlight(most, patience=0.01)
    running = in_flight.enter("a", Size(1, 1))
    await running.turn()
    late = in_flight.enter("a" if alone else "b", Size(1, 1))
    with pytest.raises(TooLong) as caught:
        await late.turn()
    assert caught.value.alone is alone
    late.leave()
    running.leave()
    assert (in_flight.running, in_flight.waiting) == (0, 0)


def test_a_few_refusals_go_out_at_once_and_many_at_a_steady_rate() -> None:
    pace = Pace(a_second=10, longest=1.0)
    held = [pace.hold("a", 100.0) for _ in range(30)]
    assert held[:10] == [0.0] * 10
    assert held[10] == pytest.approx(0.1)
    assert held[29] == pytest.approx(1.0)
    assert pace.hold("b", 100.0) == 0
    assert pace.hold("a", 103.0) == 0


async def test_an_answer_in_parts_keeps_its_place_and_gives_its_turn_up_for_good() -> None:
    async with requests(most=1) as here:
        await here.come("a1", "a2", "b1")
        for _ in "ab":
            here.places["a1"].rest()
            await _until_idle()
            assert (here.turns, here.in_flight.running) == (["a1", "a2"], 1)
        with here.places["a1"].aside():
            pass
        assert here.in_flight.running == 1, "another wait does not bring it back"
        assert here.in_flight.waiting == 2, "it keeps its place"
