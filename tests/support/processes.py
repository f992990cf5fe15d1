"""Other processes, as Linux shows them. One can end between two looks at it."""

import os
from contextlib import suppress
from pathlib import Path


def state_of(pid: int) -> str | None:
    """The letter of its state: ``Z`` where it has ended and nobody has noted it. None where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def is_gone(pid: int) -> bool:
    """Whether there is no such process any more; one that has ended and is our own is noted."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    return state_of(pid) is None
