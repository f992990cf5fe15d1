"""What rates, quotas and the limits of connections are for: a victim's figures beside each such attack, on one service.

``python -m bench isolation`` holds them to ten times the quiet figure, or 250 ms. Here other tests share the machine.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx
import pytest

from tests.support.attack import attack
from tests.support.attacks import OUTER, Ground, ground_of
from tests.support.database import new_database
from tests.support.desk import connected, fetch
from tests.support.memory import watched
from tests.support.service import serving
from tests.support.victim import Figures, Victim, victim

pytestmark = pytest.mark.faults

SECONDS: Final = 1.0
TRIES: Final = 5
LEAST: Final = 1500
"""Milliseconds; an attack that succeeds costs others many seconds."""
GROWTH: Final = 200
"""MiB; of an attack that succeeds, four clients take 500."""
ROOM: Final = 2**23
SETTINGS: Final = {
    "HELIODESK_LOG_LEVEL": "WARNING",
    "HELIODESK_UNCOUNTED_NETWORKS": "127.0.0.1/32",
    "HELIODESK_UNCHECKED_HOOK_BYTES": str(ROOM),
}
HOOKED: Final = "payloads of 1 MB"
FULL: Final = "all connections, from nine addresses"
"""It takes a second of both cores to open and close so many connections, and so its figures beside other tests say
nothing: the bench measures it. ``tests/core/web/edge`` tries who gets room and who is let in, and
``tests/cli/test_serving.py`` that newcomers are accepted together.
"""
ANSWERS: Final[dict[str, tuple[set[int], set[int]]]] = {
    "2,000 streams by forty keys": ({0, 200, 429}, {200, 429}),
    "endpoints that never answer": ({201, 429}, {201}),
    "a loop of endpoints and a hook": ({201, 429}, {201}),
    HOOKED: ({202, 503}, {202, 503}),
    "tickets as fast as can be": ({201, 429}, {201}),
    "guessed keys": ({401, 429}, {401}),
    "endpoints at https://xn--/": ({422}, {422}),
    "bodies that trickle": ({0, 429}, {429}),
    "bodies of strangers that trickle": ({0, 429}, {429}),
    "headers of 100 MB": ({0, 431}, {431}),
    "3,000 silent connections": ({0, 429}, set()),
    "clients that do not read": ({0}, {0}),
    "bodies in chunks of a byte": ({0, 400}, {400}),
    "bodies that are too large": ({0, 413, 429}, {413}),
    "a language tag of 60 KB": ({401, 429}, {401}),
    "/healthz by 500 connections": ({200}, {200}),
    "garbage, again and again": ({0, 400}, {400}),
    "streams from the oldest event on": ({200, 429}, {200}),
    "long messages": ({201, 429}, {201}),
    "changes of one ticket": ({200, 429}, {200}),
    "tests of an endpoint": ({201, 409, 429}, {201}),
}
"""With which statuses each attack may be answered, and with which it is; 0: a connection that ended without any."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A service with a victim, and its figures while nobody attacks."""

    port: int
    database: str
    admin: httpx.AsyncClient
    customer: Victim
    quiet: Figures

    async def suffers(self, name: str) -> tuple[Ground, Counter[int]]:
        """The attack, under which the victim's figures hold while it is refused; a busy machine has more tries."""
        ground = await ground_of(self.admin, self.database, 0)
        plot = await OUTER[name](ground)
        worse, quiet = list[str](), self.quiet
        with ground.held:
            for _ in range(TRIES):
                with attack(self.port, plot, seconds=SECONDS) as attacking:
                    async with watched(self.admin) as memory:
                        beside = await self.customer.figures(SECONDS)
                        await asyncio.to_thread(attacking.end)
                assert memory.most - memory.before < GROWTH, f"{memory.before:.0f} -> {memory.most:.0f} MiB"
                worse = beside.worse_than(quiet, least=LEAST)
                if not worse and ANSWERS[name][1] <= attacking.statuses.keys():
                    return ground, attacking.statuses
                quiet = await self.customer.figures(SECONDS / 2)  # other tests may slow it down by themselves
        pytest.fail(f"{worse}, {attacking.statuses}")


@asynccontextmanager
async def _stage(database: str, admin_key: str) -> AsyncIterator[Stage]:
    headers = {"Authorization": f"Bearer {admin_key}"}
    with (
        TemporaryDirectory(prefix="heliodesk-test-") as name,
        serving(Path(name), database, admin_key, **SETTINGS) as service,
    ):
        async with (
            httpx.AsyncClient(base_url=service.url, headers=headers, timeout=60, trust_env=False) as admin,
            victim(admin) as customer,
        ):
            yield Stage(service.port, database, admin, customer, await customer.figures(SECONDS / 2))


@pytest.fixture(scope="module")
async def stage(server: str, template: str, admin_key: str) -> AsyncIterator[Stage]:
    async with new_database(server, template) as database, _stage(database, admin_key) as stage:
        yield stage


@pytest.mark.parametrize("name", [name for name in OUTER if name not in (HOOKED, FULL)])
async def test_an_attack_slows_nobody_else_and_is_refused(name: str, stage: Stage) -> None:
    _, statuses = await stage.suffers(name)
    _is_answered(name, statuses)


async def test_one_open_hook_fills_no_disk_and_slows_nobody_else(stage: Stage) -> None:
    ground, statuses = await stage.suffers(HOOKED)
    _is_answered(HOOKED, statuses)
    async with connected(stage.database) as sessions:
        [kept] = await fetch(sessions, "SELECT sum(size) AS bytes FROM receipts")
    assert kept["bytes"] <= ROOM + 16 * 2**20
    hooks = (await stage.admin.get("/v1/hooks", headers=ground.headers)).raise_for_status().json()["items"]
    assert all(hook["refused_at"] for hook in hooks)


def _is_answered(name: str, statuses: Counter[int]) -> None:
    allowed, needed = ANSWERS[name]
    assert needed <= statuses.keys() <= allowed, statuses
