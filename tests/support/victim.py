"""A customer who works on while somebody else attacks: how long it waits, and how late it is told."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from statistics import quantiles
from typing import Any, Final

import httpx
import orjson

from tests.support.tickets import TICKET
from tests.webhooks.receiver import Receiver, receiving

_EVERY: Final = 0.1
_PLAN: Final = {
    "key": "quick",
    "default_priority": "P4",
    "targets": {"P4": {"first_response": "PT1S"}},
    "on_miss": {},
    "requires": {},
    "trial": None,
}


@dataclass(frozen=True, slots=True)
class Figures:
    """The 99th percentiles of a period, in milliseconds."""

    post: float
    """how long ``POST /v1/tickets`` takes"""
    miss: float
    """how late a missed deadline is noticed"""
    webhook: float
    """how long after a ticket's opening its webhook comes"""
    stream: float
    """the same for the stream of events"""

    def worse_than(self, quiet: "Figures", factor: float = 10, least: float = 250) -> list[str]:
        """Each figure that is more than ``factor`` times the quiet one and more than ``least``, in words."""
        return [
            f"{name}: {getattr(self, name):.0f} ms beside {getattr(quiet, name):.0f} ms"
            for name in self.__slots__
            if getattr(self, name) > max(factor * getattr(quiet, name), least)
        ]

    def over(self, quiet: "Figures", factor: float = 10, least: float = 250) -> list[str]:
        """The figures that miss the goal. ``post`` is measured by the quiet one too; how late the others are is not."""
        late = [name for name in ("miss", "webhook", "stream") if getattr(self, name) > least]
        return [*(["post"] if self.post > max(factor * quiet.post, least) else []), *late]


@dataclass(slots=True)
class Victim:
    """An account with a key, an endpoint and an open stream."""

    client: httpx.AsyncClient
    receiver: Receiver
    arrivals: dict[str, float]
    """of events on the stream, by event id: wall clock"""
    listening: asyncio.Task[None]

    async def figures(self, seconds: float) -> Figures:
        """Open ten tickets a second, wait until all is told, and tell how it went."""
        waited: list[float] = []
        opened: set[str] = set()
        end, opening = time.monotonic() + seconds, []
        while time.monotonic() < end:
            opening.append(asyncio.create_task(self._open(waited, opened)))
            await asyncio.sleep(_EVERY)
        await asyncio.gather(*opening)
        events = await self._events(opened)
        webhooks = {message.id: came for message, came in zip(self.receiver.messages, self.receiver.came, strict=True)}
        told = [event for event in events if event["type"] == "ticket.opened"]
        return Figures(
            post=_p99(waited),
            miss=_p99([event["data"]["lag_ms"] for event in events if event["type"] == "deadline.missed"]),
            webhook=_p99([_late(event, webhooks[event["id"]]) for event in told]),
            stream=_p99([_late(event, self.arrivals[event["id"]]) for event in told]),
        )

    async def _open(self, waited: list[float], opened: set[str]) -> None:
        started = time.monotonic()
        answer = await self.client.post("/v1/tickets", json=TICKET)
        assert answer.status_code == 201, answer.text
        waited.append((time.monotonic() - started) * 1000)
        opened.add(answer.json()["id"])

    async def _events(self, tickets: set[str]) -> list[Any]:
        """The tickets' openings and misses, once each has come by webhook and by stream."""
        end = time.monotonic() + 90
        while True:
            bodies = [orjson.loads(message.body) for message in self.receiver.messages]
            events = {body["id"]: body for body in bodies if body["ticket_id"] in tickets}
            if len(events) == 2 * len(tickets) and events.keys() <= self.arrivals.keys():
                return list(events.values())
            if self.listening.done():
                raise ConnectionError("The stream has ended") from self.listening.exception()
            heard = sorted((event["ticket_id"], event["type"]) for event in events.values())
            unseen = [event for name, event in events.items() if name not in self.arrivals]
            assert time.monotonic() < end, f"{len(tickets)} tickets, webhooks {heard}, not on the stream {unseen}"
            await asyncio.sleep(_EVERY)


def _late(event: Any, came: float) -> float:
    return (came - datetime.fromisoformat(event["timestamp"]).timestamp()) * 1000


def _p99(values: Sequence[float]) -> float:
    return quantiles(values, n=100, method="inclusive")[98]


@asynccontextmanager
async def victim(admin: httpx.AsyncClient) -> AsyncIterator[Victim]:
    """A customer of the service that ``admin`` calls with an admin key, with an endpoint on loopback."""
    key = await make_customer(admin, "Victim", (await make_quick_plan(admin)))
    headers = {"Authorization": f"Bearer {key}"}
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with (
        receiving() as receiver,
        httpx.AsyncClient(
            base_url=admin.base_url, headers=headers, timeout=120, trust_env=False, limits=limits
        ) as client,
    ):
        endpoint = {"url": receiver.url, "events": ["ticket.opened", "deadline.missed"], "concurrency": 50}
        (await client.post("/v1/webhooks", json=endpoint)).raise_for_status()
        arrivals: dict[str, float] = {}
        begun = asyncio.Event()
        listening = asyncio.create_task(_listen(client, arrivals, begun))
        await begun.wait()
        try:
            yield Victim(client, receiver, arrivals, listening)
        finally:
            listening.cancel()


async def _listen(client: httpx.AsyncClient, arrivals: dict[str, float], begun: asyncio.Event) -> None:
    async with client.stream("GET", "/v1/events/stream", params={"after": "latest"}) as answer:
        answer.raise_for_status()
        begun.set()
        async for line in answer.aiter_lines():
            if line.startswith("data:"):
                arrivals[orjson.loads(line[5:])["id"]] = time.time()


async def make_quick_plan(admin: httpx.AsyncClient) -> str:
    """A plan whose tickets miss their first response after a second; its key."""
    shipped = (await admin.get("/v1/plans/wati-pro")).raise_for_status().json()["document"]
    stored = (await admin.post("/v1/plans", json=shipped | _PLAN)).raise_for_status().json()
    return str(stored["key"])


async def make_customer(admin: httpx.AsyncClient, name: str, plan: str) -> str:
    """The secret of an owner's key of a new account."""
    body = {"name": name, "plan": plan, "time_zone": "UTC"}
    account = (await admin.post("/v1/accounts", json=body)).raise_for_status().json()["id"]
    key = {"kind": "account", "account_id": account, "role": "owner"}
    return str((await admin.post("/v1/keys", json=key)).raise_for_status().json()["secret"])
