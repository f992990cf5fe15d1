"""The feed's statements stay walks along one index, however many events there are."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import pytest

from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.feed.poller import LAST
from app.feed.reading import PAGE, PAGE_OF_ONE, REACH, REACHED, REACHED_OF_ONE
from tests.feed.conftest import OURS, THEIRS, row, told_in
from tests.support.database import new_database
from tests.support.desk import connected, fetch
from tests.support.explaining import count_rows, nodes, root, scans

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


@dataclass(frozen=True, slots=True)
class Feed:
    """Many events of many accounts, the first of which is at the position ``first``."""

    sessions: Sessions
    first: int


@pytest.fixture(scope="module")
async def feed(server: str, template: str) -> AsyncIterator[Feed]:
    """One for all tests here, which only read it."""
    async with new_database(server, template) as url, connected(url) as sessions:
        async with transaction(sessions) as session:
            await told_in(session, row(THEIRS))
        await fetch(sessions, _COPY, OURS, EVENTS)
        await count_rows(url, "events", alone=True)
        [found] = await fetch(sessions, "SELECT min(position) AS first FROM events")
        yield Feed(sessions, found["first"])


async def _plan(sessions: Sessions, mode: str, statement: str, types: str, values: str) -> dict[str, Any]:
    async with transaction(sessions) as session:
        connection = await driver(session)
        await connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
        await connection.execute(f"PREPARE probe ({types}) AS {statement}")
        found = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE probe ({values})")
        await connection.execute("DEALLOCATE probe")
    return root(found)


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_far_behind_pages_walk_along_an_index_and_sort_nothing(feed: Feed, mode: str) -> None:
    for account_id in (OURS, "acc_3"):
        for page, values, index in ((PAGE, "", ALL), (PAGE_OF_ONE, f", '{account_id}'", OF_ONE)):
            types = "bigint, bigint, text[], text[], text, boolean, int" + (", text" if values else "")
            for after in (feed.first, feed.first + EVENTS // 2):
                plan = await _plan(feed.sessions, mode, page, types, f"{after}, {MAX}, {FILTERS}{values}")
                assert scans(plan) == [("Subquery Scan", ""), ("Index Scan", index)], plan
                assert max(node["Actual Rows"] for node in nodes(plan)) <= 51


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_no_page_reads_more_than_its_reach(feed: Feed, mode: str) -> None:
    page = "bigint, bigint, text[], text[], text, boolean, int"
    end = feed.first + EVENTS
    probes = (
        (PAGE, page, f"{end - 100}, {MAX}, {FILTERS}"),
        (PAGE_OF_ONE, f"{page}, text", f"{end - 100}, {MAX}, {FILTERS}, '{OURS}'"),
        (PAGE_OF_ONE, f"{page}, text", f"{end - REACH}, {MAX}, {FILTERS}, 'acc_3'"),
        (REACHED, "bigint", f"{feed.first}"),
        (REACHED_OF_ONE, "bigint, text", f"{feed.first}, '{OURS}'"),
    )
    for statement, types, values in probes:
        plan = await _plan(feed.sessions, mode, statement, types, values)
        assert "Seq Scan" not in {kind for kind, _ in scans(plan)}, plan
        assert max(node["Actual Rows"] for node in nodes(plan)) <= REACH


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_a_look_reads_only_what_is_new(feed: Feed, mode: str) -> None:
    for behind, most in ((0, 1), (5, 5), (EVENTS, 1)):
        plan = await _plan(feed.sessions, mode, LAST, "bigint", f"{feed.first + EVENTS + 1 - behind}")
        assert not [node for node in nodes(plan) if "Seq" in node["Node Type"] or "Bitmap" in node["Node Type"]], plan
        assert max(node["Actual Rows"] for node in nodes(plan)) <= most
