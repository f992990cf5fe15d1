"""What a customer waits for while another one attacks: a row for each attack, beside the customer's quiet figures.

Goal: at most ten times the quiet figure, or 250 ms. ``ATTACK_SECONDS`` is how long each attack lasts (10), ``ATTACK`` a
part of the names of those that are run.
"""

import asyncio
import os
from typing import Final

import httpx

from bench import servers
from tests.support.attack import attack
from tests.support.attacks import ATTACKS, ground_of
from tests.support.victim import Figures, victim

_TICKETS: Final = 200_000
_SECONDS: Final = float(os.environ.get("ATTACK_SECONDS", "10"))
_ONLY: Final = os.environ.get("ATTACK", "")


def main() -> None:
    """Print the table: p99 in milliseconds, and what the attacker was answered."""
    names = "".join(f"{name:>14}" for name in ("POST ticket", "miss", "webhook", "stream"))
    print(f"{'p99 in ms, quiet > attacked':36}{names}  attacker's answers")
    for name in (each for each in ATTACKS if _ONLY in each):
        with servers.database() as url, servers.service(url) as port:
            quiet, beside, statuses = asyncio.run(_run(name, url, port))
        pairs = ((getattr(quiet, each), getattr(beside, each)) for each in Figures.__slots__)
        cells = "".join(f"{f'{before:.0f} > {after:.0f}':>14}" for before, after in pairs)
        print(f"{name:36}{cells}  {dict(sorted(statuses.items()))}", flush=True)


async def _run(name: str, url: str, port: int) -> tuple[Figures, Figures, dict[int, int]]:
    base = f"http://127.0.0.1:{port}"
    async with (
        httpx.AsyncClient(base_url=base, headers=servers.HEADERS, timeout=60, trust_env=False) as admin,
        victim(admin) as customer,
    ):
        plot = await ATTACKS[name](await ground_of(admin, url, _TICKETS))
        quiet = await customer.figures(_SECONDS / 2)
        with attack(port, plot.sent, connections=plot.connections, seconds=_SECONDS) as attacking:
            beside = await customer.figures(_SECONDS / 2)
            await asyncio.to_thread(attacking.end)
    return quiet, beside, dict(attacking.statuses)
