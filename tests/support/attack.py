"""One caller's attack, as a process of its own: ``python -m tests.support.attack PORT CONNECTIONS SECONDS``.

The request comes on standard input; each connection sends it again as soon as it is answered. At the end how often each
status came is printed as JSON. It is bounded in connections and in time.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from app.core.auth import make_key

_MOST: Final = 400
_LONGEST: Final = 30.0
_ROOT: Final = Path(__file__).resolve().parents[2]
UNIQUE: Final = b"{unique}"
"""Becomes something else in each request, of 26 characters."""
GUESS: Final = b"{guess}"
"""Becomes another account's key in each request, well-formed and of nobody."""


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
def attack(port: int, sent: bytes, *, connections: int, seconds: float) -> Iterator[Attack]:
    """The attack, while the block runs and until its time is over."""
    arguments = [str(port), str(min(connections, _MOST)), str(min(seconds, _LONGEST))]
    command = [sys.executable, "-m", "tests.support.attack", *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_ROOT)
    assert process.stdin
    process.stdin.write(sent)
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


async def _run(port: int, sent: bytes, connections: int, seconds: float) -> Counter[int]:
    statuses: Counter[int] = Counter()
    end = time.monotonic() + seconds
    numbers = iter(range(10**9))

    async def one() -> None:
        while time.monotonic() < end:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                while time.monotonic() < end:
                    writer.write(_another(sent, next(numbers)))
                    head = await reader.readuntil(b"\r\n\r\n")
                    length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
                    await reader.readexactly(int(length or 0))
                    statuses[int(head[9:12])] += 1
            except (OSError, asyncio.IncompleteReadError):
                statuses[0] += 1
            finally:
                writer.close()

    async with asyncio.timeout(seconds + 20):
        await asyncio.gather(*(one() for _ in range(connections)))
    return statuses


def _main() -> None:
    port, connections, seconds = sys.argv[1:]
    statuses = asyncio.run(_run(int(port), sys.stdin.buffer.read(), int(connections), float(seconds)))
    sys.stdout.write(json.dumps(statuses))


if __name__ == "__main__":
    _main()
