"""Finding one row by its id."""

from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.problems import NotFound

T = TypeVar("T")


async def row_by_id(
    session: AsyncSession, entity: type[T], row_id: str, *, lock: bool = False, **owner: str | None
) -> T:
    """The row with this ``id``; with ``lock`` it is held until the transaction ends.

    404 where there is none, and where it belongs to somebody else: ``owner`` says what its columns have to be.
    """
    table: Any = entity
    query = select(entity).where(table.id == row_id, *(getattr(table, name) == value for name, value in owner.items()))
    row = (await session.scalars(query.with_for_update() if lock else query)).one_or_none()
    if row is None:
        raise NotFound
    return row
