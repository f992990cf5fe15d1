"""One account's endpoints never answer: they hold a part of the sender's slots, and soon hardly any."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import httpx
import pytest
from aiohttp import web
from orjson import loads

from app.webhooks.background.deliver import Limits
from app.webhooks.rules.sharing import Share
from tests.support.making import made
from tests.support.openings import open_until_answered
from tests.support.service import serving
from tests.support.waiting import until
from tests.webhooks.receiver import Receiver, receiving

pytestmark = pytest.mark.faults

ENDPOINTS: Final = 4
TICKETS: Final = 80
QUARTER: Final = Share(0, 0, slots=Limits().slots).most_of("acc_1")


class Hanging:
    """Never answers; counts whom it holds."""

    def __init__(self) -> None:
        self.present, self.most, self.left = 0, 0, 0

    async def answer(self, _: web.Request) -> web.Response:
        self.present += 1
        self.most = max(self.most, self.present)
        try:
            await asyncio.Event().wait()
        finally:
            self.present -= 1
            self.left += 1
        raise AssertionError


async def test_endpoints_that_hang_leave_the_slots_to_others(
    own_database: str, folder: Path, admin_key: str, receiver: Receiver
) -> None:
    hanging = Hanging()
    headers = {"Authorization": f"Bearer {admin_key}"}
    async with AsyncExitStack() as stack:
        sick = await stack.enter_async_context(receiving(hanging.answer))
        service = stack.enter_context(serving(folder, own_database, admin_key))
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=service.url, headers=headers, trust_env=False, timeout=30)
        )
        facts = {"plan": "wati-business-plus", "time_zone": "UTC"}
        attacker, victim = [
            (await made(client, "accounts", name=name, **facts))["id"] for name in ("Attacker", "Victim")
        ]
        for number in range(ENDPOINTS):
            await made(client, "webhooks", account_id=attacker, url=f"{sick.url}/{number}", concurrency=50)
        await made(client, "webhooks", account_id=victim, url=receiver.url, events=["ticket.opened"])
        await open_until_answered(service.url, admin_key, attacker, map(str, range(TICKETS)), 8)
        await until(lambda: hanging.most >= QUARTER or hanging.left)
        names = [f"victim {number}" for number in range(10)]
        await open_until_answered(service.url, admin_key, victim, names, 1)
        await until(lambda: len(receiver.messages) == len(names))
        assert {loads(message.body)["data"]["external_ref"] for message in receiver.messages} == set(names)
        assert hanging.most <= QUARTER
        await until(lambda: hanging.left >= QUARTER and hanging.present <= ENDPOINTS, within=60)
        waiting = len(sick.messages)
        await open_until_answered(service.url, admin_key, victim, ["one more"], 1)
        await until(lambda: len(receiver.messages) == len(names) + 1)
        assert len(sick.messages) - waiting <= 2 * ENDPOINTS, "each gets one at a time"
