"""One caller's attack, as a process of its own:
``python -m tests.support.attack PORT CONNECTIONS SECONDS MANNER ADDRESSES``.

The requests come on standard input; each connection sends one of them, in the ``Manner`` that is asked for. At the end
how often each status came is printed as JSON, with 0 for connections that ended without one. It is bounded in
connections and in time, and comes from so many addresses of its own.
"""

import asyncio
import json
import resource
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import Final, TypeAlias

from app.core.auth import make_key

_ADDRESS: Final = "127.9.0.{}"
_FIRST: Final = 2
"""The last number of the first address from which attacks come."""
_MOST: Final = 4500
_LONGEST: Final = 30.0
_LAST: Final = 5.0
"""Seconds for which the last answers are waited for."""
_PAUSE: Final = 1.0
_TRICKLE: Final = 0.2
_PART: Final = b"x" * 2**20
_PARTS: Final = 100
_OK: Final = 200
_Use: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
_ROOT: Final = Path(__file__).resolve().parents[2]
UNIQUE: Final = b"{unique}"
"""Becomes something else in each request, of 26 characters."""
GUESS: Final = b"{guess}"
"""Becomes another account's key in each request, well-formed and of nobody."""


class Manner(StrEnum):
    """What a connection does after its request."""

    ASK = "ask"
    """it sends the request again as soon as that is answered"""
    HOLD = "hold"
    """it takes what comes until it is disconnected, and comes again a second later; so it does where it is refused"""
    DRAIN = "drain"
    """it takes all of the answer, which ends with the connection, and asks again on another one"""
    TRICKLE = "trickle"
    """it sends a blank five times a second"""
    FLOOD = "flood"
    """it sends 100 MB"""
    DEAF = "deaf"
    """it reads nothing"""


_ANSWERED: Final = (Manner.ASK, Manner.DRAIN)
"""Whose last answers are waited for: they say how the attack was met."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A request, or several in turn, that are sent again and again, over how many connections."""

    sent: tuple[bytes, ...]
    connections: int = 16
    manner: Manner = Manner.ASK
    addresses: int = 1


def request(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """A request as it is sent."""
    length = len(_another(body, 0))
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Attack:
    """An attack that goes on beside; ``statuses`` once it is over."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self.statuses: Counter[int] = Counter()

    def end(self) -> None:
        """Wait for its end, which comes by itself."""
        printed, _ = self._process.communicate(timeout=_LONGEST + 30)
        self.statuses = Counter({int(status): times for status, times in json.loads(printed).items()})


@contextmanager
def attack(port: int, plot: Plot, *, seconds: float) -> Iterator[Attack]:
    """The attack, while the block runs and until its time is over."""
    bounds = min(plot.connections, _MOST), min(seconds, _LONGEST)
    arguments = [str(each) for each in (port, *bounds, plot.manner, plot.addresses)]
    command = [sys.executable, "-m", "tests.support.attack", *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_ROOT)
    assert process.stdin
    process.stdin.write(json.dumps([each.decode("latin-1") for each in plot.sent]).encode())
    process.stdin.close()
    process.stdin = None
    attack = Attack(process)
    try:
        yield attack
        attack.end()
    finally:
        process.kill()
        process.wait()


def _another(sent: bytes, number: int) -> bytes:
    if GUESS in sent:
        return sent.replace(GUESS, make_key("account").encode())
    return sent.replace(UNIQUE, f"{number:026}".encode())


class _Client:
    """One connection after the other, each until it is disconnected or the time is over."""

    numbers = count()

    def __init__(self, port: int, address: str, sent: bytes, end: float, statuses: Counter[int]) -> None:
        self._port, self._address, self._sent, self._end, self._statuses = port, address, sent, end, statuses

    @property
    def _goes_on(self) -> bool:
        return time.monotonic() < self._end

    async def run(self, manner: Manner) -> None:
        """Attack until the time is over; what is asked then is still answered."""
        use = {
            Manner.ASK: self._ask,
            Manner.HOLD: self._hold,
            Manner.DRAIN: self._drain,
            Manner.TRICKLE: self._trickle,
            Manner.FLOOD: self._flood,
            Manner.DEAF: self._deaf,
        }[manner]
        with suppress(TimeoutError):
            async with asyncio.timeout(self._end - time.monotonic() + (_LAST if manner in _ANSWERED else 0)):
                while self._goes_on:
                    await self._connected(use, buffer=4096 if manner is Manner.DEAF else 0)
                    await asyncio.sleep(_PAUSE if manner is Manner.HOLD else 0)

    async def _connected(self, use: _Use, buffer: int) -> None:
        raw = socket.socket()
        if buffer:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        raw.setblocking(False)
        writer = None
        try:
            raw.bind((self._address, 0))
            await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", self._port))
            reader, writer = await asyncio.open_connection(sock=raw)
            await use(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            self._statuses[0] += 1
        finally:
            raw.close() if writer is None else writer.transport.abort()

    def _send(self, writer: asyncio.StreamWriter) -> None:
        writer.write(_another(self._sent, next(self.numbers)))

    async def _answer(self, reader: asyncio.StreamReader) -> int:
        """The status of the next answer, once all of it has come; a stream goes on after its head."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length or 0))
        self._statuses[status := int(head[9:12])] += 1
        return status

    def _answering(self, reader: asyncio.StreamReader) -> "asyncio.Task[int]":
        """The same in the meantime; nobody may ask for it where the connection ends before."""
        answering = asyncio.create_task(self._answer(reader))
        answering.add_done_callback(lambda task: task.cancelled() or task.exception())
        return answering

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while self._goes_on:
            self._send(writer)
            await self._answer(reader)

    async def _hold(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._send(writer)
        while await self._answer(reader) != _OK:
            await asyncio.sleep(_PAUSE)
            self._send(writer)
        while await reader.read(2**16):
            pass

    async def _drain(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._send(writer)
        await self._answer(reader)
        while await reader.read(2**16):
            pass

    async def _trickle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering = self._answering(reader)
        self._send(writer)
        while not (await asyncio.wait([answering], timeout=_TRICKLE))[0]:
            writer.write(b" ")
        answering.result()

    async def _flood(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering = self._answering(reader)
        try:
            self._send(writer)
            for _ in range(_PARTS):
                writer.write(_PART)
                await writer.drain()
            await answering
        finally:
            answering.cancel()

    async def _deaf(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        self._statuses[0] += 1
        self._send(writer)
        await asyncio.sleep(self._end - time.monotonic())


async def _run(
    port: int, sent: list[bytes], connections: int, seconds: float, manner: Manner, addresses: int
) -> Counter[int]:
    statuses: Counter[int] = Counter()
    end = time.monotonic() + seconds
    clients = [
        _Client(port, _ADDRESS.format(_FIRST + number % addresses), sent[number % len(sent)], end, statuses)
        for number in range(connections)
    ]
    async with asyncio.timeout(seconds + 20):
        await asyncio.gather(*(client.run(manner) for client in clients))
    return statuses


def _main() -> None:
    port, connections, seconds, manner, addresses = sys.argv[1:]
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    sent = [each.encode("latin-1") for each in json.loads(sys.stdin.buffer.read())]
    statuses = asyncio.run(_run(int(port), sent, int(connections), float(seconds), Manner(manner), int(addresses)))
    sys.stdout.write(json.dumps(statuses))


if __name__ == "__main__":
    _main()
