"""Heavy computations, in processes of their own: the event loop goes on, and what takes too long can be ended.

What is computed is a function of a module, with arguments and a result that pickle well: bytes, texts, instants. It is
pure, so that it may be done again when its process dies. The processes start on demand and end when they are idle.

A result is unpickled in the event loop, since a thread would not leave it to others meanwhile. A thousand small objects
take a millisecond, and so a function answers with some thousands at most, or with bytes; those of megabytes are
``Pieces``, which come one by one.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from pickle import loads
from subprocess import PIPE, Popen
from typing import Any, Final, TypeVar, TypeVarTuple, cast

import structlog

from app.core.auth import Principal
from app.core.clock import monotonic, processor_seconds
from app.core.metrics import Metrics
from app.core.problems import Starved, TooLong, Unavailable
from app.core.settings import Settings
from app.core.text.messages import _
from app.core.workers.fair_slots import FairSlots
from app.core.workers.worker import HEAD, LENGTH, packed

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")

_NICENESS: Final = 10
_ATTEMPTS: Final = 2
_START_SECONDS: Final = 60
_STARVED: Final = 6
"""How many times longer than its deadline a task takes at most that nobody waits for, on a machine that is busy."""
_OWNERS: Final = 4
"""So many owners fill the queue at the least."""
_BUFFER: Final = 1024 * 1024
_MOMENT: Final = 0.002
"""Seconds after which a process is looked for again that is killed."""
_PACKAGES: Final = Path(__file__).resolve().parents[3]
_RETRY: Final = {"Retry-After": "5"}
_log = structlog.get_logger(__name__)


class WorkerLost(Exception):
    """A worker process ended in the middle of a task."""


def owner_of(principal: Principal) -> str:
    """In whose name a computation waits for its turn: the account's, or a key's that belongs to none."""
    return principal.account_id or principal.key_id


class _StarvedError(TimeoutError):
    """A task had hardly any time of a processor."""


class Offload:
    """The worker processes of one service process, and the queue before them."""

    def __init__(self, settings: Settings, metrics: Metrics, modules: Sequence[str] = ()) -> None:
        """``modules`` are what most tasks need: a process imports them before its first."""
        self._modules = modules
        queue = settings.offload_queue
        self._slots = FairSlots(settings.offload_workers, waiting=queue, share=max(1, queue // _OWNERS))
        self._deadline, self._idle_seconds = settings.offload_deadline, settings.offload_idle
        self._seconds = metrics.offloaded
        self._idle: list[_Worker] = []
        self._workers: set[_Worker] = set()
        metrics.offload_waiting.set_function(lambda: self.waiting)
        metrics.offload_workers.set_function(lambda: len(self._workers))

    @property
    def waiting(self) -> int:
        """How many computations wait for a process."""
        return len(self._slots)

    async def run(
        self,
        owner: str,
        function: Callable[[*Arguments], T],
        *arguments: *Arguments,
        waits: bool = True,
        patience: int = 1,
    ) -> T:
        """What ``function`` returns, or raises.

        ``waits``: somebody does, and the deadline is by the clock. Else it counts the seconds for which the process has
        had a processor, on a machine whose processors others have, up to several times as many by the clock; and of
        several processes, one is left to what somebody waits for. ``patience``: how many times longer by the clock than
        that it may take then.
        429 when ``owner`` has its share of the queue, 503 when that is full (``Crowded``), when the task takes longer
        than the deadline (``TooLong``; ``Starved`` where others have the processors), and when its process dies again
        and again. A caller that is cancelled ends the task.
        """
        message = packed((function, arguments))
        began, outcome = monotonic(), "refused"
        try:
            async with self._slots.taken(owner, within=self._deadline, hurried=waits):
                outcome = "failed"
                done, value = await self._attempted(message, None if waits else self._deadline * _STARVED * patience)
            outcome = "done"
        except TimeoutError as error:
            outcome = "too long"
            detail = _(
                "This takes longer than {deadline} seconds to compute: ask for less, or try again later",
                deadline=self._deadline,
            )
            kind = Starved if isinstance(error, _StarvedError) else TooLong
            raise kind(detail, headers=_RETRY) from error
        finally:
            self._seconds.labels(outcome).observe(monotonic() - began)
        if not done:
            raise cast("Exception", value)
        return cast("T", value)

    async def close(self) -> None:
        """End all processes; nobody waits for one any more."""
        for worker in list(self._workers):
            await self._end(worker)

    async def _attempted(self, message: Sequence[bytes], longest: float | None) -> tuple[bool, object]:
        for _attempt in range(_ATTEMPTS):
            try:
                return await self._computed(message, longest)
            except WorkerLost as error:
                _log.warning("a worker process was lost", error=str(error))
        raise Unavailable(_("The process that was computing this has ended"), headers=_RETRY)

    async def _computed(self, message: Sequence[bytes], longest: float | None) -> tuple[bool, object]:
        worker = self._idle.pop() if self._idle else await self._started()
        worker.keep()
        try:
            answer = await self._within(worker, worker.answer(message), longest)
        except BaseException:
            await self._end(worker)
            raise
        self._idle.append(worker)
        worker.expire(self._idle_seconds, self._expire)
        return answer

    async def _within(self, worker: "_Worker", computing: Coroutine[Any, Any, T], longest: float | None) -> T:
        """What a worker computes in time: the clock's or, within so many seconds, a processor's. ``TimeoutError``."""
        began, before, left = monotonic(), worker.processor_seconds, self._deadline
        task = asyncio.create_task(computing, name="offload")
        try:
            while not (await asyncio.wait({task}, timeout=left))[0]:
                by_clock = monotonic() - began
                used = by_clock if longest is None else worker.processor_seconds - before
                left = self._deadline - used if longest is None else min(self._deadline - used, longest - by_clock)
                if left <= 0:
                    raise TimeoutError if used >= self._deadline else _StarvedError
            return await task
        finally:
            task.cancel()

    async def _started(self) -> "_Worker":
        worker = _Worker(_spawn(self._modules))
        self._workers.add(worker)
        try:
            async with asyncio.timeout(_START_SECONDS):
                await worker.open()
                await worker.message()
        except TimeoutError as error:
            await self._end(worker)
            raise WorkerLost(f"a process did not start within {_START_SECONDS} s") from error
        except BaseException:
            await self._end(worker)
            raise
        return worker

    def _expire(self, worker: "_Worker") -> None:
        """It has been idle for long enough."""
        self._idle.remove(worker)
        worker.ending = asyncio.create_task(self._end(worker), name="offload")

    async def _end(self, worker: "_Worker") -> None:
        self._workers.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        await worker.end()


def _spawn(modules: Sequence[str]) -> "Popen[bytes]":
    """A new worker process: of this interpreter, with this package, whatever the working directory holds.

    The child shares our memory until it is the other program, which takes a fraction of a millisecond (``vfork``).
    ``uvloop`` copies the tables of our pages, and other event loops have a thread for each process.
    """
    packages = os.pathsep.join(filter(None, (str(_PACKAGES), os.environ.get("PYTHONPATH"))))
    environment = os.environ | {"PYTHONPATH": packages}
    command = (sys.executable, "-P", "-m", "app.core.workers.worker", str(os.getpid()), str(_NICENESS), *modules)
    try:
        return Popen(command, stdin=PIPE, stdout=PIPE, bufsize=0, env=environment)  # noqa: S603  our own
    except OSError as error:  # no memory, or no more processes
        raise WorkerLost(str(error)) from error


class _Worker:
    """One process."""

    ending: asyncio.Task[None]

    def __init__(self, process: "Popen[bytes]") -> None:
        self._process = process
        self._timer: asyncio.TimerHandle | None = None
        self._pipes: list[asyncio.BaseTransport] = []

    async def open(self) -> None:
        """Open its pipes."""
        loop = asyncio.get_running_loop()
        self._answers = asyncio.StreamReader(_BUFFER)
        reading = asyncio.StreamReaderProtocol(self._answers)
        self._pipes.append((await loop.connect_read_pipe(lambda: reading, self._process.stdout))[0])
        writing = asyncio.StreamReaderProtocol(asyncio.StreamReader())  # nothing is read by it
        transport, _protocol = await loop.connect_write_pipe(lambda: writing, self._process.stdin)
        self._pipes.append(transport)
        self._tasks = asyncio.StreamWriter(transport, writing, None, loop)

    async def answer(self, message: Sequence[bytes]) -> tuple[bool, object]:
        """Whether the task returned, and what it returned or raised. ``WorkerLost``."""
        try:
            for piece in message:
                self._tasks.write(piece)
                await self._tasks.drain()
        except (OSError, RuntimeError) as error:  # the latter is uvloop's, of a pipe that it has closed itself
            raise WorkerLost(f"process {self._process.pid}: {error!r}") from error
        return cast("tuple[bool, object]", await self.message())

    async def message(self) -> object:
        """What it tells next. ``WorkerLost``."""
        try:
            length, number = HEAD.unpack(await self._answers.readexactly(HEAD.size))
            content = await self._answers.readexactly(length)
            apart = [await self._piece() for _ in range(number)]
            return cast("object", loads(content, buffers=apart))  # noqa: S301  our own process's
        except (OSError, EOFError) as error:
            raise WorkerLost(f"process {self._process.pid}: {error!r}") from error

    async def _piece(self) -> bytes:
        (length,) = LENGTH.unpack(await self._answers.readexactly(LENGTH.size))
        return await self._answers.readexactly(length)

    @property
    def processor_seconds(self) -> float:
        """For how long it has had a processor, also once it has ended: its id is its own until ``end``."""
        return processor_seconds(self._process.pid)

    def expire(self, seconds: float, expired: "Callable[[_Worker], None]") -> None:
        """Call ``expired`` unless it is kept within so many seconds."""
        self._timer = asyncio.get_running_loop().call_later(seconds, expired, self)

    def keep(self) -> None:
        """It is wanted."""
        if self._timer:
            self._timer.cancel()

    async def end(self) -> None:
        """Kill the process, and wait until it is gone: whatever it computes, nobody wants it."""
        self.keep()
        self._process.kill()
        for pipe in self._pipes:
            pipe.close()
        await asyncio.shield(asyncio.create_task(self._gone(), name="offload"))

    async def _gone(self) -> None:
        """Wait until it has ended, and nothing of it is left."""
        while self._process.poll() is None:  # noqa: ASYNC110  nothing tells it on every system
            await asyncio.sleep(_MOMENT)
