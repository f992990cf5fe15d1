"""What a page holds: by account, audience, type, ticket and sandbox; far behind, at the end, and beyond the ends."""

from datetime import timedelta
from typing import Any, Final

import pytest

from app.core.db.engine import Sessions
from app.core.problems import Gone
from app.core.state import State
from app.feed import reading
from app.feed.cursors import cursor_of, read_start
from app.feed.marks import mark
from app.feed.reading import Wanted, begin, read
from app.webhooks.rules.patterns import types_of
from tests.feed.conftest import EVERYTHING, INTERNAL, OURS, THEIRS, Tell, everything, ids, row
from tests.support.desk import fetch

TICKET: Final = "tkt_01k9w3b6bz6p1m7h4c0x3r2saa"
AGE: Final = "UPDATE feed_marks SET at = at - ($1 || ' days')::interval WHERE at > now() - interval '1 hour'"
DAY: Final = timedelta(days=1)


async def test_readers_get_what_they_may_see_and_want(state: State, tell: Tell, start: int) -> None:
    public, internal, theirs, none, sandboxed, ticket = await tell(
        row(),
        row(data=INTERNAL),
        row(THEIRS),
        row("-"),
        row(sandbox=True),
        row(OURS, TICKET, 1),
    )
    upto = await state.feed.decided()

    async def got(account_id: str | None, *audiences: str, **filters: Any) -> list[str]:
        wanted = Wanted(account_id, audiences, **filters)
        return ids(await read(state.engine, wanted, after=start, upto=upto, limit=50))

    both = ("public", "internal")
    assert await got(None, *both) == [public, internal, theirs, none, sandboxed, ticket]
    assert await got(OURS, "public") == [public, sandboxed, ticket]
    assert await got(OURS, *both) == [public, internal, sandboxed, ticket]
    assert await got(None, *both, types=types_of(["expert.*"])) == [internal]
    assert await got(OURS, "public", types=types_of(["expert.*"])) == []
    assert await got(None, *both, ticket_id=TICKET) == [ticket]
    assert await got(None, *both, sandbox=True) == [sandboxed]
    assert await got(OURS, "public", sandbox=False) == [public, ticket]


async def test_pages_go_on_where_the_one_before_ended(state: State, tell: Tell, start: int) -> None:
    told = await tell(*(row() for _ in range(5)))
    first = await read(state.engine, EVERYTHING, after=start, upto=start + 5, limit=3)
    assert (ids(first), first.more, first.after) == (told[:3], True, start + 3)
    second = await read(state.engine, EVERYTHING, after=first.after, upto=start + 5, limit=3)
    assert (ids(second), second.more, second.after) == (told[3:], False, start + 5)
    exact = await read(state.engine, EVERYTHING, after=start, upto=start + 5, limit=5)
    assert (ids(exact), exact.more) == (told, False)


@pytest.mark.parametrize("account_id", [None, OURS])
async def test_a_page_looks_at_only_so_many_events_and_goes_on(
    state: State, tell: Tell, start: int, account_id: str | None
) -> None:
    await tell(*(row() for _ in range(reading.REACH + 10)))
    [wanted] = await tell(row(data=INTERNAL))
    upto, after, pages = await state.feed.decided(), start, 0
    asked = Wanted(account_id, ("public", "internal"), types_of(["expert.*"]))
    while True:
        page = await read(state.engine, asked, after=after, upto=upto, limit=5)
        after, pages = page.after, pages + 1
        if not page.more:
            break
        assert page.rows == []
    assert (ids(page), pages, after) == ([wanted], 2, upto)


async def test_the_feed_goes_back_as_far_as_its_retention(
    state: State, sessions: Sessions, tell: Tell, start: int
) -> None:
    await tell()
    await mark(sessions, 90 * DAY)
    await mark(sessions, 90 * DAY)
    assert await begin(state, None) == 0
    assert len(await fetch(sessions, "UPDATE feed_marks SET at = at - interval '91 days' RETURNING at")) == 1
    kept = await tell()
    assert await begin(state, None) == start + 1
    assert (await everything(state, await begin(state, None)))[0] == kept
    assert await begin(state, start + 1) == start + 1
    with pytest.raises(Gone):
        await begin(state, start)
    assert await begin(state, "latest") == start + 2
    with pytest.raises(Gone):
        await begin(state, start + 3)


async def test_old_marks_are_dropped_but_for_the_one_that_counts(sessions: Sessions, tell: Tell) -> None:
    for age in (300, 200, 100, 10):
        await tell()
        await mark(sessions, 90 * DAY)
        await fetch(sessions, AGE, str(age))
    await tell()
    await mark(sessions, 90 * DAY)
    ages = await fetch(sessions, "SELECT extract(day FROM now() - at)::int AS age FROM feed_marks ORDER BY at")
    assert [each["age"] for each in ages] == [100, 10, 0]


@pytest.mark.parametrize(
    "text", ["", "at-", "at--1", "at-01", "at-1 ", "at-9999999999999999999", "AT-1", "WzFd", "at-\u0661"]
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text or "$"):
        read_start(text)


def test_cursors_are_read_back() -> None:
    assert [read_start(text) for text in (None, "latest", cursor_of(0), cursor_of(10**17))] == [
        None,
        "latest",
        0,
        10**17,
    ]
