"""What one customer's ordinary key, or somebody without any, can try in order to slow others down.

Prepared here, run by ``attack``. ``ATTACKS`` are held to their bounds without any rate, and so are ``HOLDS``, which
keep for long what all need; ``OUTER`` are what rates, quotas and the limits of connections are for.
"""

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from socket import create_server
from typing import Any, Final, TypeAlias

import asyncpg
import httpx
import orjson

from tests.support.attack import GUESS, Manner, Plot, request
from tests.support.tickets import P1, TICKET
from tests.support.victim import make_customer, make_quick_plan

_GLOBS: Final = [f"*{first}*{second}*e*" for first in "abcdefg" for second in "abcdefg"]
_COPY: Final = """
INSERT INTO tickets
SELECT copy.* FROM tickets AS t, generate_series(1, $1::int) AS n,
jsonb_populate_record(t, jsonb_build_object(
    'id', 'tkt_' || lpad(n::text, 26, '0'), 'number', 'N' || n, 'wake_at', now() + interval '30 days')) AS copy
WHERE t.id = $2
"""
_COPY_DEADLINES: Final = """
INSERT INTO deadlines
SELECT copy.* FROM deadlines AS d, generate_series(1, $1::int) AS n,
jsonb_populate_record(d, jsonb_build_object(
    'id', 'ddl_' || lpad(n::text, 26, '0'), 'ticket_id', 'tkt_' || lpad(n::text, 26, '0'))) AS copy
WHERE d.ticket_id = $2
"""
_COPY_TITLES: Final = """
INSERT INTO ticket_titles
SELECT copy.* FROM ticket_titles AS t, generate_series(1, $1::int) AS n,
jsonb_populate_record(t, jsonb_build_object(
    'ticket_id', 'tkt_' || lpad(n::text, 26, '0'), 'number', 'N' || n)) AS copy
WHERE t.ticket_id = $2
"""
_COPY_EVENTS: Final = """
INSERT INTO events
SELECT copy.* FROM events AS e JOIN deadlines AS d ON d.ticket_id = e.ticket_id, generate_series(1, $1::int) AS n,
jsonb_populate_record(e, jsonb_build_object(
    'id', 'evt_' || lpad(e.sequence || lpad(n::text, 20, '0'), 26, '0'),
    'data', replace(e.data::text, d.id, 'ddl_' || lpad(n::text, 26, '0'))::jsonb,
    'ticket_id', 'tkt_' || lpad(n::text, 26, '0'))) AS copy
WHERE e.ticket_id = $2
"""
"""They keep their place in the feed, so that nobody has to follow so many at once."""
_OPEN_HOOK: Final[dict[str, Any]] = {"name": "Open", "format": "generic", "signature": {"scheme": "none"}}
_DUE_NOW: Final = "UPDATE tickets SET wake_at = now() WHERE id LIKE 'tkt_0000%'"


@dataclass(slots=True)
class Ground:
    """A running service, its database, the attacker's key, and how many tickets the attacker has where that counts.

    ``held``: what is kept until the attack is over. ``first``: a statement with which the attack begins.
    """

    admin: httpx.AsyncClient
    database: str
    key: str
    tickets: int
    held: ExitStack = field(default_factory=ExitStack)
    first: str = ""

    async def begin(self) -> None:
        """What happens at the beginning of the attack, once it is prepared."""
        if self.first:
            connection = await asyncpg.connect(self.database)
            await connection.execute(self.first)
            await connection.close()

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

    async def make(self, path: str, **fields: Any) -> Any:
        """Something that the attacker may make."""
        return (await self.post(path, fields)).raise_for_status().json()

    def plot(self, method: str, path: str, body: Any = None, connections: int = 16) -> Plot:
        """A request of the attacker's."""
        headers = self.headers | {"Content-Type": "application/json"}
        return Plot((request(method, path, headers, b"" if body is None else orjson.dumps(body)),), connections)


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
    ground.first = _DUE_NOW
    return ground.plot("GET", "/healthz", connections=1)


async def _advance(ground: Ground) -> Plot:
    """A sandbox whose clock is moved by weeks, with tickets that are updated every hour."""
    return (await _sandbox(ground, "PT1000H"))[1]


async def _feed(ground: Ground) -> Plot:
    """By a few hours, again and again, where all that happens goes to endpoints too.

    What has written events holds the feed until it commits.
    """
    sandbox, plot = await _sandbox(ground, "PT12H")
    for number in range(20):
        await sandbox.make("/v1/webhooks", url=f"https://receiver.example/{number}", events=["*"])
    return plot


async def _roster(ground: Ground) -> Plot:
    """P1s of an account whose others wait for the same few experts: each looks at all of them, the roster in hand."""
    for number in range(3):
        engineer = {"name": f"Expert {number}", "email": f"expert{number}@example.com"}
        (await ground.admin.post("/v1/engineers", json=engineer)).raise_for_status()
    owner = await make_customer(ground.admin, "Urgent", "google-premium")
    urgent = Ground(ground.admin, ground.database, owner, ground.tickets)
    for _ in range(min(200, ground.tickets)):
        await urgent.open(**P1)
    return urgent.plot("POST", "/v1/tickets", TICKET | P1)


async def _sandbox(ground: Ground, step: str) -> tuple[Ground, Plot]:
    """A sandbox with open P1s, and the moving of its clock."""
    sandbox, account = await make_sandbox(ground)
    for _ in range(20):
        await sandbox.open(**P1)
    return sandbox, sandbox.plot("POST", f"/v1/sandbox/{account}/advance", {"by": step}, connections=8)


async def make_sandbox(ground: Ground) -> tuple[Ground, str]:
    """A sandbox account with an owner's key, and its id."""
    body = {"name": "Sandbox", "plan": "google-premium", "time_zone": "UTC", "sandbox": True}
    account = (await ground.admin.post("/v1/accounts", json=body)).raise_for_status().json()["id"]
    key = {"kind": "account", "account_id": account, "role": "owner"}
    secret = (await ground.admin.post("/v1/keys", json=key)).raise_for_status().json()["secret"]
    return Ground(ground.admin, ground.database, secret, ground.tickets), account


async def _streams(ground: Ground) -> Plot:
    """Two thousand, by forty keys."""
    keys = [(await ground.make("/v1/keys", kind="account", role="editor"))["secret"] for _ in range(40)]
    headers = [{"Authorization": f"Bearer {key}"} for key in keys]
    sent = tuple(request("GET", "/v1/events/stream?after=latest", each) for each in headers)
    return Plot(sent, connections=2000, manner=Manner.HOLD)


async def _hanging(ground: Ground) -> Plot:
    """Endpoints that take fifty messages at once and answer none: nobody ever takes their connections."""
    silent = ground.held.enter_context(create_server(("127.0.0.1", 0), backlog=4096))
    for number in range(4):
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/{number}"
        await ground.make("/v1/webhooks", url=url, events=["*"], concurrency=50)
    return ground.plot("POST", "/v1/tickets", TICKET, connections=8)


async def _loop(ground: Ground) -> Plot:
    """Endpoints that send to a hook of the same service, whose tickets are sent to the endpoints."""
    hook = await ground.make("/v1/hooks", **_OPEN_HOOK, expressions={"title": "type", "key": "id"})
    for _ in range(4):
        await ground.make("/v1/webhooks", url=str(ground.admin.base_url.join(hook["url"])), events=["*"])
    return ground.plot("POST", "/v1/tickets", TICKET, connections=4)


async def _payloads(ground: Ground) -> Plot:
    hook = await ground.make("/v1/hooks", **_OPEN_HOOK)
    payload = orjson.dumps({"key": "{unique}", "status": "firing", "text": "x" * 1_000_000})
    return Plot((request("POST", hook["url"], {}, payload),))


async def _tickets(ground: Ground) -> Plot:
    ground.key = (await ground.make("/v1/keys", kind="account", role="editor"))["secret"]
    return ground.plot("POST", "/v1/tickets", TICKET, connections=32)


async def _guesses(_: Ground) -> Plot:
    """Keys whose checksum is right."""
    return Plot((request("GET", "/v1/tickets", {"Authorization": f"Bearer {GUESS.decode()}"}),), connections=64)


async def _nowhere(ground: Ground) -> Plot:
    """Endpoints at a host whose name cannot be read."""
    return ground.plot("POST", "/v1/webhooks", {"url": "https://xn--/", "events": ["*"]})


async def _trickling(ground: Ground) -> Plot:
    """Requests whose bodies come a byte at a time: more than an account may have in progress."""
    head = request("POST", "/v1/tickets", ground.headers | {"Content-Type": "application/json"})
    return Plot((head.replace(b"Length: 0", b"Length: 1000000"),), connections=300, manner=Manner.TRICKLE)


async def _trickling_strangers(_: Ground) -> Plot:
    head = request("POST", "/v1/tickets", {"Content-Type": "application/json"})
    return Plot((head.replace(b"Length: 0", b"Length: 1000000"),), connections=500, manner=Manner.TRICKLE)


async def _small_chunks(_: Ground) -> Plot:
    """A body in chunks of a byte each."""
    head = b"POST /v1/tickets HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    return Plot((head + b"1\r\n \r\n" * 50_000 + b"0\r\n\r\n",), connections=8)


async def _too_large(_: Ground) -> Plot:
    head = request("POST", "/v1/tickets", {"Content-Type": "application/json"})
    return Plot((head.replace(b"Length: 0", b"Length: 9000000"),), connections=300)


async def _languages(_: Ground) -> Plot:
    """A language tag of 60 KB."""
    return Plot((request("GET", "/v1/tickets", {"Accept-Language": "-".join("a" * 30_000)}),), connections=4)


async def _health(_: Ground) -> Plot:
    return Plot((request("GET", "/healthz", {}),), connections=500)


async def _garbage(_: Ground) -> Plot:
    """What is no HTTP, on connection after connection."""
    return Plot((b"\x16\x03\x01\x02\x00" * 20,), connections=100)


async def _everywhere(_: Ground) -> Plot:
    """More connections than there may be, from several addresses, that ask now and then and so are never idle."""
    return Plot((request("GET", "/nothing", {}),), connections=4400, manner=Manner.HOLD, addresses=9)


async def _history(ground: Ground) -> Plot:
    """As many streams as an account may have, from the oldest event on, again and again."""
    keys = [(await ground.make("/v1/keys", kind="account", role="editor"))["secret"] for _ in range(4)]
    path = f"/v1/tickets/{await ground.open()}/messages"
    for number in range(60):
        await ground.post(path, {"body": f"{number} {'x' * 5000}"})
    paths = ("/v1/events/stream?seconds=0", "/v1/events/stream?seconds=0&types=call.ended")
    headers = [{"Authorization": f"Bearer {key}", "Connection": "close"} for key in keys]
    return Plot(tuple(request("GET", path, each) for each in headers for path in paths), 200, Manner.DRAIN)


async def _long_messages(ground: Ground) -> Plot:
    """Each with an Idempotency-Key of its own, so that its answer is kept too."""
    path = f"/v1/tickets/{await ground.open()}/messages"
    headers = ground.headers | {"Content-Type": "application/json", "Idempotency-Key": "{unique}"}
    return Plot((request("POST", path, headers, orjson.dumps({"body": "x" * 49_000})),), connections=16)


async def _changes(ground: Ground) -> Plot:
    path = f"/v1/tickets/{await ground.open()}"
    return ground.plot("PATCH", path, {"custom": {"at": "{unique}"}}, connections=64)


async def _tests(ground: Ground) -> Plot:
    endpoint = await ground.make("/v1/webhooks", url="http://127.0.0.1:9/", events=["*"])
    return ground.plot("POST", f"/v1/webhooks/{endpoint['id']}/test")


async def _headers(_: Ground) -> Plot:
    """A field of a hundred megabytes."""
    return Plot((b"GET /healthz HTTP/1.1\r\nHost: a\r\na: ",), connections=4, manner=Manner.FLOOD)


async def _silent(_: Ground) -> Plot:
    return Plot((b"",), connections=3000, manner=Manner.HOLD)


async def _deaf(_: Ground) -> Plot:
    """The largest answer that a stranger gets, several times."""
    return Plot((request("GET", "/openapi.json", {}) * 16,), connections=60, manner=Manner.DEAF)


async def _copy(ground: Ground, tickets: int) -> None:
    """So many tickets of the attacker's account, written by SQL."""
    await copied(ground, await ground.open(), tickets)


async def copied(ground: Ground, model: str, tickets: int) -> None:
    """So many copies of a ticket, written by SQL."""
    connection = await asyncpg.connect(ground.database)
    async with connection.transaction(isolation="repeatable_read"):  # the service may add to the model meanwhile
        for statement in (_COPY, _COPY_DEADLINES, _COPY_TITLES, _COPY_EVENTS):
            await connection.execute(statement, tickets, model)
    await connection.execute("ANALYZE")
    await connection.close()


Prepare: TypeAlias = Callable[[Ground], Awaitable[Plot]]
ATTACKS: Final[dict[str, Prepare]] = {
    "endpoints that hear everything": _endpoints,
    "endpoints with fifty globs": _globs,
    "a search without hits": _search,
    "long lists": _list,
    "reads over 300 connections": _many,
    "messages on one ticket": _one_row,
    "heavy previews": _preview,
    "replays of one endpoint": _replay,
    "a storm of misses": _storm,
    "a sandbox's advance": _advance,
}
HOLDS: Final[dict[str, Prepare]] = {
    "a transaction that holds the feed": _feed,
    "a P1 that holds the roster's lock long": _roster,
}
OUTER: Final[dict[str, Prepare]] = {
    "2,000 streams by forty keys": _streams,
    "endpoints that never answer": _hanging,
    "a loop of endpoints and a hook": _loop,
    "payloads of 1 MB": _payloads,
    "tickets as fast as can be": _tickets,
    "guessed keys": _guesses,
    "endpoints at https://xn--/": _nowhere,
    "bodies that trickle": _trickling,
    "bodies of strangers that trickle": _trickling_strangers,
    "headers of 100 MB": _headers,
    "3,000 silent connections": _silent,
    "clients that do not read": _deaf,
    "bodies in chunks of a byte": _small_chunks,
    "bodies that are too large": _too_large,
    "a language tag of 60 KB": _languages,
    "/healthz by 500 connections": _health,
    "garbage, again and again": _garbage,
    "all connections, from nine addresses": _everywhere,
    "streams from the oldest event on": _history,
    "long messages": _long_messages,
    "changes of one ticket": _changes,
    "tests of an endpoint": _tests,
}


async def ground_of(admin: httpx.AsyncClient, database: str, tickets: int) -> Ground:
    """An attacker with an owner's key of an account of its own."""
    return Ground(admin, database, await make_customer(admin, "Attacker", await make_quick_plan(admin)), tickets)
