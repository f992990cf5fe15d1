"""The database: the declarative base, the one place that commits, and bulk writes in one round trip."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar, Final, TypeAlias, TypeVar, cast

import asyncpg
import orjson
from asyncpg import Connection
from sqlalchemy import DateTime, Executable, MetaData, String, Table, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi, PGDialect_asyncpg
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as SQLAlchemyTimeout
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.util import LRUCache, greenlet_spawn

from app.core.cooperative import in_turns
from app.core.db.pool import FairPool, Limits, milliseconds
from app.core.db.queues import LockQueues, Turn
from app.core.memory import Memory
from app.core.problems import Unavailable
from app.core.signals import Alarms

T = TypeVar("T")
Row: TypeAlias = Mapping[str, Any]
Sessions: TypeAlias = async_sessionmaker[AsyncSession]

_OUTAGES: Final[tuple[type[Exception], ...]] = (
    ConnectionError,
    FileNotFoundError,  # the server's socket is gone with the server
    TimeoutError,
    socket.gaierror,
    SQLAlchemyTimeout,
    asyncpg.InterfaceError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InternalClientError,  # the server has said good-bye on an idle connection, and not yet closed it
    asyncpg.LockNotAvailableError,
    asyncpg.OperatorInterventionError,
    asyncpg.PostgresConnectionError,
    asyncpg.TransactionRollbackError,
)
_ADAPTER_ERROR: Final[type[Exception]] = AsyncAdapt_asyncpg_dbapi.Error
DATABASE_ERRORS: Final[tuple[type[Exception], ...]] = (*_OUTAGES, DBAPIError, _ADAPTER_ERROR)
"""What a statement may raise: by the driver alone, by its adapter (``driver``), or through SQLAlchemy."""

_BUSY: Final[tuple[tuple[type[Exception], str], ...]] = (
    (SQLAlchemyTimeout, "All connections to the database are in use"),
    (asyncpg.LockNotAvailableError, "Another request or pass holds what this one needs"),
    (asyncpg.QueryCanceledError, "The database took too long"),
)
_DIALECT: Final = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
_FORMS: Final[LRUCache[Any, Any]] = LRUCache(500)
_TRIES: Final = 5
LONG: Final = 120.0
"""Seconds that one statement of a request may take where that cannot be helped (``allow``)."""

ID: Final = String(collation="C")
"""Ids compare byte by byte, so that they sort alike in every locale."""


class Base(DeclarativeBase):
    """Every table; ``account_id`` leads each primary key, unless the table is a reference table."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        list[str]: JSONB,
    }


@dataclass(frozen=True, slots=True)
class Connections:
    """The connections that one kind of work has for itself."""

    engine: AsyncEngine
    sessions: Sessions


def is_outage(error: Exception) -> bool:
    """Whether the database is away, full, or gave the transaction up: the same may well work later."""
    return isinstance(driver_error(error), _OUTAGES)


def is_held(error: Exception) -> bool:
    """Whether somebody else holds what the statement needs, and did not let go of it in time."""
    return isinstance(driver_error(error), asyncpg.LockNotAvailableError)


def outage_of(error: Exception) -> str:
    """What is wrong with the database, for whom it keeps from an answer."""
    raised = driver_error(error)
    return next((text for kind, text in _BUSY if isinstance(raised, kind)), "The database does not answer")


def driver_error(error: Exception) -> BaseException | None:
    """What the driver raised, without the wrapping of its adapter and of SQLAlchemy."""
    adapted = error.orig if isinstance(error, DBAPIError) else error
    return adapted.__cause__ if isinstance(adapted, _ADAPTER_ERROR) else adapted


def make_engine(url: str, *, pool_size: int, limits: Limits | None = None, name: str = "heliodesk") -> AsyncEngine:
    """An engine for ``postgresql://`` URLs (any driver suffix is replaced by asyncpg).

    A pooled connection that the server has closed is replaced when it is taken out, without asking the server.
    ``name`` is what ``pg_stat_activity`` shows.
    """
    _, _, rest = url.partition("://")
    limits = limits or Limits()
    engine = create_async_engine(
        f"postgresql+asyncpg://{rest}",
        poolclass=FairPool,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=limits.connection,
        pool_pre_ping=False,
        connect_args={"server_settings": {"application_name": name} | limits.parameters()},
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
    )
    event.listen(engine.sync_engine, "checkout", _replace_if_closed)
    return engine


def _replace_if_closed(connection: Any, _record: Any, _proxy: Any) -> None:
    if connection.driver_connection.is_closed():
        raise DisconnectionError


@asynccontextmanager
async def lookup(engine: AsyncEngine) -> AsyncIterator["Connection[Any]"]:
    """Asyncpg's own connection outside any transaction: each statement is one, committed in its one round trip."""
    pooled = await engine.raw_connection()
    try:
        yield cast("Connection[Any]", pooled.driver_connection)
    finally:
        await greenlet_spawn(pooled.close)


def make_sessions(
    bind: AsyncEngine | AsyncConnection, alarms: Alarms, *, memory: Memory | None = None, **options: Any
) -> Sessions:
    """A session factory whose sessions can ring ``alarms`` once they have committed, and remember in ``memory``."""
    info = {"alarms": alarms, "ring": set(), "memory": Memory() if memory is None else memory, "locks": LockQueues()}
    return async_sessionmaker(bind, expire_on_commit=False, autoflush=False, info=info, **options)


@asynccontextmanager
async def transaction(sessions: Sessions, turn: Turn | None = None) -> AsyncIterator[AsyncSession]:
    """One transaction: commits at the end, rolls back on any exception, then rings what was asked for.

    ``turn``: see ``run``.
    """
    session = sessions()
    ring: set[str] = set()
    session.info.update(ring=ring, driver=None, turn=turn)
    try:
        yield session
        await session.commit()
    finally:
        await session.close()  # rolls back what has not been committed
    for name in ring:
        getattr(alarms_of(session), name).ring()


async def run(sessions: Sessions, work: Callable[[AsyncSession], Awaitable[T]], *, patience: float | None = None) -> T:
    """The result of ``work`` in one transaction, which is begun again when it raises ``Again``.

    A transaction that needs a lock for which others wait is rolled back, and waits for its turn without a connection;
    ``patience``: for so many seconds at the most, and as long at the database. ``work`` changes nothing but the
    database. Raises ``Unavailable`` when it loses time and again.
    """
    turn = Turn(patience)
    try:
        for _ in range(_TRIES):
            with suppress(Again):
                async with transaction(sessions, turn) as session:
                    return await work(session)
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


async def allow(session: AsyncSession, seconds: float) -> None:
    """Let each statement of this transaction take so long: for rare work that grows with the data."""
    await (await driver(session)).execute(f"SET LOCAL statement_timeout = {milliseconds(seconds)}")


def compiled(query: Executable) -> tuple[str, list[Any]]:
    """A query as the driver takes it, with its parameters; queries of one form are compiled once."""
    found = cast("Any", query)._compile_w_cache(  # noqa: SLF001  what SQLAlchemy's own connections do
        _DIALECT, compiled_cache=_FORMS, column_keys=[], for_executemany=False, schema_translate_map=None
    )
    statement, extracted = found[0], found[1]
    values = statement.construct_params(extracted_parameters=extracted)
    return statement.string, [values[name] for name in statement.positiontup or ()]


def ring_after_commit(session: AsyncSession, alarm: str) -> None:
    """Ring ``Alarms.<alarm>`` when this session's transaction has committed."""
    session.info["ring"].add(alarm)


def alarms_of(session: AsyncSession) -> Alarms:
    """What wakes the background passes of this process."""
    alarms: Alarms = session.info["alarms"]
    return alarms


def memory_of(session: AsyncSession) -> Memory:
    """What this process remembers of immutable rows."""
    memory: Memory = session.info["memory"]
    return memory


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


@dataclass(frozen=True, slots=True)
class Write:
    """A bulk write: a statement whose ``$1`` is ``rows`` as a JSON array."""

    sql: str
    rows: Sequence[Row]


def inserted(table: type[Base], rows: Sequence[Row]) -> Write:
    """Insert rows, all with the same keys; columns that are not named get their server default."""
    return Write(_write_sql(cast("Table", table.__table__), _columns(rows), "insert"), rows)


def updated(table: type[Base], rows: Sequence[Row]) -> Write:
    """Update rows by primary key, all with the same keys."""
    return Write(_write_sql(cast("Table", table.__table__), _columns(rows), "update"), rows)


def upserted(table: type[Base], rows: Sequence[Row]) -> Write:
    """Insert rows, or update those whose primary key exists."""
    return Write(_write_sql(cast("Table", table.__table__), _columns(rows), "upsert"), rows)


def deleted(table: type[Base], rows: Sequence[Row]) -> Write:
    """Delete rows by primary key."""
    return Write(_write_sql(cast("Table", table.__table__), (), "delete"), rows)


async def write(session: AsyncSession, *writes: Write) -> int:
    """Several bulk writes as one statement in one round trip; the number of rows that the last one wrote.

    They see the same snapshot, so no two may touch the same row. Those without rows are left out.
    """
    wanted = [one for one in writes if one.rows]
    if not wanted:
        return 0
    sql = _joined(tuple(one.sql for one in wanted))
    texts = [to_json(one.rows) async for one in in_turns(wanted)]
    status = await (await driver(session)).execute(sql, *texts)
    return int(status.rpartition(" ")[2]) if wanted[-1] is writes[-1] else 0


async def insert_rows(session: AsyncSession, table: type[Base], rows: Sequence[Row]) -> None:
    """``inserted``, at once."""
    await write(session, inserted(table, rows))


async def update_rows(session: AsyncSession, table: type[Base], rows: Sequence[Row]) -> None:
    """``updated``, at once."""
    await write(session, updated(table, rows))


def to_json(rows: Sequence[Row]) -> str:
    """Rows as one JSON text for ``jsonb_populate_recordset``: instants as RFC 3339 to the microsecond."""
    return orjson.dumps(rows, option=orjson.OPT_UTC_Z).decode()


def _columns(rows: Sequence[Row]) -> tuple[str, ...]:
    return tuple(rows[0]) if rows else ()


@lru_cache(maxsize=128)
def _write_sql(table: Table, columns: tuple[str, ...], mode: str) -> str:
    names = ", ".join(columns)
    keys = [column.name for column in table.primary_key]
    source = f"jsonb_populate_recordset(NULL::{table.name}, $1::jsonb) AS r"
    rest = [name for name in columns if name not in keys]
    matched = " AND ".join(f"t.{key} = r.{key}" for key in keys)
    if mode == "delete":
        return f"DELETE FROM {table.name} AS t USING {source} WHERE {matched}"  # noqa: S608  our own metadata
    if mode == "update":
        changed = ", ".join(f"{name} = r.{name}" for name in rest)
        return f"UPDATE {table.name} AS t SET {changed} FROM {source} WHERE {matched}"  # noqa: S608  our own metadata
    insert = f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {source}"  # noqa: S608  our own metadata
    if mode == "upsert":
        changed = ", ".join(f"{name} = EXCLUDED.{name}" for name in rest)
        return f"{insert} ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changed}"
    return insert


@lru_cache(maxsize=256)
def _joined(statements: tuple[str, ...]) -> str:
    """One statement of several: all but the last as data-modifying CTEs, each with a parameter of its own."""
    numbered = [sql.replace("$1", f"${number}") for number, sql in enumerate(statements, start=1)]
    *first, last = numbered
    if not first:
        return last
    return f"WITH {', '.join(f'w{number} AS ({sql})' for number, sql in enumerate(first))} {last}"
