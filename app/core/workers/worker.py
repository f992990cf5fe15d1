"""A worker process: ``python -m app.core.workers.worker PARENT NICENESS MODULE...`` computes what its parent sends.

A message, either way, is its length in eight bytes and a pickle. An empty one goes out once the modules are imported;
then ``(function, arguments)`` comes in, and ``(whether it returned, what it returned or raised)`` goes out, one task at
a time. It imports what its tasks need, and nothing else of the service. It ends when its input does, and with its
parent.
"""

import importlib
import os
import pickle
import signal
import struct
import sys
import traceback
from collections.abc import Sequence
from typing import Any, BinaryIO, Final

from app.core.workers.parents import die_with

LENGTH: Final = struct.Struct(">Q")


class _Pieces(list[bytes]):
    """A file of pieces, in which large bytes are not copied."""

    write = list.append


def packed(value: Any) -> list[bytes]:
    """A message, in pieces."""
    pieces = _Pieces()
    pickle.Pickler(pieces, pickle.HIGHEST_PROTOCOL).dump(value)
    return [LENGTH.pack(sum(map(len, pieces))), *pieces]


def main(parent: int, niceness: int, modules: Sequence[str]) -> None:
    """Compute until there is nothing more to come."""
    die_with(parent, signal.SIGKILL)
    for number in (
        signal.SIGINT,
        signal.SIGTERM,
    ):  # sent to all of a group, or service: the parent ends us when it is done
        signal.signal(number, signal.SIG_IGN)
    tasks, answers = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what prints does not get among the answers
    for module in modules:
        importlib.import_module(module)
    os.nice(niceness)  # it starts at full speed: somebody waits for it already
    answers.writelines(packed(None))
    answers.flush()
    while (content := _next(tasks)) is not None:
        answers.writelines(_answer(content))
        answers.flush()


def _next(tasks: BinaryIO) -> bytes | None:
    head = tasks.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    content = tasks.read(length)
    return content if len(content) == length else None


def _answer(content: bytes) -> list[bytes]:
    try:
        function, arguments = pickle.loads(content)  # noqa: S301  our parent's own
        return packed((True, function(*arguments)))
    except Exception as error:  # noqa: BLE001  it is raised where the task came from
        error.add_note(traceback.format_exc())
        return _raised(error)


def _raised(error: Exception) -> list[bytes]:
    """The error, or where it cannot be sent, or read there, one that says what it was."""
    try:
        message = packed((False, error))
        pickle.loads(b"".join(message[1:]))  # noqa: S301  our own
    except Exception:  # noqa: BLE001  whatever an exception of a library makes of it
        return packed((False, RuntimeError(traceback.format_exc())))
    return message


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
