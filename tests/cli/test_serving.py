"""How callers are accepted who come at the same instant, and what threads leave to the event loop."""

import asyncio
import socket
import subprocess
import sys
from itertools import pairwise
from typing import Final

import uvloop

from app.cli.serving import doubled, listen

_SERVED: Final = """
import sys
from app.cli.serving import listen, serve
from app.core.web.edge.connections import ConnectionLimits
from app.core.settings import Settings

async def application(scope, receive, send):
    print(sys.getswitchinterval())
    await send({"type": "lifespan.startup.failed", "message": "it has been seen"})

serve(lambda: application, listen("127.0.0.1", 0), ConnectionLimits.of(Settings()), workers=1)
"""


def test_many_who_wait_are_accepted_in_one_turn_of_the_event_loop() -> None:
    accepted: list[asyncio.Protocol] = []

    class Caller(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            accepted.append(self)
            transport.close()

    async def serve(listening: socket.socket) -> list[int]:
        loop, counts = asyncio.get_running_loop(), list[int]()
        servers = [await loop.create_server(Caller, sock=each) for each in doubled(listening)]
        for _ in range(200):
            counts.append(len(accepted))
            await asyncio.sleep(0)
        for server in servers:
            server.close()
        return counts

    listening = listen("127.0.0.1", 0)
    callers = [socket.create_connection(listening.getsockname()) for _ in range(40)]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        counts = runner.run(serve(listening))
    for each in callers:
        each.close()
    assert counts[-1] == 40
    assert max(after - before for before, after in pairwise(counts)) >= 10


def test_a_thread_that_computes_keeps_the_event_loop_for_less_than_a_millisecond() -> None:
    served = subprocess.run([sys.executable, "-c", _SERVED], capture_output=True, text=True, check=False)
    assert 0 < float(served.stdout.split()[0]) < 0.001, served.stderr
