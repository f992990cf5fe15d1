"""The CPU time that a server and its PostgreSQL have taken: what other work on the machine hardly changes."""

import os
import re
from pathlib import Path
from typing import Final

import asyncpg
import httpx

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_OWN: Final = "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()"


def of_server(port: int) -> float:
    """Seconds that the process behind this port has taken, by its metrics."""
    told = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).raise_for_status().text
    found = re.search(r"^process_cpu_seconds_total (\S+)$", told, re.MULTILINE)
    assert found
    return float(found[1])


async def of_postgres(url: str) -> float:
    """Seconds that the processes of this PostgreSQL have taken that are running: connections and background workers."""
    connection = await asyncpg.connect(url)
    pids = [row["pid"] for row in await connection.fetch(_OWN)]
    await connection.close()
    return sum(_of_process(pid) for pid in pids)


def _of_process(pid: int) -> float:
    """User and system time (proc(5), fields 14 and 15 of ``stat``)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
