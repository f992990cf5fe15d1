"""Processes that do not outlive the one that started them, however that ends.

Run as a program (``under``), it becomes the command that it is given, as another user where one is named.
"""

import ctypes
import os
import pwd
import signal
import sys
from collections.abc import Sequence
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None)


def die_with(parent: int, number: int) -> None:
    """For a new child to call: let it get signal ``number`` when process ``parent`` dies (Linux; elsewhere nothing).

    It is the parent's thread that counts: a child gets the signal when the thread that started it ends.
    """
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # it died before we asked to be told
            os.kill(os.getpid(), number)


def end_with_parent() -> None:
    """Let this process stop in order when the process that started it dies."""
    die_with(os.getppid(), signal.SIGTERM)


def under(parent: int, number: int, user: pwd.struct_passwd | None, command: Sequence[str]) -> list[str]:
    """The command line that runs ``command`` as ``user`` and lets it get ``number`` when process ``parent`` dies.

    The process id is that of ``command`` itself. No Python code runs between fork and exec, so any thread of a process
    with many of them may start it.
    """
    own = [sys.executable, "-I", "-S", __file__, str(parent), str(int(number))]
    return [*own, f"{user.pw_uid}:{user.pw_gid}" if user else "", *command]


def _become(parent: str, number: str, user: str, *command: str) -> None:
    if user:
        uid, gid = map(int, user.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    die_with(int(parent), int(number))  # another user's process would forget it
    os.execv(command[0], command)  # noqa: S606 - the caller's own words


if __name__ == "__main__":
    _become(*sys.argv[1:])
