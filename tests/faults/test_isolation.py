"""What one customer's key does slows nobody else down: the figures of a victim beside each attack.

``python -m bench isolation`` holds them to ten times the quiet figure, or 250 ms. Here other tests share the machine.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from tests.support.attack import attack
from tests.support.attacks import ATTACKS, ground_of
from tests.support.database import new_database
from tests.support.service import Service, serving
from tests.support.victim import victim

pytestmark = pytest.mark.faults

SECONDS = 1.5
TICKETS = 10_000
TRIES = 3
LEAST = 1500
"""Milliseconds; an attack that succeeds costs others many seconds."""


@pytest.fixture(scope="module")
async def database(server: str, template: str) -> AsyncIterator[str]:
    async with new_database(server, template) as url:
        yield url


@pytest.fixture(scope="module")
def service(database: str, admin_key: str) -> Iterator[Service]:
    """One for all attacks, each of which comes from an account of its own."""
    with TemporaryDirectory(prefix="heliodesk-test-") as name, serving(Path(name), database, admin_key) as service:
        yield service


@pytest.mark.parametrize("name", ATTACKS)
async def test_an_attack_slows_nobody_else(name: str, service: Service, database: str, admin_key: str) -> None:
    headers = {"Authorization": f"Bearer {admin_key}"}
    async with (
        asyncio.timeout(150),
        httpx.AsyncClient(base_url=service.url, headers=headers, timeout=60, trust_env=False) as admin,
        victim(admin) as customer,
    ):
        plot = await ATTACKS[name](await ground_of(admin, database, TICKETS))
        for _ in range(TRIES):
            quiet = await customer.figures(SECONDS / 2)
            with attack(service.port, plot, seconds=SECONDS) as attacking:
                beside = await customer.figures(SECONDS)
                await asyncio.to_thread(attacking.end)
            _answered(attacking.statuses)
            if not (worse := beside.worse_than(quiet, least=LEAST)):
                return
    pytest.fail(f"{worse}, {attacking.statuses}")


def _answered(statuses: Counter[int]) -> None:
    """No attack makes the service fail, and some of it was answered at all."""
    assert statuses.total() > 0
    assert not [status for status in statuses if status >= 500 and status != 503], statuses
