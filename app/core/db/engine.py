"""Connections to the database: engines, and statements outside any transaction."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import orjson
from asyncpg import Connection, InterfaceError, InternalClientError
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from app.core.db.pool import FairPool, Limits

Sessions: TypeAlias = async_sessionmaker[AsyncSession]


@dataclass(frozen=True, slots=True)
class Connections:
    """The connections that one kind of work has for itself."""

    engine: AsyncEngine
    sessions: Sessions


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
    except (InterfaceError, InternalClientError):  # its protocol's state is unknown, or it is closed
        pooled.invalidate()
        raise
    finally:
        pooled.close()  # which waits for nothing: there is no transaction to roll back
