"""The CPU time that a server and its PostgreSQL have taken: what other work on the machine hardly changes."""

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

import asyncpg
import httpx

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PARENT: Final = 1
_OWN: Final = slice(11, 13)
"""User and system time of the process itself."""
_ENDED: Final = slice(13, 15)
"""User and system time of its children that have ended and were waited for."""


def of_server(port: int) -> float:
    """Seconds that the process behind this port has taken, by its metrics."""
    told = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).raise_for_status().text
    found = re.search(r"^process_cpu_seconds_total (\S+)$", told, re.MULTILINE)
    assert found
    return float(found[1])


def of_services(pid: int | None = None) -> float:
    """Seconds that the services which this process has started have taken, with their worker processes."""
    own = pid or os.getpid()
    total = 0.0
    for child in map(int, Path(f"/proc/{own}/task/{own}/children").read_text().split()):
        with suppress(FileNotFoundError, ProcessLookupError):
            if Path(f"/proc/{child}/comm").read_text().strip() != "postgres":
                total += _taken(_stat(child), _OWN) + _taken(_stat(child), _ENDED) + of_services(child)
    return total


async def of_postgres(url: str) -> float:
    """Seconds that all processes of this PostgreSQL have taken, those that have ended among them."""
    connection = await asyncpg.connect(url)
    server = int(_stat(await connection.fetchval("SELECT pg_backend_pid()"))[_PARENT])
    await connection.close()
    return _of_family(server)


def _of_family(server: int) -> float:
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    running = _taken(_stat(server), _OWN)
    for pid in map(int, children):
        # One that ends in this instant is in the server's own sum.
        with suppress(FileNotFoundError, ProcessLookupError):
            running += _taken(_stat(pid), _OWN)
    return running + _taken(_stat(server), _ENDED)


def _stat(pid: int) -> list[str]:
    """The fields of a process behind its name, the third first (proc(5), ``/proc/pid/stat``)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _taken(stat: list[str], which: slice) -> float:
    return sum(map(int, stat[which])) / _TICKS
