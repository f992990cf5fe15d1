"""What the background pass counts, and when: a ticket with a long history only from time to time."""

from datetime import timedelta
from math import inf
from typing import Any, Final

import pytest

from app.core.clock import database_now
from app.core.db.session import driver
from app.core.state import State
from app.reports.facts import folding
from app.reports.facts.checking import wrong_facts
from app.reports.facts.folding import Folding
from app.reports.facts.progress import counted_until, seconds_behind, trouble
from app.reports.facts.storing import recount
from tests.support.desk import fetch
from tests.support.recounting import counted
from tests.support.stories import P1, Begin, path_of

_DUE: Final = "UPDATE report_recounts SET due_at = clock_timestamp(), since = since - interval '20 minutes'"


async def test_a_ticket_with_a_long_history_is_counted_once_for_many_events(
    begin: Begin, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = await begin("wati-business-plus")
    ticket, other = await story.open(**P1), await story.open(**P1)
    await counted(state)
    monkeypatch.setattr(folding, "SHORT", 12)
    recounted: list[str] = []

    async def noted(session: Any, keys: Any) -> Any:
        recounted.extend(ticket_id for _, ticket_id in keys)
        return await recount(session, keys)

    monkeypatch.setattr(folding, "recount", noted)
    passes = Folding(state.sessions, state.feed)
    monkeypatch.setattr(passes, "_poll_at", inf)  # it looks for none whose turn has come
    for _number in range(20):
        await story.engineer.post(f"{path_of(ticket)}/messages", 201, body="We are on it.")
        await passes.run_pass()
    await story.engineer.post(f"{path_of(other)}/messages", 201, body="We are on it.")
    await passes.run_pass()
    at_once = recounted.count(ticket["id"])
    assert (at_once < 12, recounted.count(other["id"])) == (True, 1)
    keys = [(story.account.account_id, ticket["id"])]
    assert await wrong_facts(state.sessions, keys) == []  # what waits is no fault
    async with state.sessions() as session:
        assert await trouble(session) is None
        assert await counted_until(session) < await database_now(session)

    await fetch(state.sessions, _DUE)
    async with state.sessions() as session:
        assert 1200 <= await seconds_behind(await driver(session)) < 4800
        assert (await trouble(session) or "").endswith(" minutes behind what has happened")
        assert await database_now(session) - await counted_until(session) >= timedelta(minutes=20)
    assert await Folding(state.sessions, state.feed).run_pass() == 1
    assert recounted.count(ticket["id"]) == at_once + 1
    assert await fetch(state.sessions, "SELECT FROM report_recounts") == []
    assert await wrong_facts(state.sessions, keys) == []


async def test_a_ticket_that_cannot_be_counted_in_time_lets_others_have_their_turn(
    begin: Begin, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = await begin("wati-business-plus")
    first, second = await story.open(**P1), await story.open(**P1)
    monkeypatch.setattr(folding, "SHORT", 0)
    passes = Folding(state.sessions, state.feed)
    monkeypatch.setattr(passes, "_poll_at", inf)  # it looks for none whose turn has come
    await passes.run_pass()
    await passes.run_pass()
    await fetch(state.sessions, "UPDATE report_recounts SET due_at = clock_timestamp() - interval '1 s'")

    async def slow(session: Any, keys: Any) -> Any:
        if keys[0][1] == first["id"]:
            raise TimeoutError
        return await recount(session, keys)

    monkeypatch.setattr(folding, "recount", slow)
    for _try in range(2):
        try:
            await Folding(state.sessions, state.feed).run_pass()
        except TimeoutError:
            continue
    [waits] = await fetch(state.sessions, "SELECT ticket_id FROM report_recounts")
    assert waits["ticket_id"] == first["id"]
    found = await fetch(state.sessions, "SELECT DISTINCT ticket_id FROM report_facts")
    assert [row["ticket_id"] for row in found] == [second["id"]]
