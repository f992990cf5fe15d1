"""What one customer's ordinary key can try in order to slow the others down: prepared here, run by ``attack``."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import httpx
import orjson

from tests.support.attack import request
from tests.support.desk import TICKET
from tests.support.stories import P1
from tests.support.victim import make_customer, make_quick_plan

_GLOBS: Final = [f"*{first}*{second}*e*" for first in "abcdefg" for second in "abcdefg"]
_COPY: Final = """
INSERT INTO tickets
SELECT (jsonb_populate_record(t, jsonb_build_object(
    'id', 'tkt_' || lpad(n::text, 26, '0'), 'number', 'N' || n, 'wake_at', now() + interval '30 days'))).*
FROM tickets AS t, generate_series(1, $1::int) AS n WHERE t.id = $2
"""
_COPY_DEADLINES: Final = """
INSERT INTO deadlines
SELECT (jsonb_populate_record(d, jsonb_build_object(
    'id', 'ddl_' || lpad(n::text, 26, '0'), 'ticket_id', 'tkt_' || lpad(n::text, 26, '0')))).*
FROM deadlines AS d, generate_series(1, $1::int) AS n WHERE d.ticket_id = $2
"""
_COPY_TITLES: Final = """
INSERT INTO ticket_titles
SELECT (jsonb_populate_record(t, jsonb_build_object(
    'ticket_id', 'tkt_' || lpad(n::text, 26, '0'), 'number', 'N' || n))).*
FROM ticket_titles AS t, generate_series(1, $1::int) AS n WHERE t.ticket_id = $2
"""
_DUE_NOW: Final = "UPDATE tickets SET wake_at = now() WHERE id LIKE 'tkt_0000%'"


@dataclass(frozen=True, slots=True)
class Plot:
    """A request that is sent again and again, over how many connections."""

    sent: bytes
    connections: int = 16


@dataclass(slots=True)
class Ground:
    """A running service, its database, the attacker's key, and how many tickets the attacker has where that counts."""

    admin: httpx.AsyncClient
    database: str
    key: str
    tickets: int

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    async def post(self, path: str, body: Any) -> httpx.Response:
        """What the attacker is answered."""
        return await self.admin.post(path, json=body, headers=self.headers)

    async def open(self, **fields: Any) -> str:
        """The id of a ticket of the attacker's."""
        answer = await self.post("/v1/tickets", TICKET | fields)
        return str(answer.raise_for_status().json()["id"])

    def plot(self, method: str, path: str, body: Any = None, connections: int = 16) -> Plot:
        """A request of the attacker's."""
        headers = self.headers | {"Content-Type": "application/json"}
        return Plot(request(method, path, headers, b"" if body is None else orjson.dumps(body)), connections)


async def _endpoints(ground: Ground) -> Plot:
    """As many endpoints as are given, each for everything, and tickets whose events go to all of them."""
    for number in range(1000):
        target = {"url": f"https://receiver.example/{number}", "events": ["*"]}
        if not (await ground.post("/v1/webhooks", target)).is_success:
            break
    return ground.plot("POST", "/v1/tickets", TICKET, connections=4)


async def _globs(ground: Ground) -> Plot:
    target = {"url": "https://receiver.example/{unique}", "events": _GLOBS}
    return ground.plot("POST", "/v1/webhooks", target, connections=8)


async def _search(ground: Ground) -> Plot:
    """A word that no title has, among many tickets."""
    await _copy(ground, ground.tickets)
    return ground.plot("GET", "/v1/tickets?q=zzzz", connections=64)


async def _list(ground: Ground) -> Plot:
    await _copy(ground, ground.tickets)
    return ground.plot("GET", "/v1/tickets?sort=due&limit=200", connections=64)


async def _many(ground: Ground) -> Plot:
    return ground.plot("GET", f"/v1/tickets/{await ground.open()}", connections=300)


async def _one_row(ground: Ground) -> Plot:
    path = f"/v1/tickets/{await ground.open()}/messages"
    return ground.plot("POST", path, {"body": "Are you there?"}, connections=64)


async def _preview(ground: Ground) -> Plot:
    """A thousand changes, each of which moves deadlines."""
    changes = [
        {
            "at": f"2026-11-{2 + n // 60:02}T{n % 60 // 3:02}:{n % 3 * 20:02}:00Z",
            "type": "priority",
            "priority": f"P{1 + n % 4}",
        }
        for n in range(1000)
    ]
    body = {"plan": "wati-business-plus", "priority": "P3", "time_zone": "UTC", "opened_at": "2026-11-01T00:00:00Z"}
    return ground.plot("POST", "/v1/sla/preview", body | {"changes": changes}, connections=16)


async def _replay(ground: Ground) -> Plot:
    endpoint = await ground.post("/v1/webhooks", {"url": "https://receiver.example/", "events": ["*"]})
    for _ in range(50):
        await ground.open()
    path = f"/v1/webhooks/{endpoint.raise_for_status().json()['id']}/replay"
    now = (await ground.admin.get(f"/v1/tickets/{await ground.open()}")).json()["opened_at"]
    return ground.plot("POST", path, {"since": f"{now[:10]}T00:00:00Z"}, connections=16)


async def _storm(ground: Ground) -> Plot:
    """All deadlines of one account at the same instant."""
    await _copy(ground, ground.tickets // 10)
    connection = await asyncpg.connect(ground.database)
    await connection.execute(_DUE_NOW)
    await connection.close()
    return ground.plot("GET", "/healthz", connections=1)


async def _advance(ground: Ground) -> Plot:
    """A sandbox whose clock is moved by a year, with a ticket that is updated every hour."""
    body = {"name": "Sandbox", "plan": "google-premium", "time_zone": "UTC", "sandbox": True}
    account = (await ground.admin.post("/v1/accounts", json=body)).raise_for_status().json()["id"]
    key = {"kind": "account", "account_id": account, "role": "owner"}
    sandbox = Ground(ground.admin, ground.database, "", ground.tickets)
    sandbox.key = (await ground.admin.post("/v1/keys", json=key)).raise_for_status().json()["secret"]
    for _ in range(20):
        await sandbox.open(**P1)
    return sandbox.plot("POST", f"/v1/sandbox/{account}/advance", {"by": "PT1000H"}, connections=8)


async def _copy(ground: Ground, tickets: int) -> None:
    """So many tickets of the attacker's account, written by SQL."""
    model = await ground.open()
    connection = await asyncpg.connect(ground.database)
    for statement in (_COPY, _COPY_DEADLINES, _COPY_TITLES):
        await connection.execute(statement, tickets, model)
    await connection.execute("ANALYZE")
    await connection.close()


ATTACKS: Final[dict[str, Callable[[Ground], Awaitable[Plot]]]] = {
    "endpoints that hear everything": _endpoints,
    "endpoints with fifty globs": _globs,
    "a search without hits": _search,
    "long lists": _list,
    "reads over 300 connections": _many,
    "messages on one ticket": _one_row,
    "heavy previews": _preview,
    "replays of one endpoint": _replay,
    "a storm of misses": _storm,
    "a sandbox that is moved by months": _advance,
}


async def ground_of(admin: httpx.AsyncClient, database: str, tickets: int) -> Ground:
    """An attacker with an owner's key of an account of its own."""
    return Ground(admin, database, await make_customer(admin, "Attacker", await make_quick_plan(admin)), tickets)
