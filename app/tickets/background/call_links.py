"""The background pass that gets links for requested calls: claim, ask a provider, record the outcome on the ticket."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

import structlog
from asyncpg import LockNotAvailableError
from sqlalchemy.ext.asyncio import AsyncSession

from app.calls import orphans, provision
from app.calls.orphans import Orphan
from app.calls.providers.provider import Link, Provider, Rooms
from app.calls.provision import Again, Attempt, ClaimedCall, Failed
from app.core.clock import monotonic
from app.core.db.session import glance, ring_after_commit, run, transaction
from app.core.state import State
from app.tickets.editing import calls
from app.tickets.editing.load import lock
from app.tickets.save import staff_and_save

PATIENCE: Final = 30.0
"""Seconds for which an attempt tries to record its outcome while others hold what it needs; its lease is longer."""
SLOTS: Final = 20
"""Attempts of one process in flight at most: a provider that hangs keeps only its own calls waiting."""
SHARE: Final = 5
"""Those of one account at most: whatever its calls hang on, others have slots."""

_log = structlog.get_logger(__name__)


class Provisioner:
    """Makes links with the configured ``providers``. Any number of processes may: the database arbitrates."""

    def __init__(self, state: State, providers: Mapping[str, Provider]) -> None:
        self._state = state
        self._providers = providers
        self._attempts: dict[asyncio.Task[None], str] = {}
        """with the account of each"""
        self._stopping = False

    async def run_pass(self) -> int:
        """Claim the calls that wait, as far as there are slots, and begin to provide for them; the number begun.

        Asking and recording go on behind; ``drain`` waits for them.
        """
        begun = 0
        while not self._stopping and (free := SLOTS - len(self._attempts)):
            async with transaction(self._state.sessions) as session:
                claimed = await provision.claim(session, free, self._held(), SHARE)
                await orphans.record(session, self._state.metrics, self._cut_off(claimed))
            if not claimed:
                break
            for call in claimed:
                task = asyncio.create_task(self._provide(call))
                self._attempts[task] = call.request.account_id
                task.add_done_callback(self._ended)
            begun += len(claimed)
        return begun

    async def next_instant(self) -> datetime | None:
        """When a call waits for a link that may have a slot, by the database's clock; None while there is none."""
        if len(self._attempts) >= SLOTS:
            return None
        full = [account_id for account_id, number in self._held().items() if number >= SHARE]
        async with glance(self._state.sessions) as session:
            return await provision.next_instant(session, full)

    def _held(self) -> Counter[str]:
        """How many attempts of each account are in flight."""
        return Counter(self._attempts.values())

    async def drain(self) -> None:
        """Wait until the outcomes of all attempts in flight are recorded: one provider's timeout, and a little more."""
        while self._attempts:
            await asyncio.wait(self._attempts)

    async def stop(self) -> None:
        """Claim nothing any more, and drain."""
        self._stopping = True
        await self.drain()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Free the slot. An attempt that an error of ours or of the database abandoned is found by its lease."""
        full = len(self._attempts) >= SLOTS or self._held()[self._attempts[task]] >= SHARE
        del self._attempts[task]
        if task.cancelled() or task.exception():
            error = "cancelled" if task.cancelled() else repr(task.exception())
            _log.error("the link of a call was abandoned", error=error)
        if full:
            self._state.wake_ups.calls.ring()

    async def _provide(self, call: ClaimedCall) -> None:
        attempt = await provision.attempt(self._providers, call)
        if attempt.provider:
            outcome = "failed" if attempt.failure else "made"
            self._state.metrics.call_attempts.labels(attempt.provider, outcome).inc()

        async def record(session: AsyncSession) -> None:
            left = self._left_behind(call, attempt)
            if isinstance(attempt.outcome, Again):
                await provision.postpone(session, call, attempt.outcome)
                ring_after_commit(session, "calls")
            elif not await _record(session, call, attempt.outcome):
                left += _unused(call, attempt.outcome)
            await orphans.record(session, self._state.metrics, left)

        await self._insist(record)

    async def _insist(self, record: Callable[[AsyncSession], Awaitable[None]]) -> None:
        """Record an outcome, also when others hold what it needs for long: else a room that was made would be lost."""
        until = monotonic() + PATIENCE
        while True:
            try:
                return await run(self._state.sessions, record)
            except LockNotAvailableError:
                if monotonic() >= until:
                    raise

    def _cut_off(self, claimed: Sequence[ClaimedCall]) -> list[Orphan]:
        """What attempts whose outcome nobody recorded may have left behind."""
        again = [provision.usable(self._providers, call) for call in claimed if call.interrupted]
        return [
            Orphan(call.request, call.providers[0], orphans.INTERRUPTED)
            for call in again
            if call.providers and self._has_rooms(call.providers[0])
        ]

    def _left_behind(self, call: ClaimedCall, attempt: Attempt) -> list[Orphan]:
        """What an attempt whose answer was lost may have left behind."""
        failure = attempt.failure
        if failure is None or not failure.lost or not self._has_rooms(attempt.provider):
            return []
        return [Orphan(call.request, attempt.provider, str(failure), failure.host)]

    def _has_rooms(self, provider: str) -> bool:
        return isinstance(self._providers[provider], Rooms)


def _unused(call: ClaimedCall, outcome: Link | Failed) -> list[Orphan]:
    """The room of a link that came too late."""
    if isinstance(outcome, Failed) or outcome.room is None:
        return []
    return [Orphan(call.request, outcome.provider, orphans.UNUSED, outcome.room.host, outcome.room.name)]


async def _record(session: AsyncSession, claimed: ClaimedCall, outcome: Link | Failed) -> bool:
    """Write what came of a call; False when the claim was lost or the call is no longer wanted meanwhile."""
    edit = await lock(session, claimed.request.ticket_id)
    call = await calls.active(session, edit) if edit else None
    if edit is None or call is None or (call["id"], call["claim_id"]) != (claimed.request.call_id, claimed.claim_id):
        return False
    edit.calls.append(call)
    if isinstance(outcome, Link):
        calls.make_ready(edit, call, outcome)
    else:
        calls.make_failed(edit, call, outcome.failures)
    await staff_and_save(session, [edit])
    return True
