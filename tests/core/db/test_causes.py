import asyncpg
import pytest
from asyncpg import exceptions
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection

from app.core.db.causes import Cause, TooSlow, cause_of


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (ConnectionResetError(), Cause.OUTAGE),
        (TimeoutError(), Cause.OUTAGE),
        (NoConnection(), Cause.OUTAGE),
        (asyncpg.InterfaceError("the connection is closed"), Cause.OUTAGE),
        (exceptions.AdminShutdownError("stopped"), Cause.OUTAGE),
        (exceptions.CannotConnectNowError("starting"), Cause.OUTAGE),
        (exceptions.DiskFullError("full"), Cause.OUTAGE),
        (exceptions.TooManyConnectionsError("full"), Cause.OUTAGE),
        (exceptions.ReadOnlySQLTransactionError("a standby"), Cause.OUTAGE),
        (exceptions.UndefinedColumnError("an older schema"), Cause.OUTAGE),
        (exceptions.DeadlockDetectedError("deadlock"), Cause.CONTENTION),
        (exceptions.SerializationError("serialize"), Cause.CONTENTION),
        (exceptions.LockNotAvailableError("lock timeout"), Cause.CONTENTION),
        (exceptions.QueryCanceledError("statement timeout"), Cause.SLOW),
        (TooSlow(), Cause.SLOW),
        (exceptions.UniqueViolationError("twice"), Cause.FAILED),
        (exceptions.DataError("too long"), Cause.FAILED),
        (KeyError("reopened"), Cause.FAILED),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_only_what_says_something_of_the_work_is_its_fault(error: Exception, cause: Cause) -> None:
    assert cause_of(error) is cause


def test_what_sqlalchemy_has_wrapped_is_judged_by_what_it_wraps() -> None:
    wrapped = DBAPIError("SELECT 1", None, exceptions.LockNotAvailableError("lock timeout"))
    assert cause_of(wrapped) is Cause.CONTENTION
