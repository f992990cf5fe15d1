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
# As ``ix_tickets_active`` has them.
_OF_TICKETS: Final = f"""
SELECT opened_at, id, tags FROM tickets
WHERE account_id = $1 AND {ACTIVE} AND (opened_at, id) > (coalesce($2::timestamptz, '-infinity'), $3)
ORDER BY opened_at, id LIMIT $4
"""  # noqa: S608  our own text
_OF_HOOKS: Final = "SELECT DISTINCT jsonb_array_elements_text(fields -> 'tags') AS tag FROM hooks WHERE account_id = $1"


async def count_tags(sessions: Sessions, metrics: Metrics | None = None) -> None:
    """Look at the tags of each account of which one was last seen in use a day ago, and drop those that are not."""
    async with transaction(sessions) as session:
        owners = [row["account_id"] for row in await (await driver(session)).fetch(_OWNERS, COUNTED)]
    for account_id in owners:
        with apart(_JOB, metrics, account=account_id):
            await _count(sessions, account_id)


async def _count(sessions: Sessions, account_id: str) -> None:
    """What is taken into use meanwhile has been noted as such within the day, so that it stays."""
    used = sorted(await _in_use(sessions, account_id))
    for first in range(0, len(used), _BATCH):
        async with transaction(sessions) as session:
            await note_tags(session, account_id, used[first : first + _BATCH])
    await forget(sessions, AccountTagRow, f"t.account_id = $1 AND t.{_OLD.format(2)}", account_id, COUNTED)


async def _in_use(sessions: Sessions, account_id: str) -> set[str]:
    """The tags of the account's hooks, and of its active tickets, some of which are read at a time."""
    async with transaction(sessions) as session:
        used = {row["tag"] for row in await (await driver(session)).fetch(_OF_HOOKS, account_id)}
    opened_at, ticket_id = None, ""
    while True:
        async with transaction(sessions) as session:
            rows = await (await driver(session)).fetch(_OF_TICKETS, account_id, opened_at, ticket_id, _BATCH)
        used.update(*(row["tags"] for row in rows))
        if len(rows) < _BATCH:
            return used
        opened_at, ticket_id = rows[-1]["opened_at"], rows[-1]["id"]
