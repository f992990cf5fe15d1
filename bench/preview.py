"""``POST /v1/sla/preview`` of a ticket with 20 changes, explanations included, one worker. Goal: 300 a second.

Beside it a bare FastAPI handler that parses the same body and answers with as many bytes. Then a storm of the heaviest
previews by one account's key, and what another account's ``POST /v1/tickets`` takes meanwhile. Goal: its p99 stays
under ten times that of the quiet service, or 250 ms, whichever is larger.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx
import orjson

from bench import heaviest, load, servers

_OPENED: Final = datetime(2026, 11, 20, 14, tzinfo=UTC)
_PLANS: Final = {
    "wati-business-plus": ("P2", "P3", []),
    "google-premium": ("P1", "P2", []),
    "itil-native": ("high", "normal", ["hybrid"]),
}
_HEAVY: Final = ("itil-native", "critical", 0, 160)
_TICKET: Final = {
    "title": "Printer on fire",
    "description": "It burns",
    "requester": {"name": "Ana", "email": "ana@example.com"},
    "channel": "web",
}
_STORM: Final = 16
_ROUNDS: Final = 3
_SECONDS: Final = 4.0
_CONNECTIONS: Final = 4


def main() -> None:
    """Print the rate for three plans, in interleaved rounds of one run."""
    with servers.database() as url, servers.service(url, HELIODESK_BACKGROUND="false") as ours:
        for plan in _PLANS:
            _compare(url, ours, plan)
        asyncio.run(_storm(ours))


def _compare(url: str, ours: int, plan: str) -> None:
    body = orjson.dumps(_body(plan))
    path = f"http://127.0.0.1:{ours}/v1/sla/preview"
    answer = httpx.post(path, content=body, headers=servers.HEADERS, trust_env=False).raise_for_status()
    request = load.request_bytes("POST", "/v1/sla/preview", servers.HEADERS, body)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "answer.json"
        file.write_bytes(answer.content)
        with servers.bare(url, "bench.bare_preview:app", BENCH_ANSWER=str(file)) as bare:
            rates = [_round(request, bare, ours) for _ in range(_ROUNDS)]
    print(
        f"preview {plan}, 20 changes, {len(answer.json()['deadlines'])} deadlines, {len(answer.content)} bytes: "
        f"{median(real for _, real in rates):.0f}/s (goal 300), bare {median(floor for floor, _ in rates):.0f}/s, "
        f"median ratio {median(real / floor for floor, real in rates):.2f}"
    )


def _round(request: bytes, *ports: int) -> tuple[float, float]:
    floor, real = (
        asyncio.run(load.run(port, request, connections=_CONNECTIONS, seconds=_SECONDS, status=200)) for port in ports
    )
    return floor.rate, real.rate


def _body(plan: str) -> dict[str, Any]:
    """Two days of a ticket: answers, pauses, a raise and a lowering."""
    urgent, usual, addons = _PLANS[plan]
    turn: list[dict[str, Any]] = [
        {"type": "message", "author": "engineer"},
        {"type": "status", "status": "waiting_on_customer"},
        {"type": "message", "author": "customer"},
        {"type": "priority", "priority": urgent},
        {"type": "message", "author": "engineer", "visibility": "internal"},
        {"type": "message", "author": "engineer"},
        {"type": "priority", "priority": usual},
        {"type": "status", "status": "waiting_on_customer"},
        {"type": "message", "author": "customer"},
        {"type": "message", "author": "engineer"},
    ]
    changes = [
        {"at": (_OPENED + timedelta(minutes=73 * place)).isoformat()} | change
        for place, change in enumerate(turn * 2, start=1)
    ]
    return {
        "plan": plan,
        "addons": addons,
        "priority": usual,
        "time_zone": "America/New_York",
        "opened_at": _OPENED.isoformat(),
        "changes": changes,
    }


async def _storm(port: int) -> None:
    attacker, victim = (servers.account_key(port, servers.make_account(port, "itil-native")) for _ in range(2))
    heavy = load.request_bytes("POST", "/v1/sla/preview", attacker, orjson.dumps(heaviest.preview(*_HEAVY)))
    ticket = load.request_bytes("POST", "/v1/tickets", victim, orjson.dumps(_TICKET))
    quiet = await load.run(port, ticket, connections=1, seconds=_SECONDS, status=201)
    async with asyncio.TaskGroup() as group:
        storm = group.create_task(load.run(port, heavy, connections=_STORM, seconds=2 * _SECONDS, status=None))
        await asyncio.sleep(_SECONDS / 2)
        meanwhile = await load.run(port, ticket, connections=1, seconds=_SECONDS, status=201)
    answers = ", ".join(f"{number} x {status}" for status, number in sorted(storm.result().statuses.items()))
    print(
        f"preview storm, {_STORM} connections ({answers}): another account's POST /v1/tickets p50 "
        f"{meanwhile.percentile(50):.1f} / p99 {meanwhile.percentile(99):.1f} ms, "
        f"quiet {quiet.percentile(50):.1f} / {quiet.percentile(99):.1f} ms (goal: ten times quiet, or 250 ms)"
    )
