"""An endpoint whose target is a hook of the same service: the loop ends by itself, and others notice nothing."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import httpx
import pytest

from app.core.db.engine import Sessions
from tests.support.desk import fetch
from tests.support.making import made
from tests.support.service import serving
from tests.support.tickets import TICKET
from tests.support.waiting import until
from tests.webhooks.receiver import Receiver

pytestmark = pytest.mark.faults

ENDPOINTS: Final = 2
TICKETS: Final = 3


async def test_a_loop_of_webhook_and_hook_ends(
    shared: Sessions, own_database: str, folder: Path, admin_key: str, receiver: Receiver
) -> None:
    headers = {"Authorization": f"Bearer {admin_key}"}
    async with AsyncExitStack() as stack:
        service = stack.enter_context(serving(folder, own_database, admin_key))
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=service.url, headers=headers, trust_env=False, timeout=30)
        )
        facts = {"plan": "wati-business-plus", "time_zone": "UTC"}
        looping, other = [(await made(client, "accounts", name=name, **facts))["id"] for name in ("Loop", "Other")]
        mapping = {"title": "type", "key": "id"}
        hook = await made(
            client,
            "hooks",
            account_id=looping,
            name="Itself",
            format="generic",
            signature={"scheme": "none"},
            expressions=mapping,
        )
        for _ in range(ENDPOINTS):
            await made(client, "webhooks", account_id=looping, url=f"{service.url}/v1/ingest/{hook['id']}")
        await made(client, "webhooks", account_id=other, url=receiver.url, events=["ticket.opened"])
        for _ in range(TICKETS):
            await made(client, "tickets", **TICKET, account_id=looping)
            await made(client, "tickets", **TICKET, account_id=other)
        await until(lambda: len(receiver.messages) == TICKETS)
        await until(lambda: _all_is_quiet(shared), within=120, every=0.2)
    counts = {row["via"]: row["number"] for row in await fetch(shared, BY_WAY, looping)}
    told = await fetch(shared, "SELECT count(*) AS number FROM events WHERE account_id = $1 AND via IS NULL", looping)
    assert counts.keys() == {0, 1}
    assert counts[0] == TICKETS
    assert counts[1] <= ENDPOINTS * told[0]["number"], "one for each of its webhooks, and none for those of these"
    (refused,) = await fetch(
        shared, "SELECT count(*) AS number, min(error) AS error FROM receipts WHERE state = 'refused'"
    )
    assert refused["number"] > 0
    assert "loop" in refused["error"]


BY_WAY: Final = """
SELECT coalesce(cardinality(string_to_array(e.via, ',')), 0) AS via, count(*) AS number
FROM tickets AS t JOIN events AS e ON e.account_id = t.account_id AND e.ticket_id = t.id AND e.sequence = 1
WHERE t.account_id = $1 GROUP BY 1
"""


async def _all_is_quiet(sessions: Sessions) -> bool:
    """Nothing waits to be sent or processed."""
    query = """
        SELECT NOT EXISTS (SELECT FROM deliveries WHERE state = 'pending')
           AND NOT EXISTS (SELECT FROM receipts WHERE state = 'pending') AS quiet
    """
    (row,) = await fetch(sessions, query)
    return bool(row["quiet"])
