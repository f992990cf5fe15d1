"""What became of deliveries, on its way into the database: recorded in batches, where nobody waits for anybody else's.

Whoever changes or removes an endpoint holds its row and its deliveries, and with many of them for seconds. A batch that
meets such a lock gives up soon, and its owners' outcomes are recorded apart, each owner's by itself.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

import structlog
from asyncpg import PostgresError
from sqlalchemy.exc import SQLAlchemyError

from app.core.clock import monotonic
from app.core.db.errors import DATABASE_ERRORS, is_held
from app.core.db.session import transaction
from app.core.state import State
from app.webhooks.outbox.attempts import DeliveryOutcome
from app.webhooks.outbox.claims import Claimed
from app.webhooks.outbox.outcomes import record_outcomes
from app.webhooks.usecases.endpoints import disable

_FAILURES: Final = (OSError, PostgresError, SQLAlchemyError, *DATABASE_ERRORS)
_PAUSE: Final = 0.5
"""Seconds between two tries to record outcomes while the database does not answer, or somebody holds their rows."""
_MANY: Final = 8
"""Outcomes of a batch behind which the next one waits for more: they come one soon after the other."""
_GATHER: Final = 0.02
"""Seconds for which it waits at most, until it is half of what is under way."""
_PART: Final = 2
_log = structlog.get_logger(__name__)


class Recorder:
    """Records one sender's outcomes. ``ended`` is told of what need not be held any more."""

    def __init__(
        self,
        state: State,
        lease: float,
        ended: Callable[[Sequence[Claimed]], None],
        under_way: Callable[[], int],
    ) -> None:
        """``lease``: for so many seconds it is tried again, until somebody else may have claimed it anyway.

        ``under_way`` says how many deliveries are being sent, among them the one whose outcome is being added.
        """
        self._state, self._lease, self._ended, self._under_way = state, lease, ended, under_way
        self._done: list[DeliveryOutcome] = []
        self._many, self._enough = False, asyncio.Event()
        self._apart: dict[str, list[DeliveryOutcome]] = {}
        self._one_apart = asyncio.Lock()
        self._recording: asyncio.Task[None] | None = None
        self._recording_apart: set[asyncio.Task[None]] = set()

    @property
    def apart(self) -> Mapping[str, int]:
        """How many outcomes wait because somebody holds their rows, by owner."""
        return Counter({owner: len(outcomes) for owner, outcomes in self._apart.items()})

    @property
    def running(self) -> Sequence["asyncio.Task[None]"]:
        """The tasks at work."""
        tasks = [*self._recording_apart, *([self._recording] if self._recording else [])]
        return [task for task in tasks if not task.done()]

    def add(self, outcome: DeliveryOutcome) -> None:
        """Record it soon."""
        waiting = self._apart.get(outcome.delivery.owner_id)
        if waiting is not None:
            waiting.append(outcome)
            return
        self._done.append(outcome)
        if self._is_enough():
            self._enough.set()
        if self._recording is None or self._recording.done():
            self._recording = asyncio.create_task(self._record_all())

    async def _record_all(self) -> None:
        """Record what is done, and what is done meanwhile: the slower the database, the larger the batches."""
        while self._done:
            await self._gather()
            batch, self._done = self._done, []
            self._many = len(batch) >= _MANY
            held = False
            try:
                held = await self._record(batch)
            finally:
                if held:
                    self._set_apart(batch)
                else:
                    self._ended([one.delivery for one in batch])

    def _is_enough(self) -> bool:
        return len(self._done) >= self._under_way() // _PART

    async def _gather(self) -> None:
        """Behind a batch of many, wait a moment for as many: a transaction costs as much as recording dozens."""
        self._enough.clear()
        if self._many and not self._is_enough():
            with suppress(TimeoutError):
                async with asyncio.timeout(_GATHER):
                    await self._enough.wait()

    async def _record(self, batch: Sequence[DeliveryOutcome]) -> bool:
        """Write a batch, again while the database is away; whether somebody holds what it needs."""
        until = monotonic() + self._lease
        while monotonic() < until:
            try:
                await self._write(batch)
            except _FAILURES as error:
                if is_held(error):
                    return True
                _log.warning("outcomes could not be recorded", deliveries=len(batch), error=str(error))
                await asyncio.sleep(_PAUSE)
            else:
                break
        return False

    def _set_apart(self, batch: Sequence[DeliveryOutcome]) -> None:
        for outcome in batch:
            owner = outcome.delivery.owner_id
            if owner not in self._apart:
                self._apart[owner] = []
                task = asyncio.create_task(self._record_apart(owner))
                self._recording_apart.add(task)
                task.add_done_callback(self._recording_apart.discard)
            self._apart[owner].append(outcome)

    async def _record_apart(self, owner: str) -> None:
        """Record an owner's outcomes until none is left, beside all others'."""
        until = monotonic() + self._lease
        try:
            while batch := [*self._apart[owner]]:
                if await self._is_held(batch) and monotonic() < until:
                    await asyncio.sleep(_PAUSE)
                    continue
                until = monotonic() + self._lease
                self._apart[owner] = self._apart[owner][len(batch) :]
                self._ended([one.delivery for one in batch])
        finally:
            self._ended([one.delivery for one in self._apart.pop(owner)])

    async def _is_held(self, batch: Sequence[DeliveryOutcome]) -> bool:
        """Try to record a batch; one at a time, so that what others hold costs one connection."""
        async with self._one_apart:
            try:
                await self._write(batch)
            except _FAILURES as error:
                _log.warning("outcomes could not be recorded", deliveries=len(batch), error=str(error))
                return True
            return False

    async def _write(self, batch: Sequence[DeliveryOutcome]) -> None:
        async with transaction(self._state.sessions) as session:
            await record_outcomes(session, batch)
            gone = {one.delivery.endpoint_id: one.disable for one in batch if one.disable}
            for endpoint_id, reason in sorted(gone.items()):
                await disable(session, endpoint_id, reason)
        for state, number in Counter("retried" if one.state == "pending" else one.state for one in batch).items():
            self._state.metrics.deliveries.labels(state).inc(number)
