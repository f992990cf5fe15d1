"""Work for a reader goes on while the reader is there, and no longer."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from fastapi import Request

from app.core.limits.streams import DRAIN
from app.core.problems import Unavailable
from app.core.text.messages import _
from app.core.web.kit import readers
from app.core.web.kit.readers import while_read
from tests.support.waiting import until


class Caller:
    """A caller, who may leave, and work that hangs after its second result."""

    def __init__(self) -> None:
        self.gone, self.found, self.cancelled = asyncio.Event(), list[int | None](), False
        self.request = Request({"type": "http"}, self._receive)

    async def _receive(self) -> dict[str, str]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def work(self, *, hangs: bool) -> AsyncGenerator[int, None]:
        yield 1
        yield 2
        try:
            if hangs:
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise

    async def read(self, *, hangs: bool) -> None:
        async with aclosing(while_read(self.request, self.work(hangs=hangs))) as read:
            async for value in read:
                self.found.append(value)


async def test_it_goes_to_its_end_for_a_reader_who_stays() -> None:
    caller = Caller()
    await caller.read(hangs=False)
    assert [value for value in caller.found if value] == [1, 2]
    assert not caller.cancelled


@pytest.mark.parametrize("leaves", [True, False])
async def test_it_ends_in_the_midst_of_a_step_when_the_reader_leaves_or_the_service_stops(
    *, leaves: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "SILENCE", 0.01)
    caller = Caller()
    reading = asyncio.create_task(caller.read(hangs=True))
    await until(lambda: 2 in caller.found and caller.found[-1] is None)  # the silence is told
    if leaves:
        caller.gone.set()
    else:
        caller.request.scope[DRAIN](_("the service is about to stop"))
    with pytest.raises(Unavailable):
        await reading
    assert caller.cancelled
    assert [value for value in caller.found if value] == [1, 2]


async def test_it_is_cut_short_when_what_looks_for_more_was_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "SILENCE", 0.01)

    async def cancelled() -> AsyncGenerator[int, None]:
        yield 1
        raise asyncio.CancelledError

    found = list[int | None]()

    async def read() -> None:
        async with asyncio.timeout(60), aclosing(while_read(Caller().request, cancelled())) as values:
            async for value in values:
                found.append(value)

    with pytest.raises(Unavailable):
        await read()
    assert [value for value in found if value] == [1]
