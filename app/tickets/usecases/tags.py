"""How many different tags an account may have in use, and that those which it takes are counted."""

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import begin_with, do_last, driver
from app.core.limits.places import hold_places
from app.core.limits.quotas import Quota
from app.core.settings import Settings

TAGS: Final = Quota("tags", "max_tags", "(SELECT count(*) FROM account_tags WHERE account_id = $1::text)")
"""Those of open tickets and of hooks; what is in use no more stays counted for a day (``usage/upkeep.py``)."""
OF_VISITORS: Final = 2
"""Visitors of widgets bring no new ones where half of the quota is used: the rest is for the account's own systems."""
FRESH: Final = timedelta(hours=12)
"""So long a tag that was seen in use needs no further note of it."""
_UNNOTED: Final = """
SELECT EXISTS (
    SELECT FROM unnest($2::text[]) AS wanted (tag) WHERE NOT EXISTS (
        SELECT FROM account_tags AS t
        WHERE t.account_id = $1 AND t.tag = wanted.tag AND t.used_at > clock_timestamp() - $3::interval
    )
)
"""
_COUNTED: Final = "SELECT count(*) FROM account_tags WHERE account_id = $1 AND tag = ANY ($2::text[])"
_NOTE: Final = """
INSERT INTO account_tags (account_id, tag, used_at)
SELECT $1, tag, clock_timestamp() FROM unnest($2::text[]) AS tag ORDER BY tag
ON CONFLICT (account_id, tag) DO UPDATE SET used_at = excluded.used_at
"""
_OF_TICKET: Final = (
    "SELECT DISTINCT jsonb_array_elements_text(tags) AS tag FROM tickets WHERE account_id = $1 AND id = $2"
)


async def take_tags(
    session: AsyncSession, settings: Settings, account_id: str, tags: Collection[str], *, share: int = 1
) -> None:
    """409 unless the account may use these tags too; ``share``: of so many parts of the quota, one may be taken.

    Without tags it asks nothing, and tags that are in use already need one look at an index. Whoever brings others
    waits for those who bring some at the same time, and for nothing else: the tags are noted before the transaction
    that uses them, which begins again then. It comes before anything that is done only once.
    """
    wanted = sorted(set(tags))
    if not wanted or not await (await driver(session)).fetchval(_UNNOTED, account_id, wanted, FRESH):
        return
    most = TAGS.value(settings) // share

    async def take(session: AsyncSession) -> None:
        await hold_places(session, TAGS, account_id)
        connection = await driver(session)
        new = len(wanted) - await connection.fetchval(_COUNTED, account_id, wanted)
        if new:
            TAGS.check(await connection.fetchval(f"SELECT {TAGS.owned}", account_id), most, new)
        await note_tags(session, account_id, wanted)

    await begin_with(session, take)


async def note_tags(session: AsyncSession, account_id: str, tags: Collection[str]) -> None:
    """Note that they are in use now; no tag comes twice."""
    await (await driver(session)).execute(_NOTE, account_id, tags)


def note_tags_of(session: AsyncSession, account_id: str, ticket_id: str) -> None:
    """Note the tags of a ticket that is opened again: it has them whatever the quota is.

    That comes last, since others who note these tags wait from then on.
    """

    async def note() -> None:
        tags = [row["tag"] for row in await (await driver(session)).fetch(_OF_TICKET, account_id, ticket_id)]
        if tags:
            await note_tags(session, account_id, tags)

    do_last(session, note)
