"""A small load generator: keep-alive connections that send the same request again and again, without a pause."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from statistics import quantiles
from typing import Final

UNIQUE: Final = b"{unique}"


@dataclass(frozen=True, slots=True)
class Result:
    """What a run measured; times in milliseconds."""

    requests: int
    seconds: float
    latencies: list[float]
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    def percentile(self, share: int) -> float:
        return quantiles(self.latencies, n=100)[share - 1]


def request_bytes(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def run(port: int, request: bytes, *, connections: int, seconds: float, status: int | None) -> Result:
    """Send ``request`` for ``seconds`` over ``connections``; every answer must have ``status``, if any is given.

    ``UNIQUE`` in the request becomes something new each time.
    """
    numbers, stem = count(), f"{time.time_ns():x}"
    latencies: list[float] = []
    statuses: Counter[int] = Counter()
    end = time.monotonic() + seconds

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.monotonic() < end:
            started = time.monotonic()
            writer.write(request.replace(UNIQUE, f"{stem}-{next(numbers):08}".encode()))
            head = await reader.readuntil(b"\r\n\r\n")
            statuses[answered := int(head[9:12])] += 1
            assert status in (None, answered), head
            length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
            await reader.readexactly(length)
            latencies.append((time.monotonic() - started) * 1000)
        writer.close()

    started = time.monotonic()
    await asyncio.gather(*(one() for _ in range(connections)))
    return Result(len(latencies), time.monotonic() - started, latencies, statuses)
