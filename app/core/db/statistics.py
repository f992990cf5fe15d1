"""The planner's first statistics of a table, which autovacuum makes up to a minute after its first rows.

Until then PostgreSQL takes the table for nearly empty, and what a connection has prepared goes on reading it from one
end to the other: on a fresh installation a claim of deliveries takes five times as long.
"""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction

_MANY: Final = 500
"""Rows from which a table is no longer read as quickly whole as by an index."""
_WITHOUT: Final = """
SELECT quote_ident(s.schemaname) || '.' || quote_ident(s.relname)
FROM pg_stat_user_tables AS s JOIN pg_class AS c ON c.oid = s.relid
WHERE s.last_analyze IS NULL AND s.last_autoanalyze IS NULL AND s.n_mod_since_analyze >= $1
  AND s.schemaname = ANY (current_schemas(false)) AND pg_has_role(c.relowner, 'USAGE')
ORDER BY s.relid
"""


async def analyze_new_tables(sessions: Sessions) -> list[str]:
    """Analyze each table that has got rows and has no statistics yet; which they are.

    A table that another replica or autovacuum has just taken up is left to it.
    """
    async with transaction(sessions) as session:
        names = [row[0] for row in await (await driver(session)).fetch(_WITHOUT, _MANY)]
    for name in names:
        async with transaction(sessions) as session:
            await _analyze(session, name)
    return names


async def _analyze(session: AsyncSession, name: str) -> None:
    await (await driver(session)).execute(f"ANALYZE (SKIP_LOCKED) {name}")
