"""Replicas that share a rate: each takes at once, and once a second they tell each other."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.clock import monotonic
from app.core.db.engine import Sessions, make_engine
from app.core.limits.buckets import Bucket, Rate
from app.core.limits.rates import Rates, forget_levels, tightest
from tests.support.desk import fetch
from tests.support.waiting import until

HOUR = Rate("an_hour", 1000, 3600)
SOON = 0.02


Replica = Callable[[AsyncEngine], Rates]


@pytest.fixture
def replica() -> Iterator[Replica]:
    """Makes the rates of one more process."""
    made: list[Rates] = []

    def make(engine: AsyncEngine) -> Rates:
        made.append(Rates(engine, every=SOON))
        return made[-1]

    yield make
    for rates in made:
        rates.stop()


def _left(bucket: Bucket) -> int:
    return bucket.left(monotonic())


async def test_what_replicas_took_is_added_up(engine: AsyncEngine, sessions: Sessions, replica: Replica) -> None:
    one, two = replica(engine), replica(engine)
    first, second = one.bucket(HOUR, "acc_1"), two.bucket(HOUR, "acc_1")
    one.take(first, 600)
    assert _left(second) == 1000
    two.take(second, 700)
    await until(lambda: _left(first) == 0 and _left(second) == 0)
    await until(lambda: first.used(monotonic()) > 1290)
    assert await fetch(sessions, "SELECT name, seconds, share FROM rate_levels") == [
        {"name": "an_hour:acc_1", "seconds": 3600, "share": pytest.approx(1.3, abs=0.01)}
    ]


async def test_a_bucket_that_is_less_than_half_used_is_nobodys_concern(
    engine: AsyncEngine, sessions: Sessions, replica: Replica
) -> None:
    rates = replica(engine)
    rates.take(rates.bucket(HOUR, "acc_1"), 400)
    rates.take(rates.bucket(HOUR, "acc_2"), 600)
    await until(lambda: fetch(sessions, "SELECT 1 FROM rate_levels"))
    assert [row["name"] for row in await fetch(sessions, "SELECT name FROM rate_levels")] == ["an_hour:acc_2"]


async def test_what_was_used_comes_back_with_time(engine: AsyncEngine, sessions: Sessions, replica: Replica) -> None:
    stale = "INSERT INTO rate_levels VALUES ('an_hour:acc_1', 1.5, 3600, clock_timestamp() - interval '30 minutes')"
    await fetch(sessions, stale)
    rates = replica(engine)
    bucket = rates.bucket(HOUR, "acc_1")
    rates.take(bucket, 510)
    await until(lambda: bucket.used(monotonic()) > 1500)
    assert bucket.used(monotonic()) == pytest.approx(1510, abs=5)


async def test_an_overshoot_is_waited_for_but_not_for_ever(
    engine: AsyncEngine, sessions: Sessions, replica: Replica
) -> None:
    del sessions
    rates = replica(engine)
    bucket = rates.bucket(HOUR, "acc_1")
    rates.take(bucket, 50_000)
    await until(lambda: bucket.used(monotonic()) < 10_000)
    assert bucket.used(monotonic()) == pytest.approx(2000, abs=5)


async def test_levels_of_full_buckets_are_dropped(sessions: Sessions) -> None:
    for name, age in (("old", 121), ("young", 119)):
        row = "INSERT INTO rate_levels VALUES ($1, 2, 60, clock_timestamp() - $2::interval)"
        await fetch(sessions, row, name, timedelta(seconds=age))
    await forget_levels(sessions)
    assert [row["name"] for row in await fetch(sessions, "SELECT name FROM rate_levels")] == ["young"]


async def test_without_a_database_each_process_goes_on_by_itself(replica: Replica) -> None:
    nowhere = make_engine("postgresql://127.0.0.1:1/none", pool_size=1)
    rates = replica(nowhere)
    bucket = rates.bucket(HOUR, "acc_1")
    rates.take(bucket, 600)
    keeper = rates._keeper
    assert keeper
    await until(lambda: keeper.done() or bucket._taken == 0)
    assert not keeper.done()
    assert 400 <= _left(bucket) < 500
    await nowhere.dispose()


def test_the_tightest_of_several_is_the_one_with_the_least_left() -> None:
    few, many = Bucket(Rate("few", 10), 0.0), Bucket(Rate("many", 1000), 0.0)
    few.take(0.0, 1)
    assert tightest([few, many], 0.0)[0] is few
    many.take(0.0, 500)
    assert tightest([few, many], 0.0)[0] is many
