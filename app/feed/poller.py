"""The end of the feed: how far this process can read events, and who waits for more. One poller for all of them."""

import asyncio
from collections.abc import Collection
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.clock import monotonic
from app.core.db.engine import lookup
from app.core.db.errors import DATABASE_ERRORS, is_outage
from app.core.db.pool import holder
from app.core.problems import Unavailable
from app.core.signals import WakeUp
from app.core.text.messages import _
from app.feed.watermark import PREPARED, Watermark

_log = structlog.get_logger(__name__)

INTERVAL: Final = 0.25
"""Seconds after which a process finds out by itself what another one has committed."""
BREATH: Final = 0.004
"""Seconds between two polls, at the least."""
_SHARE: Final = 4
"""How much longer than a poll the pause after it is: polls cost more the more transactions there are."""
_LONGEST: Final = 0.02
"""The longest such pause in seconds: a poll also takes long where the process is busy with something else."""
PATIENCE: Final = 0.25
"""Seconds for which a reader who waits for nothing else waits for those who write at that moment."""
HELD: Final = 10.0
"""Seconds after which operators are told that the feed stands still."""
_MANY: Final = 1000
"""Positions in one step above which everybody is woken, whatever the account."""

LAST: Final = f"""
SELECT last, CASE WHEN last - $1::bigint BETWEEN 1 AND {_MANY} THEN last - $1 = (
    SELECT count(*) FROM events WHERE id > '' AND position > $1 AND position <= last
) END AS whole
FROM (SELECT coalesce(pg_sequence_last_value('events_position_seq'), 0) AS last) AS given
"""  # noqa: S608  a number of ours
_WRITERS: Final = f"""
SELECT DISTINCT CASE WHEN pid IS NULL THEN '{PREPARED}' ELSE virtualtransaction || ' of process ' || pid END
FROM pg_locks
WHERE locktype = 'relation' AND relation = 'events'::regclass AND mode = 'RowExclusiveLock' AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""  # noqa: S608  a constant of ours
# No cursor is told for a position that was given out in vain: after a crash it may be given out again.
_NEWEST: Final = "SELECT coalesce(max(position), 0) FROM events WHERE id > '' AND position <= $1"
_ACCOUNTS: Final = "SELECT DISTINCT account_id FROM events WHERE id > '' AND position > $1 AND position <= $2"


class FeedPoller:
    """Polls the database while somebody waits: every 250 ms, and at once when this process commits events.

    ``position``: the newest event that can be read, and whoever waits for it has been woken; None: not known yet.
    """

    def __init__(
        self, engine: AsyncEngine, committed: WakeUp, *, interval: float = INTERVAL, held: float = HELD
    ) -> None:
        self.position: int | None = None
        self._watermark = Watermark()
        self._told_up_to: int | None = None
        self._engine, self._every, self._held = engine, interval, held
        self._rung = asyncio.Event()
        self._asked: list[asyncio.Future[None]] = []
        self._waiting: dict[asyncio.Future[None], str | None] = {}
        self._poller: asyncio.Task[None] | None = None
        self._next = self._since = 0.0
        self._told = False
        committed.listen(self._rung.set)

    @property
    def last(self) -> int:
        """The last position given out by the time of the last poll."""
        return self._watermark.last

    async def poll(self) -> None:
        """A poll that begins after this call; callers at the same time share one."""
        asked = asyncio.get_running_loop().create_future()
        self._asked.append(asked)
        self._rung.set()
        self._start()
        await asked

    async def decided(self) -> int:
        """The position, once all that was written before this call is decided, or after 250 ms as it is then.

        503 when none is known yet: a transaction that writes events is open since before this process began.
        """
        until = monotonic() + PATIENCE
        await self.poll()
        wanted = self.last
        while (self._watermark.position or 0) < wanted and monotonic() < until:
            await self.poll()
        if self.position is None:
            raise Unavailable(_("The end of the feed is not known yet"), headers={"Retry-After": "1"})
        return self.position

    async def news(self, beyond: int, account_id: str | None, seconds: float) -> bool:
        """Wait for events of this account (None: of any) ``beyond`` a position; whether there may be some.

        When not, there are none up to ``position`` as it is at the return.
        """
        if self.position is not None and self.position > beyond:
            return True
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[woken] = account_id
        self._start()
        try:
            await asyncio.wait([woken], timeout=seconds)
        finally:
            del self._waiting[woken]
            if not self._waiting:
                self._rung.set()  # the poller need not wait for its next poll to see that it may end
        return woken.done()

    def held(self) -> float:
        """Seconds for which the same transactions have kept the position from moving; 0 when none does."""
        return monotonic() - self._since if self._watermark.writers else 0.0

    def trouble(self) -> str | None:
        """What operators should know, in words."""
        if self.held() < self._held:
            return None
        return (
            f"The feed of events has waited {self.held():.0f} s for transactions: {', '.join(self._watermark.writers)}"
        )

    def _start(self) -> None:
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._run(), name="feed")

    async def _run(self) -> None:
        holder.set("feed")
        while self._asked or self._waiting:
            await asyncio.sleep(self._next - monotonic())
            self._rung.clear()
            began = monotonic()
            asked, self._asked = self._asked, []
            try:
                await self._poll()
            except Exception as error:  # noqa: BLE001  who asked gets it, who waits waits on, and the next poll comes
                _fail(asked, error)
            else:
                _succeed(asked)
            self._next = monotonic() + max(BREATH, min(_LONGEST, _SHARE * (monotonic() - began)))
            if self._asked or self._waiting:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._rung.wait(), self._pause())

    def _pause(self) -> float:
        return min(self._every, max(BREATH, self.held() / 10)) if self._watermark.writers else self._every

    async def _poll(self) -> None:
        """Read how many positions are given out and then, unless all new ones are there, who writes; wake who waits."""
        async with lookup(self._engine) as connection:
            last, whole = await connection.fetchrow(LAST, self._told_up_to)
            if last == self._told_up_to and self.position is not None:
                return
            writers = () if whole else await connection.fetch(_WRITERS)
            self._take(last, frozenset(row[0] for row in writers))
            before, after, accounts = self.position, self._watermark.position, None
            if after is not None and not whole:
                after = await connection.fetchval(_NEWEST, after)
            if before is not None and after is not None and after - before < _MANY and any(self._waiting.values()):
                accounts = {row[0] for row in await connection.fetch(_ACCOUNTS, before, after)}
        self.position, self._told_up_to = after, self._watermark.position
        if after != before:
            self._wake(accounts)

    def _take(self, last: int, writers: AbstractSet[str]) -> None:
        if self._watermark.advance(last, writers):
            self._since, self._told = monotonic(), False
        elif not self._told and self.held() > self._held:
            self._told = True
            _log.warning("the feed stands still", seconds=round(self.held()), waits_for=sorted(self._watermark.writers))

    def _wake(self, accounts: Collection[str] | None) -> None:
        """Wake who waits for these accounts, or for any; None: everybody."""
        for waiter, account_id in self._waiting.items():
            if not waiter.done() and (accounts is None or account_id is None or account_id in accounts):
                waiter.set_result(None)


def _succeed(asked: Collection[asyncio.Future[None]]) -> None:
    for future in asked:
        if not future.done():
            future.set_result(None)


def _fail(asked: Collection[asyncio.Future[None]], error: Exception) -> None:
    if not asked or not (isinstance(error, DATABASE_ERRORS) and is_outage(error)):
        _log.warning("the feed could not be polled", error=repr(error))
    for future in asked:
        if not future.done():
            future.set_exception(error)
