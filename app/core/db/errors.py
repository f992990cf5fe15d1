"""What goes wrong at the database, and what that means for whoever waits for it."""

import socket
from typing import Final

import asyncpg
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as SQLAlchemyTimeout

from app.core.text.messages import Message, _

_OUTAGES: Final[tuple[type[Exception], ...]] = (
    ConnectionError,
    FileNotFoundError,  # the server's socket is gone with the server
    TimeoutError,
    socket.gaierror,
    SQLAlchemyTimeout,
    asyncpg.InterfaceError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InsufficientResourcesError,  # its disk is full, or it has no memory or connection left
    asyncpg.InternalClientError,  # the server has said good-bye on an idle connection, and not yet closed it
    asyncpg.LockNotAvailableError,
    asyncpg.OperatorInterventionError,
    asyncpg.PostgresConnectionError,
    asyncpg.PostgresSystemError,  # it cannot read or write a file
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.TransactionRollbackError,
)
_ADAPTER_ERROR: Final[type[Exception]] = AsyncAdapt_asyncpg_dbapi.Error
DATABASE_ERRORS: Final[tuple[type[Exception], ...]] = (*_OUTAGES, DBAPIError, _ADAPTER_ERROR)
"""What a statement may raise: by the driver alone, by its adapter (``driver``), or through SQLAlchemy."""

_BUSY: Final[tuple[tuple[type[Exception], Message], ...]] = (
    (SQLAlchemyTimeout, _("All connections to the database are in use")),
    (asyncpg.LockNotAvailableError, _("Another request holds a lock that this one needs")),
    (asyncpg.QueryCanceledError, _("The database took too long")),
    (asyncpg.DiskFullError, _("The disk of the database is full")),
    (asyncpg.ReadOnlySQLTransactionError, _("The database is read-only")),
)


def is_outage(error: Exception) -> bool:
    """Whether the database is away, full, or gave the transaction up: the same may well work later."""
    return isinstance(driver_error(error), _OUTAGES)


def is_held(error: Exception) -> bool:
    """Whether somebody else holds what the statement needs, and did not let go of it in time."""
    return isinstance(driver_error(error), asyncpg.LockNotAvailableError)


def outage_of(error: Exception) -> Message:
    """What is wrong with the database, for whoever gets no answer because of it."""
    raised = driver_error(error)
    return next((text for kind, text in _BUSY if isinstance(raised, kind)), _("The database does not answer"))


def driver_error(error: Exception) -> BaseException | None:
    """What the driver raised, without the wrapping of its adapter and of SQLAlchemy."""
    adapted = error.orig if isinstance(error, DBAPIError) else error
    return adapted.__cause__ if isinstance(adapted, _ADAPTER_ERROR) else adapted
