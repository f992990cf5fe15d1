"""Advisory locks: the one place in which somebody waits for them.

Whoever waits holds a connection and what the transaction has locked so far, so one transaction of a process waits at
the database, and that for a limited time. The others are rolled back, and begin again when it is their turn.
"""

from dataclasses import dataclass
from typing import Any, cast

from asyncpg import LockNotAvailableError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.engine import Sessions
from app.core.db.pool import milliseconds
from app.core.db.queues import LockQueues, Turn
from app.core.db.session import Again, driver


@dataclass(frozen=True, slots=True)
class AdvisoryLock:
    """A lock of the whole installation, until the transaction ends; ``key`` is SQL, one or two keys with parameters."""

    name: str
    key: str

    @property
    def tried(self) -> str:
        """The statement that gets the lock at once or not at all."""
        return f"SELECT pg_try_advisory_xact_lock({self.key})"

    @property
    def waited_for(self) -> str:
        """The statement that waits for the lock."""
        return f"SELECT pg_advisory_xact_lock({self.key})"


async def acquire(session: AsyncSession, lock: AdvisoryLock, *keys: str) -> None:
    """Hold the lock until the transaction ends. One that holds it already goes on, whoever waits for it meanwhile.

    In a transaction of ``db.run`` it raises ``Again`` where others of this process wait for it already. Raises
    ``LockNotAvailableError`` (503 for a caller) when it is not to be had within the connection's ``lock_timeout``.
    """
    held: set[str] = session.info.setdefault("held", set())
    if (name := _name(lock, keys)) not in held:
        await _acquire(session, lock, keys)
        held.add(name)


async def _acquire(session: AsyncSession, lock: AdvisoryLock, keys: tuple[str, ...]) -> None:
    turn: Turn | None = session.info.get("turn")
    if turn is None:
        if not await try_acquire(session, lock, *keys):
            await _wait(session, lock, keys)
        return
    queue = locks_of(session).of(_name(lock, keys))
    if not turn.is_at(queue):
        if not queue.busy and await try_acquire(session, lock, *keys):
            return
        if not turn.enter_now(queue):
            raise Again
    try:
        await _wait(session, lock, keys, turn.patience)
    except LockNotAvailableError:
        queue.give_up()
        raise
    turn.leave()


async def _wait(
    session: AsyncSession, lock: AdvisoryLock, keys: tuple[str, ...], patience: float | None = None
) -> None:
    connection, locks = await driver(session), locks_of(session)
    try:
        if patience:
            await connection.execute(f"SET LOCAL lock_timeout = {milliseconds(patience)}")
        await connection.execute(lock.waited_for, *keys)
        if patience:
            await connection.execute("SET LOCAL lock_timeout TO DEFAULT")
    except LockNotAvailableError:
        locks.note(lock.name, got=False)
        raise
    locks.note(lock.name, got=True)


async def try_acquire(session: AsyncSession, lock: AdvisoryLock, *keys: str) -> bool:
    """Hold the lock until the transaction ends, if nobody else has it."""
    return bool(await (await driver(session)).fetchval(lock.tried, *keys))


def _name(lock: AdvisoryLock, keys: tuple[str, ...]) -> str:
    return "/".join(filter(None, (lock.name, *keys)))


def locks_of(of: AsyncSession | Sessions) -> LockQueues:
    """The queues for locks of these sessions."""
    info: dict[str, Any] = of.info if isinstance(of, AsyncSession) else of.kw["info"]
    return cast("LockQueues", info["locks"])
