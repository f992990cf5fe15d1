"""Reading a roster costs what is near, however many shift overrides there are."""

from datetime import datetime, timedelta
from itertools import pairwise

from app.tickets.staffing.roster import look_ahead, read_roster
from tests.support.desk import fetch
from tests.support.experts import add_expert, add_regions, daily, owners
from tests.support.stories import P1, Begin, path_of

_MANY = """
INSERT INTO shift_overrides (id, engineer_id, covered_by, since, until, created_at)
SELECT 'ovr_' || lpad($1 || n::text, 26, '0'), $2, $3, $4::timestamptz + n * interval '2 hours',
    $4::timestamptz + n * interval '2 hours' + interval '1 hour', $4
FROM generate_series(0, $5::int - 1) AS n
"""
HOUR = timedelta(hours=1)


async def test_the_next_overrides_are_looked_at_and_the_present_ones_and_then_those_behind_them(begin: Begin) -> None:
    story = await begin("google-premium", sandbox=True)
    noor, max_, ola = [(await add_expert(story, name)).id for name in ("Noor", "Max", "Ola")]
    now = await story.now()
    for place, covered in enumerate((noor, max_), start=1):
        await fetch(story.sessions, _MANY, str(place), covered, ola, now - timedelta(minutes=10), 60)
    async with story.sessions() as session:
        staff = (await read_roster(session, story.account.account_id, ())).staff
        assert (len(staff.experts[noor].covered), len(staff.experts[ola].covers)) == (20, 22)
        first, *others = sorted(staff.experts[ola].covers, key=lambda cover: cover.since)
        assert first.since < now < first.until
        assert all(one.since <= other.since for one, other in pairwise(others))
        assert {cover.since for cover in staff.experts[ola].covers} == {
            since for since, _, _ in staff.experts[noor].covered[:11]
        }
        assert not staff.experts[ola].covered
        seen, looks = set(staff.experts[noor].covered), 0
        assert staff.known_until == staff.next_look("nowhere", now) == first.since + 20 * HOUR
        while staff.known_until:
            await look_ahead(session, story.account.account_id, staff, staff.known_until)
            seen |= set(staff.experts[noor].covered)
            looks += 1
    assert (len(seen), looks) == (60, 6)


async def test_who_comes_behind_twenty_overrides_is_found_when_they_come(begin: Begin) -> None:
    story = await begin("google-premium", sandbox=True)
    await add_regions(story)
    now = datetime.fromisoformat((await story.advance(by="PT1S"))["now"])
    away = [{"from": now, "to": now + timedelta(days=300)}]
    always = daily("UTC", "00:00", "24:00")
    noor = (await add_expert(story, "Noor", region="emea", shifts=always, absences=away)).id
    kim = (await add_expert(story, "Kim", region="apac", shifts=always, absences=away)).id
    ola = (await add_expert(story, "Ola", region="emea", shifts=always)).id
    await fetch(story.sessions, _MANY, "1", noor, ola, now + HOUR, 45)
    await fetch(story.sessions, _MANY, "2", kim, ola, now + 100 * HOUR, 1)
    path = path_of(await story.open(**P1, region_lock="apac"))
    await story.pass_time("PT168H")
    events = await story.events(path, "ticket.assigned", "ticket.handed_over")
    assert owners(events)[0] == (now + 100 * HOUR, ola)
