"""Clients of others, as their users use them: PagerDuty's, CloudEvents' and Svix's."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2
import orjson
import pytest
from cloudevents.core.bindings.http import HTTPMessage, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from pagerduty import EventsApiV2Client
from svix.webhooks import Webhook

from app.inbound.examples import GENERIC
from tests.inbound.conftest import Desk, MakeDesk
from tests.inbound.results import outcomes, statuses
from tests.support.desk import now_of


class Bridge(httpx2.BaseTransport):
    """Lets a blocking client, in a thread of its own, send to the application of the test."""

    def __init__(self, desk: Desk, loop: asyncio.AbstractEventLoop) -> None:
        self.desk, self.loop = desk, loop

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        sent = self.desk.client.request(
            request.method, request.url.path, headers=dict(request.headers), content=request.read()
        )
        answer = asyncio.run_coroutine_threadsafe(sent, self.loop).result(30)
        return httpx2.Response(answer.status_code, headers=dict(answer.headers), content=answer.content)


async def test_pagerdutys_client_triggers_acknowledges_and_resolves(desk: Desk) -> None:
    bridge = Bridge(desk, asyncio.get_running_loop())
    base = f"https://localhost/v1/ingest/{desk.hook['id']}"
    client = EventsApiV2Client(desk.hook["secret"], base_url=base, transport=bridge)
    key = await asyncio.to_thread(client.trigger, "Disk full on h1", "h1", severity="critical")
    await asyncio.to_thread(client.acknowledge, key)
    await desk.process()
    assert statuses(await desk.tickets()) == ["new"]
    await asyncio.to_thread(client.resolve, key)
    await desk.process()
    assert statuses(await desk.tickets()) == ["resolved"]
    told = [outcomes(receipt) for receipt in reversed(await desk.receipts())]
    assert told == [["started"], ["acknowledged"], ["resolved"]]


@pytest.mark.parametrize("bind", [to_binary_event, to_structured_event], ids=["binary", "structured"])
@pytest.mark.parametrize("data", [{"message": "97 %"}, "97 %", None], ids=["json", "text", "none"])
async def test_events_of_the_cloudevents_sdk_open_their_ticket(
    desk: Desk, bind: Callable[..., HTTPMessage], data: Any
) -> None:
    about = {"specversion": "1.0", "id": "1", "type": "disk.full", "source": "/m/€", "subject": 'disk "é" full'}
    kind = {"datacontenttype": "text/plain"} if isinstance(data, str) else {}
    message = bind(CloudEvent(about | kind, data))
    headers = {"content-type": ""} | message.headers
    headers["Content-Type"] = headers.pop("content-type")
    receipt = await desk.post(message.body, "/cloudevents", desk.key | headers)
    assert [(signal["key"], signal["outcome"]) for signal in receipt["signals"]] == [("/m/€/1", "started")]
    (ticket,) = await desk.tickets()
    assert ticket["title"] == 'disk "é" full'
    assert ("97 %" in ticket["description"]) == (data is not None)


async def test_what_svix_signs_is_taken(make_desk: MakeDesk) -> None:
    desk, body = await make_desk(), orjson.dumps(GENERIC).decode()
    secret = (await desk.make(signature={"scheme": "standard_webhooks"}))["secret"]
    now = await now_of(desk.sessions)
    signed = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", now, body),
    }
    assert outcomes(await desk.post(body.encode(), "", signed)) == ["started"]
    Webhook(secret).verify(body, signed)
