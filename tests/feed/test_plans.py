"""The feed's statements stay walks along one index, however many events there are."""

from typing import Any, Final

import asyncpg
import pytest

from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.feed.poller import LAST
from app.feed.reading import PAGE, PAGE_OF_ONE, REACH, REACHED, REACHED_OF_ONE
from tests.feed.conftest import OURS, THEIRS, Tell, row
from tests.support.desk import fetch
from tests.support.explaining import nodes, root, scans

EVENTS: Final = 60_000
_COPY: Final = """
INSERT INTO events (account_id, id, ticket_id, sequence, type, timestamp, actor, audience, sandbox, data)
SELECT CASE n % 100 WHEN 0 THEN $1 ELSE 'acc_' || n % 40 END, 'evt_' || n, 'tkt_' || n / 800 || '_' || n % 100, n,
       type, timestamp, actor, audience, sandbox, data
FROM (SELECT * FROM events LIMIT 1) AS one, generate_series(1, $2::int) AS n
"""
FILTERS: Final = "ARRAY['public']::text[], NULL, NULL, NULL, 51"
ALL: Final = "ix_events_position"
OF_ONE: Final = "ix_events_account_id_position"
MAX: Final = 2**62


@pytest.fixture
async def first(sessions: Sessions, tell: Tell, database: str, start: int) -> int:
    """The first of many events of many accounts."""
    await tell(row(THEIRS))
    await fetch(sessions, _COPY, OURS, EVENTS)
    connection = await asyncpg.connect(database)
    await connection.execute("VACUUM ANALYZE events")
    await connection.close()
    return start


async def _plan(sessions: Sessions, mode: str, statement: str, types: str, values: str) -> dict[str, Any]:
    async with transaction(sessions) as session:
        connection = await driver(session)
        await connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
        await connection.execute(f"PREPARE probe ({types}) AS {statement}")
        found = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE probe ({values})")
        await connection.execute("DEALLOCATE probe")
    return root(found)


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_far_behind_pages_walk_along_an_index_and_sort_nothing(sessions: Sessions, first: int, mode: str) -> None:
    for account_id in (OURS, "acc_3"):
        for page, values, index in ((PAGE, "", ALL), (PAGE_OF_ONE, f", '{account_id}'", OF_ONE)):
            types = "bigint, bigint, text[], text[], text, boolean, int" + (", text" if values else "")
            for after in (first, first + EVENTS // 2):
                plan = await _plan(sessions, mode, page, types, f"{after}, {MAX}, {FILTERS}{values}")
                assert scans(plan) == [("Subquery Scan", ""), ("Index Scan", index)], plan
                assert max(node["Actual Rows"] for node in nodes(plan)) <= 51


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_no_page_reads_more_than_its_reach(sessions: Sessions, first: int, mode: str) -> None:
    page = "bigint, bigint, text[], text[], text, boolean, int"
    end = first + EVENTS
    probes = (
        (PAGE, page, f"{end - 100}, {MAX}, {FILTERS}"),
        (PAGE_OF_ONE, f"{page}, text", f"{end - 100}, {MAX}, {FILTERS}, '{OURS}'"),
        (PAGE_OF_ONE, f"{page}, text", f"{end - REACH}, {MAX}, {FILTERS}, 'acc_3'"),
        (REACHED, "bigint", f"{first}"),
        (REACHED_OF_ONE, "bigint, text", f"{first}, '{OURS}'"),
    )
    for statement, types, values in probes:
        plan = await _plan(sessions, mode, statement, types, values)
        assert "Seq Scan" not in {kind for kind, _ in scans(plan)}, plan
        assert max(node["Actual Rows"] for node in nodes(plan)) <= REACH


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_a_look_reads_only_what_is_new(sessions: Sessions, first: int, mode: str) -> None:
    for behind, most in ((0, 1), (5, 5), (EVENTS, 1)):
        plan = await _plan(sessions, mode, LAST, "bigint", f"{first + EVENTS + 1 - behind}")
        assert not [node for node in nodes(plan) if "Seq" in node["Node Type"] or "Bitmap" in node["Node Type"]], plan
        assert max(node["Actual Rows"] for node in nodes(plan)) <= most
