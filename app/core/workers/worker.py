"""A worker process: ``python -m app.core.workers.worker PARENT NICENESS MODULE...`` computes what its parent sends.

A message, either way, is the length of a pickle and the number of pieces that stand apart from it, in eight bytes each,
the pickle, and each piece after its own length: so neither side copies all of a large message at once
(``core/pieces.py``). An empty one goes out once the modules are imported; then ``(function, arguments)`` comes in, and
``(whether it returned, what it returned or raised)`` goes out, one task at a time. It imports what its tasks need, and
nothing else of the service. It ends when its input does, and with its parent.
"""

import importlib
import os
import pickle
import signal
import struct
import sys
import traceback
from collections.abc import Sequence
from io import BytesIO
from typing import Any, BinaryIO, Final, cast

from app.core.workers.parents import die_with

HEAD: Final = struct.Struct(">QQ")
LENGTH: Final = struct.Struct(">Q")


class _Written(list[bytes]):
    """A file of what is written, in which large bytes are not copied."""

    write = list.append


def packed(value: Any) -> list[bytes]:
    """A message, in pieces."""
    written, apart = _Written(), list[pickle.PickleBuffer]()
    pickle.Pickler(written, pickle.HIGHEST_PROTOCOL, buffer_callback=apart.append).dump(value)
    message = [HEAD.pack(sum(map(len, written)), len(apart)), *written]
    for piece in map(pickle.PickleBuffer.raw, apart):
        message += [LENGTH.pack(len(piece)), cast("bytes", piece)]
    return message


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
    while (task := _next(tasks)) is not None:
        answers.writelines(_answer(*task))
        answers.flush()


def _next(tasks: BinaryIO) -> tuple[bytes, list[bytes]] | None:
    """A pickle, and the pieces that stand apart from it; None where the input has ended."""
    try:
        length, number = HEAD.unpack(tasks.read(HEAD.size))
        content = _exactly(tasks, length)
        return content, [_exactly(tasks, *LENGTH.unpack(tasks.read(LENGTH.size))) for _ in range(number)]
    except (struct.error, EOFError):
        return None


def _exactly(tasks: BinaryIO, length: int) -> bytes:
    content = tasks.read(length)
    if len(content) < length:
        raise EOFError
    return content


def _answer(content: bytes, apart: Sequence[bytes]) -> list[bytes]:
    try:
        function, arguments = pickle.loads(content, buffers=apart)  # noqa: S301  our parent's own
        return packed((True, function(*arguments)))
    except Exception as error:  # noqa: BLE001  it is raised where the task came from
        error.add_note(traceback.format_exc())
        return _raised(error)


def _raised(error: Exception) -> list[bytes]:
    """The error, or where it cannot be sent, or read there, one that says what it was."""
    try:
        message = packed((False, error))
        content, apart = cast("tuple[bytes, list[bytes]]", _next(BytesIO(b"".join(message))))
        pickle.loads(content, buffers=apart)  # noqa: S301  our own
    except Exception:  # noqa: BLE001  whatever an exception of a library makes of it
        return packed((False, RuntimeError(traceback.format_exc())))
    return message


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
