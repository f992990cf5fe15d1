"""Payloads, read: here where that is quick, else in worker processes, and never while others wait for it.

A large payload, and expressions that take more than a few steps over one, take up to seconds. A background pass begins
such a reading, goes on with other hooks, and finds its result when it comes back.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn, Protocol, TypeVar, cast

import structlog

from app.core.pieces import Pieces
from app.core.problems import Problem, TooLong
from app.core.workers.offload import Offload
from app.inbound.formats.generic import STEPS, Interpretation
from app.inbound.formats.reading import read
from app.inbound.formats.signal import Batch, TooManySteps
from app.inbound.mail.reading import Mail, read_mail, read_pieces, read_pieces_as_they_are

QUICK_BYTES: Final = 16 * 1024
QUICK_MAIL: Final = 4 * 1024
QUICK_STEPS: Final = 1_500
"""What is read at once, a few milliseconds: of payloads' bytes, of e-mails' bytes, and of the expressions' steps."""
_AT_ONCE: Final = 8
"""Readings of receipts that are begun, or whose result is kept."""
_log = structlog.get_logger(__name__)


R_co = TypeVar("R_co", covariant=True)


class Readable(Protocol[R_co]):
    """What was posted, and how it is read; what is equal to it is read in the same way."""

    def quickly(self) -> R_co | None:
        """What it says; None where it takes longer than others should wait. Raises ``Unreadable``."""
        ...

    async def slowly(self, offload: Offload, owner: str, *, waits: bool = True) -> R_co:
        """What it says, read in a worker process, for somebody who ``waits``.

        Raises ``Unreadable``, and as ``Offload.run`` does.
        """
        ...


class NotRead(Exception):
    """The reading of a receipt has begun, or has to wait; the receipt comes again."""


@dataclass(frozen=True, slots=True)
class Payload:
    """What was posted, and how its hook has it read."""

    format: str
    body: bytes
    headers: Mapping[str, str]
    receipt_id: str
    interpretation: Interpretation

    def quickly(self) -> Batch | None:
        """Its signals; None where it takes longer than others should wait. Raises ``Unreadable``."""
        if len(self.body) > QUICK_BYTES:
            return None
        try:
            return self._read(QUICK_STEPS)
        except TooManySteps:
            return None

    async def slowly(self, offload: Offload, owner: str, *, waits: bool = True) -> Batch:
        """Its signals, read in a worker process. Raises ``Unreadable``, and as ``Offload.run`` does."""
        return await offload.run(owner, self._read, STEPS, waits=waits)

    def _read(self, steps: int) -> Batch:
        return read(self.format, self.body, self.headers, self.receipt_id, self.interpretation, steps=steps)


@dataclass(frozen=True, slots=True)
class RawMail:
    """An e-mail as it came. That of a receipt is always the same: it is known by the receipt."""

    body: Pieces | None = field(compare=False)
    """None where its reading is there (``Readings.mail_of``), or was"""
    receipt_id: str = ""

    def quickly(self) -> Mail | None:
        """What it says, where it is short. Raises ``NotRead`` without its bytes."""
        if self.body is None:
            raise NotRead
        return read_mail(self.body.whole()) if len(self.body) <= QUICK_MAIL else None

    async def slowly(self, offload: Offload, owner: str, *, waits: bool = True) -> Mail:
        """What it says, read in a worker process; as it stands, where it is made so that this takes for ever."""
        body = cast("Pieces", self.body)  # without it, ``quickly`` has raised
        try:
            return await offload.run(owner, read_pieces, body, waits=waits)
        except TooLong:
            return await offload.run(owner, read_pieces_as_they_are, body, waits=waits)


@dataclass(slots=True)
class Readings:
    """The slow readings of a background pass; ``ring`` brings it back when one is done."""

    offload: Offload
    ring: Callable[[], None]
    _begun: dict[str, tuple[Readable[Any], "asyncio.Task[Any]"]] = field(default_factory=dict)
    """by the id of the hook: its receipts are processed one after the other"""

    def is_begun(self, hook_id: str) -> bool:
        """Whether a receipt of the hook is being read."""
        _, task = self._begun.get(hook_id, (None, None))
        return task is not None and not task.done()

    def mail_of(self, hook_id: str) -> str | None:
        """The receipt of the hook's e-mail that is read: its bytes are not needed again."""
        payload, _ = self._begun.get(hook_id, (None, None))
        return payload.receipt_id if isinstance(payload, RawMail) else None

    def of(self, account_id: str, hook_id: str, payload: Readable[R_co]) -> R_co:
        """What a hook's receipt says. Raises ``NotRead`` where that takes its time, and ``Unreadable``."""
        begun, task = self._begun.get(hook_id, (None, None))
        if task is None or begun != payload:
            batch = payload.quickly()
            if batch is None:
                self._begin(account_id, hook_id, payload)
            return batch
        if not task.done():
            raise NotRead
        try:
            found: R_co = task.result()
        except Problem as problem:  # too many wait, or it took too long: again, when the receipt comes again
            self.over(hook_id)
            _log.warning("a payload waits to be read", hook_id=hook_id, error=str(problem))
            raise NotRead from problem
        return found

    def over(self, hook_id: str) -> None:
        """The hook's receipt is processed, or cannot be: its result is not needed any more."""
        _, task = self._begun.pop(hook_id, (None, None))
        if task and not task.cancel() and not task.cancelled():
            task.exception()  # is looked at, so that nobody warns that it was not

    def _begin(self, account_id: str, hook_id: str, payload: Readable[Any]) -> NoReturn:
        self.over(hook_id)
        if len(self._begun) >= _AT_ONCE:  # one whose hook was removed is never asked for
            self.over(next((name for name, (_, task) in self._begun.items() if task.done()), ""))
        if len(self._begun) < _AT_ONCE:
            task = asyncio.create_task(payload.slowly(self.offload, account_id, waits=False), name="reading")
            task.add_done_callback(lambda _: self.ring())
            self._begun[hook_id] = payload, task
        raise NotRead

    async def stop(self) -> None:
        """Leave what is begun: it is read again, by whoever comes to it."""
        tasks = [task for _, task in self._begun.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._begun.clear()
