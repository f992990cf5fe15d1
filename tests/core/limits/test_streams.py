import asyncio
from collections.abc import Collection

import pytest

from app.core.auth import Principal
from app.core.limits.streams import DRAIN, Stream, StreamLimits, Streams
from app.core.problems import TooManyRequests, Unavailable


async def _all(key_ids: Collection[str]) -> set[str]:
    return set(key_ids)


async def _never() -> dict[str, str]:
    await asyncio.sleep(60)
    return {}


def _key(number: int, account_id: str | None = None) -> Principal:
    return Principal("account" if account_id else "agent", f"key_{number}", account_id)


def _limit(refused: pytest.ExceptionInfo[TooManyRequests]) -> tuple[str, int]:
    assert refused.value.headers["Retry-After"] == "10"
    told = refused.value.members
    assert told["used"] == told["value"]
    return told["quota"], told["value"]


def test_a_key_an_account_and_a_process_have_only_so_many() -> None:
    async def open_some() -> None:
        streams = Streams(_all, StreamLimits(all=5, of_account=3, of_key=2))
        one, _ = [streams.open(_key(1, "acc_1")) for _ in "ab"]
        with pytest.raises(TooManyRequests) as refused:
            streams.open(_key(1, "acc_1"))
        assert _limit(refused) == ("streams_per_key", 2)
        streams.open(_key(2, "acc_1"))
        with pytest.raises(TooManyRequests) as refused:
            streams.open(_key(2, "acc_1"))
        assert _limit(refused) == ("streams_per_account", 3)
        with streams.opened(_key(3)), streams.opened(_key(4, "acc_2")), pytest.raises(Unavailable) as full:
            streams.open(_key(5))
        assert full.value.headers["Retry-After"] == "10"
        streams.close(one)
        streams.open(_key(1, "acc_1"))
        assert len(streams) == 3

    asyncio.run(open_some())


async def test_a_stream_ends_when_its_key_is_over() -> None:
    valid = {"key_1", "key_2"}

    async def check(key_ids: Collection[str]) -> set[str]:
        return valid & set(key_ids)

    streams = Streams(check, StreamLimits(9, 9, 9), check=0.01)
    with streams.opened(_key(1)) as first, streams.opened(_key(2)) as second:
        waiting = asyncio.create_task(first.until_ended(_never(), {}, _never))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        valid.remove("key_1")
        assert await waiting is None
        assert (first.reason, second.reason) == ("the key, or whoever shows it, is no longer valid", None)


async def test_a_stream_that_opens_while_others_are_looked_at_goes_on() -> None:
    looks: asyncio.Queue[asyncio.Event] = asyncio.Queue()

    async def check(key_ids: Collection[str]) -> set[str]:
        looks.put_nowait(release := asyncio.Event())
        await release.wait()
        return set(key_ids)

    streams = Streams(check, StreamLimits(9, 9, 9), check=0.001)
    with streams.opened(_key(1)) as first:
        looking = await looks.get()
        with streams.opened(_key(2)) as second:
            looking.set()
            await looks.get()  # the next look has begun: the one before is over
            assert (first.reason, second.reason) == (None, None)


async def test_a_stream_ends_when_the_server_stops_and_when_its_reader_goes() -> None:
    async def goes() -> dict[str, str]:
        await asyncio.sleep(0.05)
        return {"type": "http.disconnect"}

    scope: dict[str, object] = {}
    drained = Stream("key_1")
    waiting = asyncio.create_task(drained.until_ended(_never(), scope, _never))
    await asyncio.sleep(0.01)
    scope[DRAIN]("The service stops")  # type: ignore[operator]
    assert (await waiting, drained.reason) == (None, "The service stops")
    assert await Stream("key_1").until_ended(_never(), {}, goes) is None
