"""Finding one row by its id."""

from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.problems import NotFound

T = TypeVar("T")


async def row_by_id(
    session: AsyncSession,
    entity: type[T],
    row_id: str,
    *,
    lock: bool = False,
    only: str | None = None,
    **owner: str | None,
) -> T:
    """The row with this ``id``; with ``lock`` it is held until the transaction ends.

    404 where there is none, and where it belongs to somebody else: ``only`` is the one account whose rows the caller
    sees (``Principal.only``), ``owner`` says what other columns have to be. A row of somebody else's is not locked.
    """
    table: Any = entity
    owners = owner if only is None else {**owner, "account_id": only}
    query = select(entity).where(table.id == row_id, *(getattr(table, name) == value for name, value in owners.items()))
    row = (await session.scalars(query.with_for_update() if lock else query)).one_or_none()
    if row is None:
        raise NotFound
    return row
