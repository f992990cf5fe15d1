"""Runs the passes of one background job in this process."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Final

import structlog

from app.core.clock import database_now, monotonic
from app.core.db.engine import Sessions
from app.core.db.errors import is_outage
from app.core.db.pool import holder
from app.core.jobs.heartbeats import Heartbeats
from app.core.jobs.job import LONGEST_REST, Job
from app.core.metrics import Metrics

BREATH: Final = timedelta(milliseconds=10)
"""After a pass that found nothing although something is due: another replica or a request holds it."""
DRAIN_SECONDS: Final = 25.0
_ENDING: Final = 3.0
"""Seconds that a pass has, once it is cut off, to put things in order: until then it has its connections."""
_log = structlog.get_logger(__name__)


class Runner:
    """One job in this process: never twice at once, never silent about an error."""

    def __init__(
        self, job: Job, sessions: Sessions, metrics: Metrics, heartbeats: Heartbeats, turn: asyncio.Lock
    ) -> None:
        """``sessions``: of the background; what happens is counted in ``metrics``, and each pass gives a beat.

        ``turn`` belongs to whichever job with a rest has its turn: they share one, and so the time that is for them.
        """
        self.job = job
        self._sessions, self._metrics, self._heartbeats, self._turn = sessions, metrics, heartbeats, turn
        self._running: asyncio.Task[None] | None = None
        self._again = False
        self._stopped = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    def wake(self) -> None:
        """Run a pass now, or directly after the one that runs."""
        if self._stopped.is_set():
            return
        if self._running and not self._running.done():
            self._again = True
            return
        self._running = asyncio.create_task(self._passes(), name=self.job.name)

    async def _passes(self) -> None:
        holder.set(self.job.name)
        self._again = True
        while self._again and not self._stopped.is_set():
            self._again = False
            await (self._batch() if self.job.rest else self._pass())

    async def _batch(self) -> None:
        """One pass when it is the job's turn, which lasts until the rest is over; then another, if there was work."""
        async with self._turn:
            seconds = 0.0 if self._stopped.is_set() else await self._pass()
            if seconds:
                self._again = True
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopped.wait(), min(seconds * self.job.rest, LONGEST_REST))

    async def _pass(self) -> float:
        """One pass with its time limit, then the timer for the next instant; an error ends nothing but this pass.

        The seconds that it took; 0 when it found nothing to do, or failed.
        """
        started = monotonic()
        try:
            async with asyncio.timeout(self.job.timeout.total_seconds()):
                done = await self.job.run()
                await self._arm(timedelta(0) if done else BREATH)
        except Exception as error:  # noqa: BLE001  whatever went wrong is logged and counted, and the next pass comes
            self._metrics.job_failures.labels(self.job.name).inc()
            log = _log.warning if is_outage(error) else _log.exception  # an outage comes every 250 ms, to every job
            log("a background pass failed", job=self.job.name, error=repr(error))
            return 0.0
        self._heartbeats.beat(self.job.name, monotonic())
        seconds = monotonic() - started
        self._metrics.jobs.labels(self.job.name).observe(seconds)
        return seconds if done else 0.0

    async def _arm(self, pause: timedelta) -> None:
        """Arm the timer for the next instant, when it comes before the next poll; one that has passed waits a pause."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        due = await self.job.next_instant() if self.job.next_instant else None
        if due is None:
            return
        async with (self.job.sessions or self._sessions)() as session:
            wait = due - await database_now(session)
        if wait < self.job.every:
            delay = wait if wait > timedelta(0) else pause
            self._timer = asyncio.get_running_loop().call_later(delay.total_seconds(), self.wake)

    async def stop(self) -> None:
        """Begin no further pass, and wait for the one that runs; cut it off when it takes too long.

        What is cut off has some seconds to put things in order.
        """
        self._stopped.set()
        if self._running and not self._running.done():
            if not self.job.is_cut_off:
                await asyncio.wait([self._running], timeout=DRAIN_SECONDS)
            self._running.cancel()
            await asyncio.wait([self._running], timeout=_ENDING)
        if self._timer:
            self._timer.cancel()
        if self.job.stop:
            await self.job.stop()
