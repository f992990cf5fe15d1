"""Quick starts of the command ``heliodesk``: forks of a process that has imported it already (``forker.py``).

What is started is a process of its own, with its own environment, output and signals. The start of Python and the
imports, which are most of what a start costs, are paid for once by all tests of this process.
"""

import atexit
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Final

_ROOT: Final = Path(__file__).resolve().parents[2]
_PROGRAM: Final = "from tests.support.forker import main; main()"
_NUMBER: Final = struct.Struct(">i")
_lock = Lock()
_forkers: list[socket.socket] = []


class Forked:
    """A process that was started so; what ``subprocess.Popen`` has of the same name does the same here."""

    def __init__(self, told: int) -> None:
        self._told = told
        self.returncode: int | None = None
        self.pid = _number(told)

    def __del__(self) -> None:
        os.close(self._told)

    def poll(self) -> int | None:
        """The exit code, if it has ended."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, once it has ended."""
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired("heliodesk", timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._told], [], [], timeout)[0]:
            self.returncode = _number(self._told)
        return self.returncode


def fork(
    arguments: Sequence[str], environment: Mapping[str, str], files: tuple[int, int], *, ahead: float, cache: Path
) -> Forked:
    """``heliodesk`` with these arguments and nothing else than this environment, in the root of the source tree.

    ``files`` take its output and its errors. ``ahead``: by how many seconds its machine's clock is. ``cache``: where
    bytecode is kept.
    """
    told, tell = os.pipe()
    wanted = json.dumps([arguments, dict(environment), ahead]).encode()
    with Path(os.devnull).open("rb") as nothing:
        socket.send_fds(_forker(cache), [wanted], [nothing.fileno(), *files, tell])
    os.close(tell)
    return Forked(told)


def _forker(cache: Path) -> socket.socket:
    """Where to ask for a process; the first to ask starts the one that is forked, which ends when we do."""
    with _lock:
        if not _forkers:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                process = subprocess.Popen(
                    [sys.executable, "-c", _PROGRAM, str(theirs.fileno())],
                    cwd=_ROOT,
                    env={"PATH": os.environ.get("PATH", os.defpath), "PYTHONPYCACHEPREFIX": str(cache)},
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                )
            atexit.register(_end, process, ours)
            _forkers.append(ours)
        return _forkers[0]


def _end(process: "subprocess.Popen[bytes]", asked: socket.socket) -> None:
    asked.close()
    process.wait()


def _number(pipe: int) -> int:
    """The next number that the forker tells."""
    content = os.read(pipe, _NUMBER.size)
    if len(content) < _NUMBER.size:
        raise ChildProcessError("The process that is forked has ended")
    return int(_NUMBER.unpack(content)[0])
