"""Reading a roster costs what is near, however many shift overrides there are."""

from datetime import timedelta
from itertools import pairwise

from app.tickets.staffing.roster import FAR_AHEAD, read_roster
from tests.support.desk import fetch
from tests.support.experts import add_expert
from tests.support.stories import Begin

_MANY = """
INSERT INTO shift_overrides (id, engineer_id, covered_by, since, until, created_at)
SELECT 'ovr_' || lpad($1 || n::text, 26, '0'), $2, $3, $4::timestamptz + n * interval '2 hours',
    $4::timestamptz + n * interval '2 hours' + interval '1 hour', $4
FROM generate_series(0, 59) AS n
"""


async def test_the_next_overrides_are_looked_at_and_the_present_ones(begin: Begin) -> None:
    story = await begin("google-premium", sandbox=True)
    noor, max_, ola = [(await add_expert(story, name)).id for name in ("Noor", "Max", "Ola")]
    now = await story.now()
    for place, covered in enumerate((noor, max_), start=1):
        await fetch(story.sessions, _MANY, str(place), covered, ola, now - timedelta(minutes=10))
    async with story.sessions() as session:
        near = (await read_roster(session, story.account.account_id, ())).staff.experts
        far = (await read_roster(session, story.account.account_id, (), ahead=FAR_AHEAD)).staff.experts
    assert [(len(experts[noor].covered), len(experts[ola].covers)) for experts in (near, far)] == [(20, 22), (60, 120)]
    first, *others = sorted(near[ola].covers, key=lambda cover: cover.since)
    assert first.since < now < first.until
    assert all(one.since <= other.since for one, other in pairwise(others))
    assert {cover.since for cover in near[ola].covers} == {since for since, _, _ in near[noor].covered[:11]}
    assert not near[ola].covered
