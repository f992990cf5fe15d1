"""Transactions: the one place that commits."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from functools import partial
from math import inf
from typing import Any, Final, TypeAlias, TypeVar, cast

from asyncpg import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker

from app.core.db.engine import Sessions, lookup
from app.core.db.pool import milliseconds
from app.core.db.queues import LockQueues, Turn
from app.core.problems import Unavailable
from app.core.process.cooperative import beating
from app.core.process.memory import Memory
from app.core.settings import Settings
from app.core.signals import WakeUps

T = TypeVar("T")

_TRIES: Final = 5
Seal: TypeAlias = Callable[[AsyncSession], Awaitable[None]]
"""What is asked before a transaction commits, and raises what prevents it."""
_seal: ContextVar[tuple[Seal, asyncio.Task[Any] | None] | None] = ContextVar("seal", default=None)
LONG: Final = 120.0
"""Seconds that one statement of a request may take where that cannot be helped (``allow``)."""

_IDLE: Final = "SELECT setting::bigint FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'"
_BEATS: Final = 10
"""A busy process may take nine times as long as it should for one round of its event loop."""


def make_sessions(
    bind: AsyncEngine | AsyncConnection,
    wake_ups: WakeUps,
    *,
    memory: Memory | None = None,
    stand_in: Mapping[str, str] | None = None,
    mails: bool = False,
    files: Settings | None = None,
    **options: Any,
) -> Sessions:
    """A session factory whose sessions can ring ``wake_ups`` once they have committed, and remember in ``memory``.

    ``stand_in``: see ``stand_in_of``; ``mails``: see ``mails_customers``; ``files``: see ``bounds_of_files``.
    """
    info: dict[str, Any] = {
        "stand_in": stand_in,
        "mails": mails,
        "files": files,
        "wake_ups": wake_ups,
        "ring": set(),
        "memory": Memory() if memory is None else memory,
        "locks": LockQueues(),
    }
    return async_sessionmaker(bind, expire_on_commit=False, autoflush=False, info=info, **options)


@asynccontextmanager
async def transaction(sessions: Sessions, turn: Turn | None = None) -> AsyncIterator[AsyncSession]:
    """One transaction: commits at the end, rolls back on any exception, then rings what was asked for.

    ``turn``: see ``run``. A task that runs ``sealed`` commits nothing before its seal has been asked.
    """
    session = sessions()
    ring: set[str] = set()
    last: list[Callable[[], Awaitable[object]]] = []
    recording: list[Callable[[], Awaitable[object]]] = []
    wake_ups, lasting = wake_ups_of(session), frozenset(session.info)
    session.info.update(ring=ring, last=last, recording=recording, driver=None, turn=turn)
    try:
        yield session
        await _ask_seal(session)
        for steps in (last, recording):
            for step in steps:
                await step()
        await session.commit()
    finally:
        await session.close()  # rolls back what has not been committed
        _let_go(session, lasting)
    for name in ring:
        getattr(wake_ups, name).ring()


def _let_go(session: AsyncSession, lasting: Collection[str]) -> None:
    """Forget what the session knows of its transaction, which may be much, and know of the session in turn.

    Else it stays in memory until garbage is collected, which is after hundreds of requests.
    """
    for name in session.info.keys() - lasting:
        del session.info[name]


@contextmanager
def sealed(seal: Seal) -> Iterator[None]:
    """Have ``seal`` asked before each commit of this task, while the block runs; tasks that it starts are others."""
    token = _seal.set((seal, asyncio.current_task()))
    try:
        yield
    finally:
        _seal.reset(token)


async def _ask_seal(session: AsyncSession) -> None:
    known = _seal.get()
    if known and known[1] is asyncio.current_task():
        await known[0](session)


async def run(sessions: Sessions, work: Callable[[AsyncSession], Awaitable[T]], *, patience: float | None = None) -> T:
    """The result of ``work`` in one transaction, which is begun again when it raises ``Again``.

    A transaction that needs a lock for which others wait is rolled back, and waits for its turn without a connection;
    ``patience``: for at most so many seconds, and as long at the database. So is one that needs something to be done
    before it (``begin_with``). ``work`` changes nothing but the database. Raises ``Unavailable`` when it loses time and
    again.
    """
    turn = Turn(patience)
    try:
        for _ in range(_TRIES):
            try:
                async with transaction(sessions, turn) as session:
                    return await work(session)
            except Again as again:
                first = again.first
            if first:
                await run(sessions, first, patience=patience)
            await turn.come()
    finally:
        turn.leave()
    raise Unavailable(headers={"Retry-After": "1"})


@asynccontextmanager
async def snapshot(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """A transaction in which nothing can be written, and every statement sees what the first one saw."""
    async with sessions() as session:
        await (await driver(session)).execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield session


@asynccontextmanager
async def glance(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """A session for reads by its ``driver`` alone: each statement is a transaction of its own, in one round trip."""
    async with sessions() as session:
        if isinstance(session.bind, AsyncEngine):
            async with lookup(session.bind) as connection:
                session.info["driver"] = connection
                yield session
        else:  # one connection, within its owner's transaction
            yield session


async def allow(session: AsyncSession, seconds: float) -> None:
    """Let each statement of this transaction take so long: for rare work that grows with the data."""
    await (await driver(session)).execute(f"SET LOCAL statement_timeout = {milliseconds(seconds)}")


async def allow_pauses(session: AsyncSession, seconds: float) -> None:
    """Let this transaction be idle for so long while something is computed; it holds no lock for which others wait.

    Consumers are the exception: each holds its mark, and a frozen process keeps it for so long from other replicas.
    """
    await (await driver(session)).execute(f"SET LOCAL idle_in_transaction_session_timeout = {milliseconds(seconds)}")


@asynccontextmanager
async def kept_awake(session: AsyncSession) -> AsyncIterator[None]:
    """Never let PostgreSQL end this transaction as idle while the block computes ``in_turns``, however slowly it does.

    It says that it is there, some times within the limit. A process that is frozen does not, and its locks are given
    back as ever.
    """
    connection = await driver(session)
    limit = await connection.fetchval(_IDLE)
    with beating(partial(connection.execute, "SELECT"), limit / 1000 / _BEATS if limit else inf):
        yield


def ring_after_commit(session: AsyncSession, wake_up: str) -> None:
    """Ring ``WakeUps.<name>`` when this session's transaction has committed."""
    session.info["ring"].add(wake_up)


def do_last(session: AsyncSession, step: Callable[[], Awaitable[object]]) -> None:
    """Have this session's transaction do a step directly before it commits: for what others wait for from then on."""
    session.info["last"].append(step)


def record_behind_all(session: AsyncSession, step: Callable[[], Awaitable[object]]) -> None:
    """Have events recorded behind every step of ``do_last`` too: all accounts' readers wait from then on."""
    session.info["recording"].append(step)


def wake_ups_of(session: AsyncSession) -> WakeUps:
    """What wakes the background passes of this process."""
    wake_ups: WakeUps = session.info["wake_ups"]
    return wake_ups


def memory_of(session: AsyncSession) -> Memory:
    """What this process remembers of immutable rows."""
    memory: Memory = session.info["memory"]
    return memory


def stand_in_of(session: AsyncSession) -> Mapping[str, str] | None:
    """The ``name`` and ``email`` of whom the operator has told instead of a manager whom an account does not have."""
    stand_in: Mapping[str, str] | None = session.info.get("stand_in")
    return stand_in


def mails_customers(session: AsyncSession) -> bool:
    """Whether customers get e-mail at all: whether the operator has a mail server."""
    return bool(session.info.get("mails"))


def bounds_of_files(session: AsyncSession) -> Settings | None:
    """The settings that say which files are kept; None where there is no store for them."""
    settings: Settings | None = session.info.get("files")
    return settings


async def driver(session: AsyncSession) -> "Connection[Any]":
    """Asyncpg's own connection inside the session's transaction, for statements on hot paths.

    SQLAlchemy sends BEGIN with its first statement; a hot path that starts here has its adapter send it now.
    """
    known: Connection[Any] | None = session.info.get("driver")
    if known is not None:
        return known
    raw = cast("Any", (await session.connection()).sync_connection).connection
    connection = cast("Connection[Any]", raw.driver_connection)
    if not connection.is_in_transaction():
        try:
            await raw.dbapi_connection._start_transaction()  # noqa: SLF001 - saves an empty statement
        except BaseException:  # cancelled: the adapter would not end what the server may have begun
            raw.invalidate()
            raise
    if "driver" in session.info:
        session.info["driver"] = connection
    return connection


class Again(Exception):
    """The transaction lost a race that it wins when it is run once more, from its beginning."""

    def __init__(self, first: Callable[[AsyncSession], Awaitable[object]] | None = None) -> None:
        super().__init__()
        self.first = first
        """what is done before that, in a transaction of its own"""


async def begin_with(session: AsyncSession, step: Callable[[AsyncSession], Awaitable[object]]) -> None:
    """Have a step committed before this transaction goes on: one that waits for a lock which others then get soon.

    A transaction of ``run`` is rolled back, and begins again behind the step; in another one the step is part of it.
    """
    if session.info.get("turn") is not None:
        raise Again(step)
    await step(session)
