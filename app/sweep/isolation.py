"""What would hold up everybody's sweep is processed beside it: storms of one account, and tickets that fail.

All of them take turns on two connections, so that one batch is processed while the database writes another, and whoever
has taken least time is next. A batch that failed, or was too slow, is split until it goes through or a single ticket is
left; that one is put aside (``tickets.postponing``).
"""

import asyncio
from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, TypeAlias

import structlog

from app.core.clock import monotonic
from app.core.db.causes import Cause, cause_of
from app.core.db.engine import Sessions
from app.core.db.session import glance
from app.core.jobs.backoff import POSTPONED_AFTER
from app.core.jobs.fair_turns import Turns
from app.core.metrics import Metrics
from app.core.signals import WakeUp
from app.sweep.batch import Batch, Limits, run_batch
from app.sweep.claims import Apart, of_account, of_tickets
from app.sweep.lanes import Pace
from app.tickets.background import postponing
from app.tickets.background.postponing import Suspect

BUDGET: Final = 5.0
"""Seconds of a pass: then it ends, and the next one goes on."""
STORM: Final = Limits(processing=0.2, lock=0.5, whole=1.0)
_GROUP: Final = Limits(processing=0.5, lock=0.5, whole=1.0)
ALONE: Final = Limits(processing=2.0, lock=0.5, whole=2.0)
"""Generous for a single ticket, which takes a few milliseconds."""
_SECONDS: Final = 0.05
_LEAST: Final = 100
_MOST: Final = 500
_RETRIES: Final = 20
_SUSPECTS: Final = 5_000
"""Where more tickets fail, it is not the tickets."""
_SUSPECTED: Final = ""
"""The turn of tickets that failed; the others are accounts'."""
_ONCE: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Group:
    """Tickets of a batch that failed: one of them may be why."""

    tickets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """A ticket whose fault is known already."""

    suspect: Suspect
    error: Exception


_Item: TypeAlias = Group | Fault | Suspect

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Isolation:
    """The other lane of the sweep. Any number of replicas may have one: the database arbitrates."""

    sessions: Sessions
    metrics: Metrics
    wake_up: WakeUp = field(default_factory=WakeUp)
    limits: Limits = STORM
    alone: Limits = ALONE
    _turns: Turns = field(default_factory=Turns)
    _paces: dict[str, Pace] = field(default_factory=dict)
    _queue: deque[_Item] = field(default_factory=deque)

    @property
    def apart(self) -> Apart:
        """What everybody's sweep leaves to this one."""
        return Apart(self._turns.names - {_SUSPECTED}, self._suspected)

    @property
    def _suspected(self) -> frozenset[str]:
        return frozenset(ticket for item in self._queue for ticket in _ids(item))

    def take_account(self, account_id: str) -> None:
        """Process all that is due of an account here."""
        if account_id not in self._turns:
            self._turns.join(account_id)
            self._paces[account_id] = Pace(_SECONDS, _LEAST, _MOST)
            self.wake_up.ring()

    def take_failed(self, batch: Batch) -> None:
        """Try the tickets of a batch here that failed, and those of it that cannot be processed.

        Raises the batch's error when so many tickets fail that it cannot be because of them.
        """
        items: list[_Item] = [Fault(Suspect(ticket), error) for ticket, error in batch.faulty.items()]
        if batch.error:
            if len(self._suspected) + len(batch.tickets) > _SUSPECTS:
                raise batch.error
            items = [Group(tuple(batch.tickets))]
            _log.warning("a batch failed and is split", tickets=len(batch.tickets), error=repr(batch.error))
        self._put(items)

    def _put(self, items: Iterable[_Item]) -> None:
        self._queue.extend(items)
        if self._queue and _SUSPECTED not in self._turns:
            self._turns.join(_SUSPECTED)
            self.wake_up.ring()

    async def run_pass(self) -> int:
        """Go on for a while; the number of tickets processed."""
        await self._recall()
        ends = monotonic() + BUDGET
        done = await asyncio.gather(
            self._take_turns(ends), self._take_turns(ends, {_SUSPECTED}), return_exceptions=True
        )
        for each in done:
            if isinstance(each, BaseException):
                raise each
        return sum(number for number in done if isinstance(number, int))

    async def _take_turns(self, ends: float, leaving: Collection[str] = ()) -> int:
        """Take turns, but not these, until ``ends``; the number of tickets processed."""
        done = 0
        while monotonic() < ends and (name := self._turns.next(leaving)) is not None:
            began = monotonic()
            try:
                done += await (self._try_suspect() if name == _SUSPECTED else self._process_storm(name))
            finally:
                self._turns.charge(name, monotonic() - began)
        return done

    async def next_instant(self) -> datetime | None:
        """When a postponed ticket is tried again; at once, where there is something left to do."""
        async with glance(self.sessions) as session:
            outlook = await postponing.outlook(session)
        self.metrics.postponed.set(outlook.postponed)
        return _ONCE if self._turns else outlook.retry_at

    async def _recall(self) -> None:
        """Queue postponed tickets that are to be tried again."""
        if any(isinstance(item, Suspect) for item in self._queue):
            return
        async with glance(self.sessions) as session:
            due = await postponing.due(session, _RETRIES)
        self._put(due)

    async def _process_storm(self, account_id: str) -> int:
        pace = self._paces[account_id]
        size = pace.size
        batch = await run_batch(self.sessions, of_account(size, account_id, self.apart), self.limits)
        pace.note(batch.caught_up, batch.seconds, batch.beside)
        if batch.error:
            pace.halve()
        self.take_failed(batch)
        if len(batch.accounts) < size and (batch.is_whole or batch.error):
            self._turns.leave(account_id)
            self._paces.pop(account_id, None)
        return batch.caught_up

    async def _try_suspect(self) -> int:
        item = self._queue[0]
        done = await self._try(item)
        self._queue.popleft()
        if not self._queue:
            self._turns.leave(_SUSPECTED)
        return done

    async def _try(self, item: _Item) -> int:
        """Try a part of the queue, and put what is left of it at its end. An outage leaves the queue as it is."""
        if isinstance(item, Fault):
            await self._put_aside(item)
            return 0
        tickets = _ids(item)
        alone = len(tickets) == 1
        batch = await run_batch(self.sessions, of_tickets(tickets), self.alone if alone else _GROUP)
        if batch.error is None and not (alone and batch.faulty):
            self.take_failed(batch)
            return batch.caught_up
        if not alone:
            middle = len(tickets) // 2
            self._put((Group(tickets[:middle]), Group(tickets[middle:])))
            return 0
        error = batch.error or batch.faulty[tickets[0]]
        if cause_of(error) is Cause.CONTENTION:
            self._put((item,))
        else:
            await self._put_aside(Fault(item if isinstance(item, Suspect) else Suspect(tickets[0]), error))
        return 0

    async def _put_aside(self, fault: Fault) -> None:
        aside = await postponing.put_aside(self.sessions, fault.suspect, fault.error)
        if aside and fault.suspect.failures + 1 >= POSTPONED_AFTER:
            self.metrics.postponements.labels(cause_of(fault.error).value).inc()


def _ids(item: _Item) -> tuple[str, ...]:
    if isinstance(item, Group):
        return item.tickets
    return (item.suspect.ticket_id if isinstance(item, Fault) else item.ticket_id,)
