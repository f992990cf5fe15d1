import asyncio
import time

from app.core.metrics import Metrics
from app.core.process.loop_lag import sampled
from tests.support.waiting import until


async def test_a_callback_that_holds_the_loop_shows_as_its_lag() -> None:
    metrics = Metrics()

    def lag(kind: str) -> float:
        return metrics.registry.get_sample_value(f"heliodesk_event_loop_lag_seconds_{kind}") or 0.0

    with sampled(metrics.loop_lag):
        await until(lambda: lag("count") >= 2)
        held, seen = 0.3, lag("sum")
        time.sleep(held)
        await asyncio.sleep(0.01)
        assert lag("sum") - seen >= held - 0.1  # the sample was due a tenth of a second after the last at the latest
    count = lag("count")
    await asyncio.sleep(0.2)
    assert lag("count") == count
