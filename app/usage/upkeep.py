"""Quotas count what there is: tags that nothing uses any more are given back."""

from datetime import timedelta
from typing import Final

from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.db.statements.housekeeping import forget
from app.core.jobs.apart import apart
from app.core.metrics import Metrics
from app.tickets.models import ACTIVE, AccountTagRow
from app.tickets.usecases.tags import note_tags

COUNTED: Final = timedelta(days=1)
"""So long a tag is counted after it was last seen in use."""
_JOB: Final = "count tags"
_BATCH: Final = 1000
_OLD: Final = "used_at < clock_timestamp() - ${}::interval"
_OWNERS: Final = f"SELECT DISTINCT account_id FROM account_tags WHERE {_OLD.format(1)}"  # noqa: S608  our own text
_IN_USE: Final = f"""
SELECT tag FROM (
    SELECT jsonb_array_elements_text(tags) AS tag FROM tickets WHERE account_id = $1 AND {ACTIVE}
    UNION SELECT jsonb_array_elements_text(fields -> 'tags') FROM hooks WHERE account_id = $1
) AS used ORDER BY tag
"""  # noqa: S608  our own text


async def count_tags(sessions: Sessions, metrics: Metrics | None = None) -> None:
    """Look at the tags of each account of which one was last seen in use a day ago, and drop those that are not."""
    async with transaction(sessions) as session:
        owners = [row["account_id"] for row in await (await driver(session)).fetch(_OWNERS, COUNTED)]
    for account_id in owners:
        with apart(_JOB, metrics, account=account_id):
            await _count(sessions, account_id)


async def _count(sessions: Sessions, account_id: str) -> None:
    """What is taken into use meanwhile has been noted as such within the day, so that it stays."""
    async with transaction(sessions) as session:
        used = [row["tag"] for row in await (await driver(session)).fetch(_IN_USE, account_id)]
    for first in range(0, len(used), _BATCH):
        async with transaction(sessions) as session:
            await note_tags(session, account_id, used[first : first + _BATCH])
    await forget(sessions, AccountTagRow, f"t.account_id = $1 AND t.{_OLD.format(2)}", account_id, COUNTED)
