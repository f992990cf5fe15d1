"""The process that ``forks.py`` forks: it imports the command ``heliodesk``, and becomes it in each fork.

Run with the number of a socket, from which it takes what to start until that is closed: arguments and an environment,
with the files for standard input, output and error, and a pipe into which it tells the process id and the exit code.
"""

import json
import os
import select
import signal
import socket
import struct
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

import time_machine
import uuid_utils

from app.cli.start import run

_NUMBER: Final = struct.Struct(">i")
_LARGEST: Final = 2**18
"""Bytes of what is asked for."""
_FILES: Final = 4


def main() -> None:
    """Fork until the tests end; in each fork, run the command."""
    arguments = _asked(socket.socket(fileno=int(sys.argv[1])))
    if arguments is not None:
        sys.argv[:] = ["heliodesk", *arguments]
        run()


def _asked(asked: socket.socket) -> list[str] | None:
    """In a fork, the arguments; in the process that is forked, nothing once the tests have ended."""
    ended, end = os.pipe()
    for each in (ended, end):
        os.set_blocking(each, False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the tests, which tell us by ending
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(end, warn_on_full_buffer=False)
    children: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([asked.fileno(), ended], [], [])
        if ended in ready:
            os.read(ended, 2**16)
            _tell_ends(children)
        if asked.fileno() in ready:
            wanted, files, _, _ = socket.recv_fds(asked, _LARGEST, _FILES)
            if not wanted:
                _kill(children)
                return None
            *standard, tell = files
            child = os.fork()
            if not child:
                signal.set_wakeup_fd(-1)
                asked.close()
                for each in (ended, end, tell, *children.values()):
                    os.close(each)
                return _become(standard, *json.loads(wanted))
            for each in standard:
                os.close(each)
            children[child] = tell
            os.write(tell, _NUMBER.pack(child))


def _become(standard: list[int], arguments: list[str], environment: dict[str, str], ahead: float) -> list[str]:
    """Be as a process that has just been started so, on a machine whose clock is so many seconds ahead."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, file in enumerate(standard):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    if ahead:
        _travel(ahead)
    return arguments


def _travel(ahead: float) -> None:
    machines = uuid_utils.uuid7  # asks the machine itself

    def uuid7() -> uuid_utils.UUID:
        return machines(nanoseconds=time.time_ns())

    uuid_utils.uuid7 = uuid7  # type: ignore[assignment]  # as our code calls it
    time_machine.travel(datetime.now(UTC) + timedelta(seconds=ahead), tick=True).start()
    time.time()  # it begins to tick when it is first asked


def _tell_ends(children: dict[int, int]) -> None:
    """Tell the exit code of each child that has ended."""
    for child, tell in [*children.items()]:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            with suppress(BrokenPipeError):  # nobody asks
                os.write(tell, _NUMBER.pack(os.waitstatus_to_exitcode(status)))
            os.close(children.pop(child))


def _kill(children: dict[int, int]) -> None:
    """Leave none behind."""
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
