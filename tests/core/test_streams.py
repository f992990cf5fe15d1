import asyncio
from collections.abc import Collection

import pytest

from app.core.problems import TooManyRequests, Unavailable
from app.core.streams import DRAIN, Stream, Streams


async def _all(key_ids: Collection[str]) -> set[str]:
    return set(key_ids)


async def _never() -> dict[str, str]:
    await asyncio.sleep(60)
    return {}


def test_a_key_has_only_so_many_and_so_has_a_process() -> None:
    async def open_some() -> None:
        streams = Streams(_all, most=3, most_of_key=2)
        one, _ = streams.open("key_1"), streams.open("key_1")
        with pytest.raises(TooManyRequests) as refused:
            streams.open("key_1")
        assert "Retry-After" in refused.value.headers
        with streams.opened("key_2"), pytest.raises(Unavailable) as full:
            streams.open("key_3")
        assert "Retry-After" in full.value.headers
        streams.close(one)
        streams.open("key_1")

    asyncio.run(open_some())


async def test_a_stream_ends_when_its_key_is_over() -> None:
    valid = {"key_1", "key_2"}

    async def check(key_ids: Collection[str]) -> set[str]:
        return valid & set(key_ids)

    streams = Streams(check, most=9, most_of_key=9, check=0.01)
    with streams.opened("key_1") as first, streams.opened("key_2") as second:
        waiting = asyncio.create_task(first.until_ended(_never(), {}, _never))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        valid.remove("key_1")
        assert await waiting is None
        assert (first.why, second.why) == ("the key is no longer valid", "")


async def test_a_stream_ends_when_the_server_stops_and_when_its_reader_goes() -> None:
    async def goes() -> dict[str, str]:
        await asyncio.sleep(0.05)
        return {"type": "http.disconnect"}

    scope: dict[str, object] = {}
    drained = Stream("key_1")
    waiting = asyncio.create_task(drained.until_ended(_never(), scope, _never))
    await asyncio.sleep(0.01)
    scope[DRAIN]()  # type: ignore[operator]
    assert await waiting is None
    assert await Stream("key_1").until_ended(_never(), {}, goes) is None
