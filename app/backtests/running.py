"""A backtest from its request to its result: prepared, then folded batch by batch in worker processes. It never writes.

Each batch is read in a short transaction of its own, so that neither vacuum nor the feed waits for a backtest, and only
a few are in memory at a time.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import orjson
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.backtests import heavy, plans
from app.backtests.heavy import Batch, Record
from app.backtests.outcomes import Tally
from app.backtests.plans import Trial
from app.backtests.reading import Known, Scope, batches, count, patiently
from app.backtests.schemas import NewBacktest
from app.core.clock import database_now
from app.core.db.engine import Sessions
from app.core.db.session import driver, snapshot
from app.core.problems import Crowded, Fault, Invalid, Starved, TooLong, TooManyRequests
from app.core.schemas.shared import pointer
from app.core.text.language import Language
from app.core.text.messages import Message, _
from app.core.workers.offload import Offload
from app.plans.store import current_version

MOST: Final = 50_000
"""Tickets that are tried; of more, a sample of about so many."""
_AT_ONCE: Final = 2
"""Batches that are computed at a time; another is read meanwhile."""
_TASK: Final = 50
"""Tickets of one task: some hundredths of a second, so that a busy machine does not take it beyond its deadline."""
_BREATH: Final = 1.0
"""Seconds until a task is tried again for which no turn came."""
_STARVED: Final = 3
"""How often a ticket is tried for which no processor has time, each time for twice as long."""
_SMALLER: Final = 5
"""By how much a task is smaller after one that took too long."""
_NOW: Final = "SELECT coalesce(sandbox_now, clock_timestamp()) FROM accounts WHERE account_id = $1"
_TICK: Final = timedelta(microseconds=1)
_DOCUMENT: Final = "SELECT document::text FROM plan_versions WHERE key = $1 AND version = $2"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done."""

    trial: Trial
    scope: Scope
    plan: dict[str, Any] | None
    tickets: int

    @property
    def share(self) -> float:
        """How large a part of the tickets is tried."""
        return min(1.0, MOST / self.tickets) if self.tickets else 1.0

    @property
    def total(self) -> int:
        """About how many tickets are tried."""
        return round(self.tickets * self.share)


async def prepare(sessions: Sessions, offload: Offload, owner: str, command: NewBacktest) -> Order:
    """The order of a request. ``Invalid`` for a plan that is not stored, and for all that is wrong in a document."""
    document, plan = None, None
    now, version, text = await patiently(partial(_stored, sessions, command))
    if command.plan is not None:
        brought = text is None
        written = orjson.dumps(command.plan) if text is None else text.encode()
        run = partial(offload.run, owner, partial(plans.prepared, brought=brought))
        document = await run(written, command.change, command.since) if brought or command.change else written
        plan = {"key": orjson.loads(document)["key"], "version": None if brought or command.change else version}
    trial = Trial(document, None if document else command.change, command.since, command.priorities)
    if document:
        _check_names(trial, document)
    scope = Scope(command.since, command.until or now + _TICK, command.account_id, command.from_key)
    return Order(trial, scope, plan, await count(sessions, scope))


async def _stored(sessions: Sessions, command: NewBacktest) -> tuple[datetime, int | None, str | None]:
    """Now, and the version and the document of the plan that is named."""
    async with snapshot(sessions) as session:
        now = await _now(session, command.account_id)
        if not isinstance(command.plan, str):
            return now, command.version, None
        version = command.version or await current_version(session, command.plan)
        text: str | None = await (await driver(session)).fetchval(_DOCUMENT, command.plan, version)
        if text is None:
            raise _unknown(command)
        return now, version, text


async def _now(session: AsyncSession, account_id: str | None) -> datetime:
    """The database's clock, or that of the sandbox. ``Invalid`` for an account that does not exist."""
    if account_id is None:
        return await database_now(session)
    now: datetime | None = await (await driver(session)).fetchval(_NOW, account_id)
    if now is None:
        raise Invalid(errors=[Fault(pointer="/account_id", detail=_("There is no account {name}", name=account_id))])
    return now


def _unknown(command: NewBacktest) -> Invalid:
    known = {"version": command.version, "key": command.plan}
    if command.version is None:
        return Invalid(errors=[Fault(pointer="/plan", detail=_("There is no plan {key}", **known))])
    detail = _("There is no version {version} of the plan {key}", **known)
    return Invalid(errors=[Fault(pointer="/version", detail=detail)])


def _check_names(trial: Trial, document: bytes) -> None:
    """Refuse a mapping to a priority that the plan does not know."""
    known = [priority["key"] for priority in orjson.loads(document)["priorities"]]
    lost = {old: new for old, new in trial.priorities.items() if new not in known}
    if lost:
        raise Invalid(errors=[_lost(old, new, known) for old, new in lost.items()])


def _lost(old: str, new: str, known: list[str]) -> Fault:
    detail: Message = _("There is no priority {new}: the plan has {known}", new=new, known=known)
    return Fault(pointer=pointer(["priorities", old]), detail=detail)


@dataclass(slots=True)
class Report:
    """What a backtest has found so far."""

    done: int = 0
    missed: int = 0
    saved: int = 0
    tally: Tally = field(default_factory=Tally)
    left_out: dict[str, dict[str, Any]] = field(default_factory=dict)
    priorities: tuple[str, ...] = ()
    objectives: dict[str, set[float | None]] = field(default_factory=dict)

    def add(self, batch: Batch) -> None:
        """Add what a further batch has found, but for its lines."""
        self.done += batch.tickets
        self.missed += batch.missed
        self.saved += batch.saved
        self.tally.add(batch.tally)
        self.priorities = self.priorities or batch.priorities
        for metric, found in batch.objectives.items():
            self.objectives.setdefault(metric, set()).update(found)
        for reason, ticket_id, detail in batch.left_out:
            first = {"reason": reason, "detail": detail, "ticket_id": ticket_id, "tickets": 0}
            self.left_out.setdefault(reason, first)["tickets"] += 1

    def document(self, order: Order) -> dict[str, Any]:
        """The report as the API shows it (``schemas.Backtest``), but for its changes."""
        scope, share = order.scope, order.share
        objectives = {metric: next(iter(found)) for metric, found in self.objectives.items() if len(found) == 1}
        return {
            "plan": order.plan,
            "since": scope.since,
            "until": scope.until,
            "account_id": scope.account_id,
            "from_key": scope.from_key,
            "tickets": order.tickets,
            "looked_at": self.done,
            "sampled": share < 1,
            "missed": self.missed,
            "saved": self.saved,
            "attainment": list(self.tally.rows(self.priorities, objectives, share)),
            "left_out": list(self.left_out.values()),
        }


async def run(
    sessions: Sessions, offload: Offload, owner: str, order: Order, language: Language
) -> AsyncGenerator[Batch, None]:
    """What became of the tickets, batch by batch in the order of their opening. Whoever leaves ends the computing."""
    running: deque[asyncio.Task[Sequence[Batch]]] = deque()
    try:
        async with aclosing(batches(sessions, order.scope, order.share, Known())) as read:
            async for records, stored in read:
                fold = partial(heavy.fold, stored=stored, trial=order.trial, language=language)
                running.append(asyncio.create_task(_folded(offload, owner, records, fold), name="backtest"))
                if len(running) >= _AT_ONCE:
                    for batch in await running.popleft():
                        yield batch
        while running:
            for batch in await running.popleft():
                yield batch
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _folded(
    offload: Offload, owner: str, records: Sequence[Record], fold: Callable[[Sequence[Record]], Batch]
) -> list[Batch]:
    """All of these tickets: a task that leaves some is followed by another, one that takes too long by smaller ones.

    They grow again once one has come in time: a busy moment passes. A single ticket is given its time by the processor,
    and is tried again where it gets next to none; no turn is waited for as well. So a busy machine makes a backtest
    slow, and does not end it. After some tries a ticket is left out. Raises ``Starved`` where the next one gets no time
    either, and ``TooLong`` where a single ticket takes too long on any machine.
    """
    found: list[Batch] = []
    most, starved = _TASK, 0
    while records:
        task = records[:most]
        try:
            batch = await offload.run(owner, fold, task, waits=len(task) > 1, patience=2**starved)
        except (Crowded, TooManyRequests):
            await asyncio.sleep(_BREATH)
            continue
        except Starved:
            starved += 1
            _log.warning("a ticket of a backtest gets no processor", ticket_id=task[0].id, tries=starved)
            if starved > _STARVED:
                raise
            if starved < _STARVED:
                continue
            batch = _left_out(task[0])
        except TooLong:
            if len(task) == 1:
                raise
            most = len(task) // _SMALLER or 1
            continue
        else:
            most, starved = min(_TASK, most * _SMALLER), 0
        found.append(batch)
        records = records[batch.tickets :]
    return found


def _left_out(record: Record) -> Batch:
    return Batch(1, left_out=[("starved", record.id, f"no processor had time for it in {_STARVED} tries")])
