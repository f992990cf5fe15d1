"""What one customer's key does slows nobody else down: the figures of a victim beside each attack, which is answered.

``python -m bench isolation`` holds them to ten times the quiet figure, or 250 ms. Here other tests share the machine.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from tests.support.attack import attack
from tests.support.attacks import ATTACKS, ground_of
from tests.support.database import new_database
from tests.support.service import Service, serving
from tests.support.victim import Figures, Victim, victim

pytestmark = pytest.mark.faults

TICKETS = 10_000
LENGTHS = (1.0, 1.5, 2.0, 3.0, 4.0)
"""Seconds of each try: beside other tests, many connections are not even answered within a second."""
LEAST = 1500
"""Milliseconds; an attack that succeeds costs others many seconds."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A service with a victim, and its figures while nobody attacks."""

    service: Service
    database: str
    admin: httpx.AsyncClient
    customer: Victim
    quiet: Figures


@pytest.fixture(scope="module")
async def stage(server: str, template: str, admin_key: str) -> AsyncIterator[Stage]:
    """One for all attacks, each of which comes from an account of its own."""
    headers = {"Authorization": f"Bearer {admin_key}"}
    async with new_database(server, template) as database:
        with TemporaryDirectory(prefix="heliodesk-test-") as name, serving(Path(name), database, admin_key) as service:
            async with (
                httpx.AsyncClient(base_url=service.url, headers=headers, timeout=60, trust_env=False) as admin,
                victim(admin) as customer,
            ):
                yield Stage(service, database, admin, customer, await customer.figures(LENGTHS[0] / 2))


@pytest.mark.parametrize("name", ATTACKS)
async def test_an_attack_slows_nobody_else(name: str, stage: Stage) -> None:
    async with asyncio.timeout(150):
        ground, quiet = await ground_of(stage.admin, stage.database, TICKETS), stage.quiet
        plot = await ATTACKS[name](ground)
        await ground.begin()
        for seconds in LENGTHS:
            with attack(stage.service.port, plot, seconds=seconds) as attacking:
                beside = await stage.customer.figures(seconds)
                await asyncio.to_thread(attacking.end)
            assert not [each for each in attacking.statuses if each >= 500 and each != 503], attacking.statuses
            if not (worse := beside.worse_than(quiet, least=LEAST)) and attacking.statuses:
                return
            quiet = await stage.customer.figures(LENGTHS[0] / 2)  # other tests may slow it down by themselves
    pytest.fail(f"{worse}, {attacking.statuses}")
