"""A promise of two seconds, kept or missed by the real service, told to a real receiver."""

from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from app.core.db.engine import Sessions
from tests.support.actors import make_account
from tests.support.desk import TICKET, make_endpoint, store_plan
from tests.support.service import serving
from tests.support.waiting import until
from tests.webhooks.receiver import Receiver

pytestmark = pytest.mark.faults

TARGETS = {"P1": {"first_response": "PT2S"}}


async def test_a_first_response_of_two_seconds_is_missed_on_time_and_told_signed(
    shared: Sessions, own_database: str, folder: Path, admin_key: str, receiver: Receiver
) -> None:
    account = await make_account(
        shared, await store_plan(shared, "wati-business-plus", key="quick", targets=TARGETS, default_priority="P1")
    )
    endpoint = await make_endpoint(shared, receiver.url, "deadline.missed")
    with serving(folder, own_database, admin_key) as service:
        async with httpx.AsyncClient(base_url=service.url, trust_env=False) as client:
            client.headers["Authorization"] = f"Bearer {admin_key}"
            answer = await client.post("/v1/tickets", json=TICKET | {"account_id": account.account_id})
            assert answer.status_code == 201, answer.text
            (promised,) = answer.json()["deadlines"]
            await until(lambda: receiver.messages)
            shown = (await client.get(f"/v1/tickets/{answer.json()['id']}")).json()
    (message,) = receiver.messages
    told = message.verified(endpoint.secrets[0])
    assert (told["type"], told["ticket_id"], message.id) == ("deadline.missed", shown["id"], told["id"])
    due = datetime.fromisoformat(told["data"]["due_at"])
    assert due - datetime.fromisoformat(shown["opened_at"]) == timedelta(seconds=2)
    assert told["data"]["due_at"] == promised["due_at"] == told["timestamp"]
    assert [(one["metric"], one["state"], one["lag_ms"]) for one in shown["deadlines"]] == [
        ("first_response", "missed", told["data"]["lag_ms"])
    ]
    print(f"noticed after {told['data']['lag_ms']:.1f} ms")  # noqa: T201  for whoever looks at figures (-s)
    assert 0 < told["data"]["lag_ms"] < 1000
