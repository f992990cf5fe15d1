"""How far the feed goes back: positions have no instants, so once an hour one is noted beside the other."""

from datetime import timedelta
from typing import Final

from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction

OLDEST: Final = "SELECT coalesce(max(position), 0) FROM feed_marks WHERE at <= clock_timestamp() - $1::interval"
"""The position behind which everything is kept; of the events before it, all are older than ``$1``."""
_MARK: Final = """
WITH over AS (
    DELETE FROM feed_marks WHERE at < (SELECT max(at) FROM feed_marks WHERE at <= clock_timestamp() - $1::interval)
)
INSERT INTO feed_marks (at, position)
SELECT clock_timestamp(), last FROM pg_sequence_last_value('events_position_seq') AS last
WHERE last > (SELECT coalesce(max(position), 0) FROM feed_marks)
"""


async def mark(sessions: Sessions, retention: timedelta) -> None:
    """Note the present position, and drop the marks that no reader needs any more."""
    async with transaction(sessions) as session:
        await (await driver(session)).execute(_MARK, retention)
