"""A real receiver on loopback that answers as it is told, and remembers what it got."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Message:
    """One request as it came."""

    headers: dict[str, str]
    body: bytes
    path: str = ""

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> dict[str, Any]:
        """The body, if the public library finds the signature right."""
        document: dict[str, Any] = Webhook(secret).verify(self.body, self.headers)
        return document

    def is_signed_with(self, secret: str) -> bool:
        """Whether the public library finds the signature right."""
        try:
            self.verified(secret)
        except WebhookVerificationError:
            return False
        return True


@dataclass(slots=True)
class Receiver:
    """``answer`` can be replaced at any time."""

    answer: Handler
    url: str = ""
    messages: list[Message] = field(default_factory=list)
    came: list[float] = field(default_factory=list)
    """when each message came: seconds of the wall clock"""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.messages.append(Message(headers, await request.read(), request.path))
        self.came.append(time.time())
        return await self.answer(request)

    @property
    def ids(self) -> list[str]:
        return [message.id for message in self.messages]


def status(code: int, **headers: str) -> Handler:
    """Answers with this status; header names are written with underscores."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=code, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return answer


async def hang(_: web.Request) -> web.Response:
    """Answers far later than any timeout."""
    await asyncio.sleep(60)
    return web.Response()


@asynccontextmanager
async def receiving(answer: Handler | None = None) -> AsyncIterator[Receiver]:
    """A receiver that answers 204 unless told otherwise."""
    receiver = Receiver(answer or status(204))
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    receiver.url = f"http://{host}:{port}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()
