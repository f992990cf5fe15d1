"""What a PostgreSQL server that did not end in order leaves behind, and how it is cleared before the next start."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from time import sleep
from typing import Final

from app.core import clock

STOP_SECONDS: Final = 60.0
_IMPOSSIBLE_PID: Final = "999999999"


class ServerFailed(RuntimeError):
    """PostgreSQL could not be started or stopped; the message ends with its log."""


def pid_file(data: Path) -> list[str]:
    """The lines of ``postmaster.pid``: the process id first, ``ready`` in the eighth. Empty where there is none."""
    try:
        text = (data / "postmaster.pid").read_text()
    except FileNotFoundError:
        return []
    return [line.strip() for line in text.splitlines()]


def clear(data: Path) -> None:
    """Before a start, with the lock held: end what outlived its process, defuse the pid file of a dead server.

    The pid in the file may be another process's by now, and PostgreSQL would refuse to start. The file is kept,
    with a pid that cannot be: its shared-memory line is PostgreSQL's own guard against surviving backends.
    """
    lines = pid_file(data)
    if lines and lines[0].isdigit() and _serves(int(lines[0]), data):
        _end_server(int(lines[0]), data)
        lines = pid_file(data)
    _end_orphans(data)
    if len(lines) > 1:
        (data / "postmaster.pid").write_text("\n".join([_IMPOSSIBLE_PID, *lines[1:], ""]))
    else:
        (data / "postmaster.pid").unlink(missing_ok=True)  # PostgreSQL refuses one that was cut short


def _serves(pid: int, data: Path) -> bool:
    """Whether process ``pid`` is a PostgreSQL server of this very folder, by its command line."""
    if sys.platform == "linux":
        try:
            command = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):
            return False
    else:
        ps = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
        command = subprocess.run(ps, check=False, capture_output=True, text=True).stdout  # noqa: S603 - our own words
    return "postgres" in command and f" -D {data} " in command


def _end_server(pid: int, data: Path) -> None:
    with suppress(ProcessLookupError):  # it has ended by itself
        os.kill(pid, signal.SIGINT)
    end = clock.monotonic() + STOP_SECONDS
    while _serves(pid, data):
        if clock.monotonic() > end:
            raise ServerFailed(f"The PostgreSQL server {pid} of {data} was left over, and does not end")
        sleep(0.01)


def _end_orphans(data: Path) -> None:
    """Kill the children of a server that is dead: they hold its shared memory, and keep the next one from starting.

    Those that wait for something see that their server is gone and leave; one that computes, or is stopped, may stay
    for long. What they had not committed is lost with the server anyway. Linux only: elsewhere the next try waits.
    """
    end = clock.monotonic() + STOP_SECONDS
    while orphans := _processes_in(data):
        if clock.monotonic() > end:
            raise ServerFailed(f"The PostgreSQL processes {orphans} of {data} were left over, and do not end")
        for pid in orphans:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        sleep(0.01)


def _processes_in(data: Path) -> list[int]:
    """The running PostgreSQL processes whose working folder is ``data``, as every one's is."""
    return [int(each.name) for each in Path("/proc").glob("[0-9]*") if _works_in(each, data)]


def _works_in(process: Path, data: Path) -> bool:
    try:
        return (process / "cwd").readlink() == data and (process / "exe").readlink().name.startswith("postgres")
    except OSError:  # it has ended, or is another user's
        return False
