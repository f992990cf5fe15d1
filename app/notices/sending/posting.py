"""Sending what an outbox holds: each account gets its share, and no message waits for another.

What became of them is written together: while one transaction runs, the outcomes for the next one come up.

A pass claims and begins; sending goes on behind it. So no slow server or recipient holds up more than its own
messages, and no account more than its part of the slots.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, Protocol, TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import monotonic
from app.core.db.engine import Sessions
from app.core.db.errors import DATABASE_ERRORS, is_outage
from app.core.db.session import glance, transaction
from app.core.signals import WakeUp

BUDGET: Final = 5.0
"""Seconds of a pass: then it ends, and the next one goes on."""
_PAUSE: Final = 0.5
"""Seconds between two tries to record outcomes while the database does not answer."""
_PATIENCE: Final = 20.0
"""Seconds for which recording the outcome is tried: then the message is left to its lease, and may be sent twice."""
_DRAIN: Final = 25.0
_log = structlog.get_logger(__name__)


class Message(Protocol):
    """What is claimed: a message of an account."""

    @property
    def account_id(self) -> str:
        """Whose share of the slots it takes."""
        ...

    @property
    def id(self) -> str:
        """The message's id."""
        ...


M = TypeVar("M", bound=Message)
R = TypeVar("R")


class Outbox(Protocol[M, R]):
    """A table of messages that are due at some instant, with a lease on those that are claimed."""

    async def accounts(self, session: AsyncSession, after: str, limit: int) -> Sequence[str]:
        """Accounts with something due, in the order of their ids, after this one; nothing is locked."""
        ...

    async def claim(self, session: AsyncSession, account_id: str, limit: int) -> Sequence[M]:
        """Claim an account's longest due messages: nobody else gets them before their lease ends."""
        ...

    async def send(self, message: M) -> R:
        """Send one message; what became of it. An error is part of the result."""
        ...

    async def record_outcomes(self, session: AsyncSession, results: Sequence[R]) -> None:
        """Write what became of messages, where their claims still hold."""
        ...

    async def next_due(self, session: AsyncSession) -> datetime | None:
        """When the next message is due, by the database's clock."""
        ...


@dataclass(slots=True, eq=False)
class _Outcome(Generic[R]):
    """What became of a message, and whether that is written."""

    result: R
    written: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """How many messages one process sends at once, and how many of them may be one account's."""

    slots: int = 40
    per_account: int = 8


class Poster(Generic[M, R]):
    """Sends this process's share of an outbox. Any number of processes may: the database arbitrates."""

    def __init__(self, sessions: Sessions, outbox: Outbox[M, R], wake_up: WakeUp, limits: Limits | None = None) -> None:
        """``wake_up`` wakes the pass once there is room for what had to wait."""
        self._sessions, self._outbox, self._wake_up = sessions, outbox, wake_up
        self._limits = limits or Limits()
        self._sends: set[asyncio.Task[None]] = set()
        self._outcomes: list[_Outcome[R]] = []
        self._writing = asyncio.Lock()
        self._busy: Counter[str] = Counter()
        self._after = ""
        self._held_back = False
        self._stopping = False

    async def run_pass(self) -> int:
        """Claim what is due, as far as there is room, and begin to send it; the number of messages begun.

        A crash leaves what was claimed to its lease.
        """
        begun, ends = 0, monotonic() + BUDGET
        while not self._stopping and self._free > 0 and monotonic() < ends:
            claimed = await self._claim()
            if not claimed:
                break
            for message in claimed:
                self._begin(message)
            begun += len(claimed)
        full = any(number >= self._limits.per_account for number in self._busy.values())
        self._held_back = full or self._free <= 0
        return begun

    async def next_instant(self) -> datetime | None:
        """When the next message is due; None while there is no room for it, for then its wake-up will ring."""
        if self._held_back:
            return None
        async with glance(self._sessions) as session:
            return await self._outbox.next_due(session)

    async def drain(self) -> None:
        """Wait for all that has been begun."""
        while self._sends:
            await asyncio.wait(self._sends)

    async def stop(self) -> None:
        """Begin nothing more and wait for what has been begun; what takes too long is left to its lease."""
        self._stopping = True
        if self._sends:
            _, late = await asyncio.wait(self._sends, timeout=_DRAIN)
            for task in late:
                task.cancel()

    @property
    def _free(self) -> int:
        return self._limits.slots - len(self._sends)

    async def _claim(self) -> list[M]:
        """A round over the accounts that have something due: each gets as much, as far as it may have more."""
        async with glance(self._sessions) as session:
            found = list(await self._outbox.accounts(session, self._after, self._free))
            if self._after and len(found) < self._free:
                found += await self._outbox.accounts(session, "", self._free - len(found))
        accounts = [each for each in dict.fromkeys(found) if self._room(each) > 0]
        claimed: list[M] = []
        if accounts:
            async with transaction(self._sessions) as session:
                for number, account_id in enumerate(accounts):
                    share = max(1, (self._free - len(claimed)) // (len(accounts) - number))
                    share = min(share, self._room(account_id), self._free - len(claimed))
                    claimed += await self._outbox.claim(session, account_id, share) if share > 0 else ()
        self._after = found[-1] if found else ""
        return claimed

    def _room(self, account_id: str) -> int:
        return self._limits.per_account - self._busy[account_id]

    def _begin(self, message: M) -> None:
        self._busy[message.account_id] += 1
        task = asyncio.create_task(self._post(message))
        self._sends.add(task)
        task.add_done_callback(self._sends.discard)
        task.add_done_callback(lambda _: self._over(message))

    def _over(self, message: M) -> None:
        self._busy[message.account_id] -= 1
        self._busy = +self._busy
        if self._held_back:
            self._held_back = False
            self._wake_up.ring()

    async def _post(self, message: M) -> None:
        outcome = _Outcome(await self._outbox.send(message))
        self._outcomes.append(outcome)
        async with self._writing:
            if not outcome.written:  # else it went with those of the one before
                await self._write(list(self._outcomes))

    async def _write(self, outcomes: Sequence[_Outcome[R]]) -> None:
        """Write all outcomes that have come up in one transaction; each alone where that fails for one of them."""
        try:
            await self._write_together(outcomes)
        except Exception:  # noqa: BLE001  whatever is wrong with one outcome
            if len(outcomes) > 1:
                for outcome in outcomes:
                    await self._write([outcome])
                return
            # It is left to its lease, and to the limit of its attempts.
            _log.exception("what became of a message could not be written", result=repr(outcomes[0].result))
        for outcome in outcomes:
            outcome.written = True
            self._outcomes.remove(outcome)

    async def _write_together(self, outcomes: Sequence[_Outcome[R]]) -> None:
        ends = monotonic() + _PATIENCE
        while True:
            try:
                async with transaction(self._sessions) as session:
                    await self._outbox.record_outcomes(session, [outcome.result for outcome in outcomes])
            except DATABASE_ERRORS as error:
                if len(outcomes) > 1 and not is_outage(error):
                    raise
                if monotonic() > ends:
                    _log.warning("messages are left to their leases", messages=len(outcomes), error=repr(error))
                    return
                await asyncio.sleep(_PAUSE)
            else:
                return
