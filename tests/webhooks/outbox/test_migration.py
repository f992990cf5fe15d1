"""Indexes of large tables are built beside the writing, and a build that was interrupted is begun anew."""

import asyncio

from alembic import command

from app.core.db.migrate import configuration
from app.core.db.session import driver, transaction
from tests.support.desk import connected, fetch
from tests.support.waiting import until_blocked

_INDEXES = [("0066", "deliveries", "ix_deliveries_lanes"), ("0068", "report_facts", "ix_report_facts_late")]
_LEFT = "CREATE INDEX {} ON {} (account_id)"
_INTERRUPTED = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{}'::regclass"
_WRITE = "LOCK TABLE {} IN ROW EXCLUSIVE MODE"
_BUILT = "SELECT FROM pg_index WHERE indexrelid = to_regclass($1) AND indisvalid AND indpred IS NOT NULL"


async def test_who_writes_waits_for_no_index(own_database: str) -> None:
    migrations = configuration(own_database)
    await asyncio.to_thread(command.downgrade, migrations, "0065")
    async with connected(own_database) as sessions:
        for revision, table, index in _INDEXES:
            async with transaction(sessions) as session:
                await (await driver(session)).execute(_WRITE.format(table))
                migrating = asyncio.create_task(asyncio.to_thread(command.upgrade, migrations, revision))
                await until_blocked(sessions)
                await fetch(sessions, f"{_WRITE.format(table)} NOWAIT")
            await migrating
            assert await fetch(sessions, _BUILT, index)
        await asyncio.to_thread(command.downgrade, migrations, "0065")
        assert await fetch(sessions, _BUILT, "ix_deliveries_lane"), "as it was before"
        for _revision, table, index in _INDEXES:
            await fetch(sessions, _LEFT.format(index, table))
            await fetch(sessions, _INTERRUPTED.format(index))
        await asyncio.to_thread(command.upgrade, migrations, "head")
        for index in ("ix_deliveries_lane", "ix_deliveries_lanes", "ix_report_facts_late"):
            assert bool(await fetch(sessions, _BUILT, index)) == (index != "ix_deliveries_lane")
