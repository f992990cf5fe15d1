"""C01: the holidays in shifts reach some years ahead, whenever the shifts were stored."""

from datetime import UTC, datetime
from typing import Any, Final

from app.calendars.hours import WEEKDAYS
from app.core.db.engine import Sessions
from app.core.db.session import transaction
from app.core.state import State
from app.roster import shifts
from app.roster.schemas import NewEngineer, NewRegion
from app.roster.upkeep import extend_shift_holidays
from app.roster.usecases.engineers import create_engineer
from app.roster.usecases.regions import create_region
from tests.support.desk import fetch, now_of

LONG_AGO: Final = datetime(2016, 2, 1, 12, tzinfo=UTC)
EMPTY: Final[dict[str, Any]] = {
    "time_zone": "Europe/Warsaw",
    "weekly": {day: [["09:00", "17:00"]] for day in WEEKDAYS},
}
POLISH: Final = EMPTY | {"holidays": {"country": "PL", "dates": ["2016-02-02"]}}
ROWS: Final = """
SELECT calendar, updated_at, version FROM regions UNION ALL
SELECT * FROM (SELECT shifts, updated_at, version FROM engineers ORDER BY name) AS e
"""


async def test_c01_shifts_stored_long_ago_get_later_holidays_and_keep_what_they_have(sessions: Sessions) -> None:
    region = NewRegion.model_validate({"key": "emea", "name": "Europe", "place": 1, "calendar": POLISH})
    engineers = [
        NewEngineer.model_validate({"name": name, "email": "e@example.com", "shifts": calendar})
        for name, calendar in (("Ida", POLISH), ("Ole", EMPTY))
    ]
    async with transaction(sessions) as session:
        await create_region(session, region, now=LONG_AGO)
        for engineer in engineers:
            await create_engineer(session, engineer, now=LONG_AGO)
    before = await fetch(sessions, ROWS)
    await extend_shift_holidays(sessions)
    after = await fetch(sessions, ROWS)
    now = await now_of(sessions)
    for old, new in zip(before[:2], after[:2], strict=True):
        had, has = (row["calendar"]["holidays"]["dates"] for row in (old, new))
        assert (had[0], had[-1], has[: len(had)]) == ("2015-01-01", "2026-12-26", had)
        assert {"2016-02-02", f"{now.year + 5}-05-03"} < set(has)
        assert (new["updated_at"] >= old["updated_at"], new["updated_at"] > LONG_AGO, new["version"]) == (True, True, 1)
    assert after[2] == before[2]
    await extend_shift_holidays(sessions)
    assert await fetch(sessions, ROWS) == after


async def test_what_fails_for_one_region_or_engineer_ends_no_other(sessions: Sessions, state: State) -> None:
    async with transaction(sessions) as session:
        for number, key in enumerate(("apac", "emea")):
            region = {"key": key, "name": key, "place": number, "calendar": POLISH}
            await create_region(session, NewRegion.model_validate(region), now=LONG_AGO)
        for name in ("Ida", "Ole"):
            engineer = {"name": name, "email": "e@example.com", "shifts": POLISH}
            await create_engineer(session, NewEngineer.model_validate(engineer), now=LONG_AGO)
    await fetch(sessions, """UPDATE regions SET calendar = '{"holidays": 7}' WHERE key = 'apac'""")
    await fetch(sessions, """UPDATE engineers SET shifts = '{"holidays": 7}' WHERE name = 'Ida'""")
    await extend_shift_holidays(sessions, state.metrics)
    changed = await fetch(
        sessions,
        "SELECT key AS name FROM regions WHERE updated_at > $1"
        " UNION ALL SELECT name FROM engineers WHERE updated_at > $1",
        LONG_AGO,
    )
    assert [row["name"] for row in changed] == ["emea", "Ole"]
    failures = state.metrics.registry.get_sample_value("heliodesk_job_failures_total", {"job": "extend shifts"})
    assert failures == 2


def test_a_calendar_that_reaches_far_enough_or_names_no_country_stays() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert shifts.extended(POLISH, now, now) is None
    assert shifts.extended(EMPTY, LONG_AGO, now) is None
