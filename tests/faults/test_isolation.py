"""What one customer's key does changes nobody else's waiting: the figures of a victim beside each attack."""

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.support.attack import attack
from tests.support.attacks import ATTACKS, ground_of
from tests.support.service import serving
from tests.support.victim import victim

pytestmark = pytest.mark.faults

SECONDS = 4.0
TICKETS = 20_000


@pytest.mark.parametrize("name", ATTACKS)
async def test_an_attack_slows_nobody_else(name: str, folder: Path, own_database: str, admin_key: str) -> None:
    with serving(folder, own_database, admin_key) as service:
        headers = {"Authorization": f"Bearer {admin_key}"}
        async with (
            asyncio.timeout(150),
            httpx.AsyncClient(base_url=service.url, headers=headers, timeout=60, trust_env=False) as admin,
            victim(admin) as customer,
        ):
            plot = await ATTACKS[name](await ground_of(admin, own_database, TICKETS))
            quiet = await customer.figures(SECONDS)
            with attack(service.port, plot.sent, connections=plot.connections, seconds=2 * SECONDS) as attacking:
                beside = await customer.figures(SECONDS)
                await asyncio.to_thread(attacking.end)
    assert beside.worse_than(quiet) == [], attacking.statuses
    assert not [status for status in attacking.statuses if status >= 500 and status != 503], attacking.statuses
