"""What a customer waits for while another one attacks: a row for each attack, beside the customer's quiet figures.

Goal: ``POST`` takes at most ten times the quiet figure, or 250 ms; misses, webhooks and the stream are at most 250 ms
late. A row that keeps to it ends with ``ok``, any other with what is over, and then the run exits with 1. The first
attacks are made without any rate, so that it is the design that holds; the others with the limits that are the default.
The memory is that of the service, before the attack and at worst. The last row is the embedded PostgreSQL, killed: how
long nothing is served.

``ATTACK_SECONDS`` is how long each attack lasts (10), ``ATTACK`` a part of the names of those that are run.
"""

import asyncio
import os
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

import httpx

from bench import servers
from tests.support.attack import attack
from tests.support.attacks import ATTACKS, HOLDS, OUTER, Prepare, ground_of
from tests.support.memory import Memory, watched
from tests.support.service import running
from tests.support.tickets import TICKET
from tests.support.victim import Figures, victim
from tests.support.weights import WEIGHTS

_TICKETS: Final = 200_000
_SECONDS: Final = float(os.environ.get("ATTACK_SECONDS", "10"))
_ONLY: Final = os.environ.get("ATTACK", "")
_KILLED: Final = "the embedded PostgreSQL is killed"
_KILLS: Final = 3
_WIDTH: Final = 40


@dataclass(frozen=True, slots=True)
class _Row:
    """What came of one attack."""

    quiet: Figures
    attacked: Figures
    memory: Memory
    statuses: Counter[int]

    @property
    def over(self) -> list[str]:
        """The figures that miss the goal."""
        return self.attacked.over(self.quiet)


def main() -> bool:
    """Print the table: p99 in milliseconds, memory in MiB, what the attacker was answered, and whether the goal is met.

    Whether every row meets it.
    """
    names = "".join(f"{name:>14}" for name in ("POST ticket", "miss", "webhook", "stream", "memory"))
    print(f"{'p99 in ms, quiet > attacked':{_WIDTH}}{names}  attacker's answers")
    is_met = True
    for attacks, rates in ((ATTACKS | HOLDS | WEIGHTS, {}), (OUTER, servers.AS_BY_DEFAULT)):
        for name in (each for each in attacks if _ONLY in each):
            row = _attacked(attacks[name], rates)
            _print(name, row)
            is_met = is_met and not row.over
    if _ONLY in _KILLED:
        print(f"{_KILLED:{_WIDTH}}  seconds without service: {_told(_outages())}", flush=True)
    return is_met


def _print(name: str, row: _Row) -> None:
    pairs = [(getattr(row.quiet, each), getattr(row.attacked, each)) for each in Figures.__slots__]
    pairs.append((row.memory.before, row.memory.most))
    cells = "".join(f"{f'{before:.0f} > {after:.0f}':>14}" for before, after in pairs)
    told = f"over: {', '.join(row.over)}" if row.over else "ok"
    print(f"{name:{_WIDTH}}{cells}  {dict(sorted(row.statuses.items()))}  {told}", flush=True)


def _attacked(prepare: Prepare, rates: dict[str, str]) -> _Row:
    settings = {"HELIODESK_UNCOUNTED_NETWORKS": "127.0.0.1/32"} | rates  # the attacker's address counts
    with servers.database() as url, servers.service(url, **settings) as port:
        return asyncio.run(_run(prepare, url, port))


async def _run(prepare: Prepare, url: str, port: int) -> _Row:
    base = f"http://127.0.0.1:{port}"
    async with (
        httpx.AsyncClient(base_url=base, headers=servers.HEADERS, timeout=60, trust_env=False) as admin,
        victim(admin) as customer,
    ):
        ground = await ground_of(admin, url, _TICKETS)
        plot = await prepare(ground)
        quiet = await customer.figures(_SECONDS / 2)
        attacking = attack(port, plot, seconds=_SECONDS)
        with ground.held, attacking as attacked:
            await ground.begin()
            async with watched(admin) as memory:
                beside = await customer.figures(_SECONDS / 2)
                await asyncio.to_thread(attacked.end)
    return _Row(quiet, beside, memory, attacked.statuses)


def _outages() -> list[float]:
    """How long no ticket is opened after each kill of the database of ``heliodesk up``."""
    with TemporaryDirectory(prefix="heliodesk-bench-") as name:
        Path(name).chmod(0o755)
        with running("up", Path(name), HELIODESK_LOG_LEVEL="WARNING") as service:
            lines = (Path(name) / "data" / "demo.env").read_text().splitlines()
            key = next(line.partition("=")[2].strip("'\"") for line in lines if "ACCOUNT_KEY" in line)
            headers = {"Authorization": f"Bearer {key}"}
            with httpx.Client(base_url=service.url, headers=headers, timeout=60, trust_env=False) as client:
                return [_outage(client, Path(name)) for _ in range(_KILLS)]


def _outage(client: httpx.Client, folder: Path) -> float:
    _open(client)
    os.kill(int((folder / "data" / "postgres" / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)
    killed = time.monotonic()
    _open(client)
    return time.monotonic() - killed


def _open(client: httpx.Client) -> None:
    """Open a ticket, as soon as that is possible."""
    end = time.monotonic() + 120
    while client.post("/v1/tickets", json=TICKET).status_code != 201:
        assert time.monotonic() < end, "it does not come back"
        time.sleep(0.02)


def _told(seconds: list[float]) -> str:
    return f"median {median(seconds):.1f}, most {max(seconds):.1f} of {len(seconds)}"
