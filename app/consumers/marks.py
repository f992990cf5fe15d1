"""How far a background pass has followed the events: the mark that it holds while it is at work."""

from typing import Final

from asyncpg import Connection

_BEGIN: Final = "INSERT INTO event_consumers (name, position) VALUES ($1, $2) ON CONFLICT DO NOTHING"
_LOCK: Final = "SELECT position FROM event_consumers WHERE name = $1 FOR UPDATE SKIP LOCKED"
_WAIT: Final = "SELECT position FROM event_consumers WHERE name = $1 FOR UPDATE"
_ADVANCE: Final = "UPDATE event_consumers SET position = greatest(position, $2) WHERE name = $1"


async def begin(connection: Connection, consumer: str, position: int) -> None:
    """Follow the events that come after this position; a pass that has begun goes on where it is."""
    await connection.execute(_BEGIN, consumer, position)


async def lock(connection: Connection, consumer: str) -> int | None:
    """How far the pass has come, for the rest of the transaction; None: others are at it, or it has not begun."""
    position: int | None = await connection.fetchval(_LOCK, consumer)
    return position


async def wait(connection: Connection, consumer: str) -> None:
    """Hold a pass that has begun for the rest of the transaction, once others have let go of it."""
    await connection.execute(_WAIT, consumer)


async def advance(connection: Connection, consumer: str, position: int) -> None:
    """The events up to this position are done with."""
    await connection.execute(_ADVANCE, consumer, position)
