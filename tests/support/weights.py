"""What weighs as much as one customer may store, and what is asked of it: ``WEIGHTS``, as the ``attacks`` are.

Each key's rates let somebody store this within minutes or hours; here it is written by SQL.
"""

import asyncio
from typing import Any, Final

import asyncpg
import orjson

from tests.support.attack import Plot, request
from tests.support.attacks import Ground, Prepare, copied, make_sandbox
from tests.support.tickets import P1, TICKET

_LONG: Final[dict[str, Any]] = {
    "description": "\u4e2d" * 49_000,
    "custom": {f"field {number}": "\u4e2d" * 1_990 for number in range(50)},
    "tags": [f"{number:02}" + "\u4e2d" * 97 for number in range(50)],
}
_TICKETS: Final = 300
_TICKETS_OF_SANDBOX: Final = 6_000
_DUE_NOW: Final = "UPDATE tickets SET wake_at = now() WHERE id LIKE 'tkt_0000%'"
_ENGINEERS: Final = 100
_OVERRIDES: Final = """
INSERT INTO shift_overrides (id, engineer_id, covered_by, since, until, created_at)
SELECT 'ovr_' || lpad((row_number() OVER ())::text, 26, '0'), e.id, $2, now() + n * interval '2 minutes',
    now() + n * interval '2 minutes' + interval '1 minute', now()
FROM unnest($1::text[]) AS e (id), generate_series(60, 559) AS n
"""


async def _long_texts(ground: Ground) -> Plot:
    """Tickets of half a megabyte each that fall due at once."""
    await copied(ground, await ground.open(**_LONG), _TICKETS)
    ground.first = _DUE_NOW
    return ground.plot("GET", "/healthz", connections=1)


async def _long_ticket(ground: Ground) -> Plot:
    """Short messages on a ticket of half a megabyte."""
    return ground.plot("POST", f"/v1/tickets/{await ground.open(**_LONG)}/messages", {"body": "Are you there?"})


async def _long_hits(ground: Ground) -> Plot:
    """A word of titles that their long texts have not."""
    for number in range(60):
        await ground.open(title=f"zebra {number}", description="ab " * 16_000)
    path = "/v1/search?q=zebra&limit=50"
    for _ in range(300):  # what was written is found within some seconds
        found = (await ground.admin.get(path, headers=ground.headers)).raise_for_status().json()
        if len(found["items"]) == 50:
            break
        await asyncio.sleep(0.1)
    return ground.plot("GET", path, connections=64)


async def _overrides(ground: Ground) -> Plot:
    """P1s of a sandbox whose hundred engineers have as many shift overrides to come as they may."""
    sandbox, account = await make_sandbox(ground)
    engineers = []
    for number in range(_ENGINEERS):
        body = {"name": f"Expert {number}", "email": f"expert{number}@example.com", "account_id": account}
        made = await ground.admin.post("/v1/engineers", json=body)
        engineers.append(made.raise_for_status().json()["id"])
    connection = await asyncpg.connect(ground.database)
    await connection.execute(_OVERRIDES, engineers[1:], engineers[0])
    await connection.execute("ANALYZE")
    await connection.close()
    return sandbox.plot("POST", "/v1/tickets", TICKET | P1)


async def _long_list(ground: Ground) -> Plot:
    """Lists of two hundred tickets of half a megabyte each."""
    await copied(ground, await ground.open(**_LONG), _TICKETS)
    return ground.plot("GET", "/v1/tickets?limit=200", connections=8)


async def _long_sandbox(ground: Ground) -> Plot:
    """A sandbox's clock that is moved, over very many long tickets that are due at the same instants."""
    sandbox, account = await make_sandbox(ground)
    await copied(sandbox, await sandbox.open(**_LONG), _TICKETS_OF_SANDBOX)
    return sandbox.plot("POST", f"/v1/sandbox/{account}/advance", {"by": "PT4H"}, connections=4)


async def _markdown(ground: Ground) -> Plot:
    """Articles, by a support editor, whose Markdown takes half a second."""
    headers = {"Authorization": ground.admin.headers["Authorization"], "Content-Type": "application/json"}
    article = {"title": "A", "status": "published"}
    bodies = [orjson.dumps(article | {"body": f"{{unique}} {each}"}) for each in ("*a **" * 9_600, "*_" * 24_000)]
    return Plot(tuple(request("POST", "/v1/articles", headers, body) for body in bodies), connections=12)


WEIGHTS: Final[dict[str, Prepare]] = {
    "long texts that fall due at once": _long_texts,
    "messages on a ticket with long texts": _long_ticket,
    "a search that finds long texts": _long_hits,
    "a sandbox with 50,000 shift overrides": _overrides,
    "lists of long texts": _long_list,
    "a sandbox of 6,000 long tickets": _long_sandbox,
    "Markdown that takes long": _markdown,
}
