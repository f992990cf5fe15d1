"""Guessing links is limited as guessing keys is."""

import httpx
import pytest

from app.core.settings import Settings


@pytest.fixture
def settings(database: str) -> Settings:
    """Three requests a minute of an address without a key."""
    return Settings(database_url=database, background=False, rate_per_address=3)


async def test_guessing_is_limited_by_address(client: httpx.AsyncClient) -> None:
    answers = [await client.get(f"/a/hd_answer_{number:040}") for number in range(4)]
    assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
    assert answers[-1].json()["quota"] == "rate_per_address"
