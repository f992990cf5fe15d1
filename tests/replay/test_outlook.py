"""What another time-zone database, or another year, would do to open deadlines: told, and nothing is moved."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.core.db.engine import Sessions
from app.core.zones import IN_FORCE, NoZones, ZoneDatabase, database_in
from app.replay.outlook import Outlook, faults
from app.replay.snapshots import Scope, Snapshot, walk
from tests.support import stories
from tests.support.actors import make_account
from tests.support.desk import fetch, now_of, open_at, store_plan
from tests.support.replaying import replayed
from tests.support.stories import Story
from tests.support.zones import make_zones

LATER = "UPDATE deadlines SET due_at = due_at + interval '1 hour' WHERE metric = 'first_response'"
MONDAY = datetime(2026, 11, 23, 14, tzinfo=UTC)  # 09:00 in New York


@pytest.fixture
async def story(sessions: Sessions, client: httpx.AsyncClient, plans: None) -> Story:
    """A customer in New York; nobody replays its tickets at the end."""
    del plans
    return await stories.begin(sessions, client, "zmanda-standard")


@pytest.fixture
def elsewhere(tmp_path: Path) -> ZoneDatabase:
    """A database in which New York keeps the time of Warsaw."""
    make_zones(tmp_path, {"America/New_York": "Europe/Warsaw", "UTC": "UTC"})
    (tmp_path / "tzdata.zi").write_text("# version 2031a\n")
    return database_in(tmp_path)


async def looked_at(sessions: Sessions) -> list[Snapshot]:
    return [each async for _, batch in walk(sessions, Scope()) for each in batch]


async def told(sessions: Sessions, database: ZoneDatabase = IN_FORCE) -> list[str]:
    outlook = Outlook(database)
    return [str(remark) for each in await looked_at(sessions) for remark in outlook(each)]


async def test_c14_what_another_database_would_move_is_told_and_not_moved(
    story: Story, sessions: Sessions, elsewhere: ZoneDatabase
) -> None:
    path = await story.open_at(MONDAY, priority="P2")  # 3 h, until 12:00 in New York
    ticket_id = path.rpartition("/")[2]
    assert await told(sessions) == []
    # 14:00 UTC is 15:00 in Warsaw: two of the three hours that day, the last from 08:00 (07:00 UTC) on
    due, would = "2026-11-23T17:00:00.000000Z", "2026-11-24T08:00:00.000000Z"
    line = f"{ticket_id} first_response/1: due {due}, would move to {would} by tzdata 2031a"
    assert await told(sessions, elsewhere) == [line]
    assert [faults(each) for each in await looked_at(sessions)] == [[]]
    [row] = await fetch(sessions, "SELECT due_at FROM deadlines")
    assert row["due_at"] == MONDAY + timedelta(hours=3)


async def test_only_what_runs_on_a_calendar_is_moved(story: Story, sessions: Sessions, elsewhere: ZoneDatabase) -> None:
    await story.open_at(await story.now(), priority="P4")
    around = await make_account(sessions, "zmanda-premium")
    await open_at(sessions, around.account_id, await now_of(sessions))
    answered = await story.open_at(await story.now(), priority="P3")
    await story.engineer.post(f"{answered}/messages", 201, body="Use the other button.")
    assert len(await told(sessions, elsewhere)) == 1


async def test_c14_what_an_older_database_has_timed_is_no_fault(story: Story, sessions: Sessions) -> None:
    ticket_id = (await story.open_at(await story.now(), priority="P2")).rpartition("/")[2]
    await fetch(sessions, LATER)
    assert [len(faults(each)) > 0 for each in await looked_at(sessions)] == [True]
    await fetch(sessions, "UPDATE tickets SET tz_database = '2020a'")
    assert [faults(each) for each in await looked_at(sessions)] == [[]]
    moved, elsewise = await told(sessions)
    assert moved.endswith(f"by tzdata {IN_FORCE.version}")
    differing = len(await replayed(sessions))
    assert elsewise == (
        f"{ticket_id} was opened under tzdata 2020a: its replay under {IN_FORCE.version} differs in {differing} facts"
    )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tickets SET clock = clock - 'cycles'",
        "UPDATE tickets SET plan_version = 7",
        "UPDATE deadlines SET detail = '{}'",
        "UPDATE deadlines SET metric = 'sun'",
    ],
)
async def test_what_makes_no_sense_is_left_to_the_replay(story: Story, sessions: Sessions, statement: str) -> None:
    await story.open_at(await story.now(), priority="P2")
    await fetch(sessions, statement)
    assert await told(sessions) == []
    await fetch(sessions, "UPDATE tickets SET tz_database = '2020a'")
    assert len(await told(sessions)) <= 1


async def test_a_database_without_the_zone_of_a_ticket_is_refused(
    story: Story, sessions: Sessions, tmp_path: Path
) -> None:
    await story.open_at(await story.now(), priority="P2")
    make_zones(tmp_path, {"UTC": "UTC"})
    with pytest.raises(NoZones, match="America/New_York"):
        await told(sessions, database_in(tmp_path))


@pytest.mark.parametrize(
    ("holidays", "remarks"),
    [
        ({"country": "PL", "dates": []}, 1),
        ({"country": "account", "dates": []}, 1),
        ({"country": None, "dates": ["2026-12-25"]}, 0),
    ],
)
async def test_c01_a_deadline_beyond_the_known_holidays_is_told(
    sessions: Sessions, holidays: dict[str, Any], remarks: int
) -> None:
    calendar = {"time_zone": "account", "weekly": {"mon": [["09:00", "10:00"]]}, "holidays": holidays}
    target = {"duration": "PT1000H", "calendar": "rare"}  # a thousand weeks
    plan = await store_plan(
        sessions,
        "wati-pro",
        calendars={"rare": calendar},
        targets={"P1": {"resolution": target}},
        default_priority="P1",
    )
    account = await make_account(sessions, plan, country="US")
    [ticket_id] = await open_at(sessions, account.account_id, await now_of(sessions))
    found = await told(sessions)
    assert len(found) == remarks
    for line in found:
        assert line.startswith(f"{ticket_id} resolution/1: due 20")
        assert ", after the last known holiday of rare, 203" in line
