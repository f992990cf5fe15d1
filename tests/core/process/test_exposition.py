import asyncio
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from app.core.process.exposition import Exposition

PLAIN = "text/plain; version=0.0.4; charset=utf-8"


class Counted(Collector):
    """Says how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def describe(self) -> Iterator[GaugeMetricFamily]:
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        self.asked += 1
        yield GaugeMetricFamily("asked", "How often", self.asked)


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture
def exposition(counted: Counted) -> Exposition:
    registry = CollectorRegistry()
    registry.register(counted)
    return Exposition(registry)


async def test_all_who_wait_share_what_is_written(exposition: Exposition, counted: Counted) -> None:
    answers = await asyncio.gather(*(exposition.text("") for _ in range(50)))
    assert counted.asked == 1
    assert {text for text, _ in answers} == {answers[0][0]}


async def test_who_asks_later_sees_what_is_so_later(exposition: Exposition) -> None:
    texts = [(await exposition.text(""))[0] for _ in range(3)]
    assert [f"asked {number}.0".encode() in text for number, text in enumerate(texts, 1)] == [True] * 3


async def test_one_who_leaves_takes_nothing_from_the_others(exposition: Exposition) -> None:
    leaving, staying = (asyncio.create_task(exposition.text("")) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    assert b"asked" in (await staying)[0]


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", PLAIN),
        ("*/*", PLAIN),
        ("application/openmetrics-text; version=abc", PLAIN),
        ("text/plain; version=1.x", PLAIN),
        ('application/openmetrics-text; version="1.0.0"', PLAIN),
        ("application/openmetrics-text; version=2.0.x", PLAIN),
        ("application/openmetrics-text; version=1.0.0.4711", PLAIN),
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2",
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
        ),
        ("text/plain; version=1.0.0", "text/plain; version=1.0.0; charset=utf-8; escaping=underscores"),
    ],
)
async def test_any_accept_field_gets_a_media_type_that_there_is(
    exposition: Exposition, accept: str, media_type: str
) -> None:
    text, told = await exposition.text(accept)
    assert told == media_type
    assert b"asked" in text
