"""What the background pass counts, and when: a ticket with a long history only from time to time."""

from typing import Any, Final

import pytest

from app.core.clock import database_now
from app.core.db.session import driver
from app.core.state import State
from app.reports.facts import folding
from app.reports.facts.checking import wrong_facts
from app.reports.facts.folding import Folding
from app.reports.facts.progress import counted_until, seconds_behind, trouble
from app.reports.facts.recounting import Recounting
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

    async def noted(session: Any, keys: Any, faults: Any) -> Any:
        recounted.extend(ticket_id for _, ticket_id in keys)
        return await recount(session, keys, faults)

    monkeypatch.setattr(folding, "recount", noted)
    passes = Folding(state.sessions, state.feed)
    for _number in range(20):
        await story.engineer.post(f"{path_of(ticket)}/messages", 201, body="We are on it.")
        await passes.run_pass()
    await story.engineer.post(f"{path_of(other)}/messages", 201, body="We are on it.")
    await passes.run_pass()
    assert (recounted.count(ticket["id"]) < 12, recounted.count(other["id"])) == (True, 1)
    keys = [(story.account.account_id, ticket["id"])]
    assert await wrong_facts(state.sessions, keys) == []  # what waits is no fault
    async with state.sessions() as session:
        assert await trouble(session) is None
        assert await counted_until(session) < await database_now(session)

    await fetch(state.sessions, _DUE)
    async with state.sessions() as session:
        assert 1200 <= await seconds_behind(await driver(session)) < 4800
        assert (await trouble(session) or "").endswith(" minutes behind what has happened")
        assert (await database_now(session) - await counted_until(session)).total_seconds() >= 1200
    assert [await Recounting(state.sessions).run_pass() for _try in range(2)] == [1, 0]
    assert await fetch(state.sessions, "SELECT FROM report_recounts") == []
    assert await wrong_facts(state.sessions, keys) == []
