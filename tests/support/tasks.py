"""Tasks for worker processes: each does to its process what a test is about."""

import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

from app.core.pieces import Pieces
from app.core.problems import Fault, Invalid
from app.core.text.messages import verbatim
from app.inbound.mail.parts import Part
from app.inbound.mail.reading import Mail, read_mail

T = TypeVar("T")
_SOME: Final = 4_096


def process() -> tuple[int, int]:
    """The id of the process that computes this, and its niceness."""
    return os.getpid(), os.getpriority(os.PRIO_PROCESS, 0)


def modules() -> list[str]:
    """What it has imported."""
    return list(sys.modules)


def repeated(content: bytes, times: int) -> bytes:
    """A long answer."""
    print("This is printed, and not an answer")  # noqa: T201  as a library might
    return content * times


def returned(value: T) -> T:
    """What it was given."""
    return value


def with_itself(pieces: Pieces) -> Mail:
    """An e-mail as its first lines say it, and the whole of it as a file."""
    return replace(read_mail(pieces.each[0][:_SOME]), parts=(Part("a.png", "image/png", len(pieces), pieces),))


def compute(seconds: float) -> None:
    """Use a processor for so many seconds."""
    while time.process_time() < seconds:
        pass


def refuse() -> None:
    """Raise a problem with all that a problem can have."""
    raise Invalid(
        verbatim("No"), errors=[Fault(pointer="/a", detail=verbatim("Wrong"))], headers={"Retry-After": "1"}, limit=3
    )


class Unsendable(Exception):
    """An error that a pickle cannot be made into again."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


def fail_oddly() -> None:
    """Raise what cannot be sent."""
    raise Unsendable("so", "odd")


def work_until(file: Path) -> int:
    """Tell the process in a file, and compute until another file is there; it is endless where none ever is."""
    file.with_suffix(".pid").write_text(str(os.getpid()))
    while not file.exists():
        time.sleep(0.001)
    return os.getpid()


def die() -> None:
    """End as a process does that the system kills."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(file: Path) -> str:
    """The same, the first time."""
    if not file.exists():
        file.touch()
        die()
    return "done"
