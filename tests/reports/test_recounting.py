"""Tickets that cannot be counted: they hold up no report of others, everybody is told, and they come back."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

import pytest
from alembic.script import ScriptDirectory
from asyncpg import DataError, LockNotAvailableError

from app.consumers import marks
from app.core.db.engine import Connections, make_engine
from app.core.db.migrate import configuration
from app.core.db.session import driver, make_sessions, transaction
from app.core.jobs.runner import DRAIN_SECONDS
from app.core.state import State
from app.reports.facts import folding, recounting
from app.reports.facts.checking import wrong_facts
from app.reports.facts.folding import Folding
from app.reports.facts.leaving import forget
from app.reports.facts.progress import TRIES, left_out, progress
from app.reports.facts.rebuilding import rebuild
from app.reports.facts.recounting import Recounting
from app.reports.facts.storing import MARK, counts, put
from app.reports.read import source
from app.scheduler import Scheduler, jobs
from app.webhooks.background.deliver import Sender
from tests.support.desk import fetch
from tests.support.recounting import counted
from tests.support.stories import P1, Begin, Story, path_of
from tests.support.waiting import until_blocked

_DUE: Final = (
    "UPDATE report_recounts SET due_at = clock_timestamp() - interval '1 s', since = since - interval '1 hour'"
)
_TOLD: Final = "SELECT data FROM events WHERE type = 'count.postponed'"
_NONSENSE: Final = "UPDATE events SET data = '{}' WHERE type = 'ticket.opened' AND ticket_id = $1"
_SENSE: Final = "UPDATE events SET data = $2::text::jsonb WHERE type = 'ticket.opened' AND ticket_id = $1"


async def _waiting(state: State) -> list[tuple[int, str | None]]:
    rows = await fetch(state.sessions, "SELECT failures, error FROM report_recounts")
    return [(row["failures"], row["error"]) for row in rows]


async def _progress(state: State, account_id: str | None = None) -> tuple[bool, int]:
    """Whether something waits to be counted, and what is left out."""
    async with state.sessions() as session:
        now = await (await driver(session)).fetchval("SELECT clock_timestamp() - interval '30 minutes'")
        found = await progress(session, account_id)
        assert bool(found["left_out"]) == bool(await left_out(session)) or account_id
        return found["counted_until"] < now, found["left_out"]


async def _try(state: State, error: type[BaseException] | None = None) -> None:
    await fetch(state.sessions, _DUE)
    with suppress(*([error] if error else [])):
        await Recounting(state.sessions).run_pass()


@pytest.fixture
async def waits(begin: Begin, state: State, monkeypatch: pytest.MonkeyPatch) -> Story:
    """An account with one ticket, which waits to be counted."""
    story = await begin("wati-business-plus")
    await story.open(**P1)
    monkeypatch.setattr(folding, "SHORT", 0)
    passes = Folding(state.sessions, state.feed)
    await passes.run_pass()
    while await passes.run_pass():
        pass
    assert await _waiting(state) == [(0, None)]
    return story


def _failing(monkeypatch: pytest.MonkeyPatch, fails: Callable[[], BaseException]) -> None:
    async def failing(*_: Any) -> None:
        raise fails()

    monkeypatch.setattr(recounting, "put", failing)


async def test_a_ticket_that_is_never_counted_is_left_out_told_of_and_comes_back_when_it_changes(
    waits: Story, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    _failing(monkeypatch, lambda: DataError("no such luck"))
    account_id = waits.account.account_id
    for number in range(1, TRIES):
        await _try(state)
        assert await _waiting(state) == [(number, "DataError")]
        assert await _progress(state) == (True, 0)
    for number in (TRIES, TRIES + 1):
        await _try(state)
        assert await _waiting(state) == [(number, "DataError")]
        assert (await _progress(state), await _progress(state, account_id)) == ((False, 1), (False, 1))
        assert (await _progress(state, "acc_other"))[1] == 0
    [told] = await fetch(state.sessions, _TOLD)
    [ticket] = await fetch(state.sessions, "SELECT ticket_id FROM report_recounts")
    assert (
        told["data"].items() >= {"account_id": account_id, "ticket_id": ticket["ticket_id"], "reason": "failed"}.items()
    )
    assert (await waits.customer.get("/v1/reports/attainment"))["left_out"] == 1
    assert await wrong_facts(state.sessions, [(account_id, ticket["ticket_id"])])  # it is looked at nevertheless

    monkeypatch.setattr(recounting, "put", put)
    [before] = await fetch(state.sessions, "SELECT due_at FROM report_recounts")
    await waits.engineer.post(f"/v1/tickets/{ticket['ticket_id']}/messages", 201, body="We are on it.")
    await Folding(state.sessions, state.feed).run_pass()
    [after] = await fetch(state.sessions, "SELECT due_at FROM report_recounts")
    assert after["due_at"] < before["due_at"]
    await _try(state)
    assert (await _waiting(state), await _progress(state)) == ([], (False, 0))
    assert await wrong_facts(state.sessions, [(account_id, ticket["ticket_id"])]) == []


@pytest.mark.parametrize("report", ["attainment", "lateness", "volume"])
async def test_a_report_never_says_that_its_figures_are_newer_than_they_are(
    waits: Story, state: State, monkeypatch: pytest.MonkeyPatch, report: str
) -> None:
    ask, before = source.fetch, await fetch(state.sessions, "SELECT since FROM report_recounts")

    async def overtaken(*args: Any) -> Any:
        found = await ask(*args)
        await counted(state)
        return found

    monkeypatch.setattr(source, "fetch", overtaken)
    told = await waits.customer.get(f"/v1/reports/{report}")
    assert await _waiting(state) == []
    assert datetime.fromisoformat(told["counted_until"]) == before[0]["since"]


async def test_what_says_nothing_about_the_ticket_is_no_failure_of_it_and_a_process_that_ends_is(
    waits: Story, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    del waits
    for fails in (LockNotAvailableError, asyncio.CancelledError, ConnectionError):
        _failing(monkeypatch, fails)
        await _try(state, fails)
        assert await _waiting(state) == [(0, None)]
    for number in range(1, TRIES + 1):
        await fetch(state.sessions, _DUE)
        await Recounting(state.sessions)._claim()
        assert await _waiting(state) == [(number, None)]
        assert (await fetch(state.sessions, _TOLD), await _progress(state)) == ([], (True, 0))
    for _number in range(2):
        await _try(state, ConnectionError)
        [told] = await fetch(state.sessions, _TOLD)
        assert told["data"]["error"] == "ProcessEnded"
        assert (await _waiting(state), await _progress(state)) == ([(TRIES, "ProcessEnded")], (False, 1))
    monkeypatch.setattr(recounting, "put", put)
    await _try(state)
    assert await _waiting(state) == []


async def test_what_the_database_took_away_is_given_back_when_it_is_there_again(
    waits: Story, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    del waits

    def away(*_: Any) -> None:
        raise ConnectionError

    async def goes_away(*_: Any) -> None:
        monkeypatch.setattr(recounting, "transaction", away)
        raise ConnectionError

    monkeypatch.setattr(recounting, "put", goes_away)
    await fetch(state.sessions, _DUE)
    passes = Recounting(state.sessions)
    for _number in range(2):
        with pytest.raises(ConnectionError):
            await passes.run_pass()
    assert await _waiting(state) == [(1, None)]
    monkeypatch.setattr(recounting, "transaction", transaction)
    assert await passes.run_pass() == 0
    assert await _waiting(state) == [(0, None)]


async def test_a_ticket_that_takes_the_connection_away_time_and_again_fails_by_itself(
    waits: Story, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    del waits
    _failing(monkeypatch, ConnectionError)
    passes = Recounting(state.sessions)
    for number in range(1, 7):
        await fetch(state.sessions, _DUE)
        with suppress(ConnectionError):
            await passes.run_pass()
        assert await _waiting(state) == [(0, None) if number < 6 else (1, "ConnectionError")]


@pytest.mark.parametrize(
    ("failures", "error", "lease", "sooner"),
    [
        (TRIES, None, 1_439, False),  # under way
        (TRIES, None, 1_000, True),
        (TRIES + 1, None, 1_000, False),
        (TRIES, "ProcessEnded", 1_000, False),
        (TRIES, "DataError", 3_600, True),
        (TRIES - 1, "DataError", 700, False),
    ],
)
async def test_what_is_new_brings_a_try_forward_that_neither_is_under_way_nor_ends_the_process(
    waits: Story, state: State, failures: int, error: str | None, lease: int, *, sooner: bool
) -> None:
    del waits
    async with state.sessions() as session:
        sets = "failures = $1, error = $2, due_at = clock_timestamp() + interval '1 second' * $3"
        connection = await driver(session)
        await connection.execute(f"UPDATE report_recounts SET {sets}", failures, error, lease)  # noqa: S608
        [row] = await connection.fetch("TABLE report_recounts")
        await folding._short(connection, {(row["account_id"], row["ticket_id"]): row["since"]})
        assert (await connection.fetchval("SELECT due_at FROM report_recounts") < row["due_at"]) is sooner


async def test_tickets_that_are_left_out_come_after_those_that_hold_up_reports(waits: Story, state: State) -> None:
    del waits
    await fetch(state.sessions, _DUE)
    hopeless = "SELECT 'acc_0', 'tkt_' || n, now(), now() - interval '1 day', 3, 'DataError'"
    await fetch(state.sessions, f"INSERT INTO report_recounts {hopeless} FROM generate_series(1, 9) AS n")
    claimed = [await Recounting(state.sessions)._claim() for _number in range(2)]
    assert [row["account_id"] == "acc_0" for row in claimed if row] == [False, True]


async def test_a_process_that_stops_cuts_a_try_off_at_once_and_gives_it_back_first(
    waits: Story, state: State, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    del waits
    begun = asyncio.Event()

    async def hangs(*_: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(recounting, "put", hangs)
    await fetch(state.sessions, _DUE)
    engine = make_engine(database, pool_size=3)
    apart = state.on(Connections(engine, make_sessions(engine, state.wake_ups)))
    [job] = [each for each in jobs(apart, Sender(apart)) if each.name == "count long histories"]
    scheduler = Scheduler(apart, Sender(apart), [job])
    scheduler.start()
    await begun.wait()
    async with asyncio.timeout(DRAIN_SECONDS - 1):
        await scheduler.stop()
    await engine.dispose()
    assert await _waiting(state) == [(0, None)]


async def test_one_that_takes_too_long_lets_others_have_their_turn(
    waits: Story, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs(*_: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(recounting, "put", hangs)
    await fetch(state.sessions, _DUE)
    assert await Recounting(state.sessions, limit=0.05).run_pass() == 1
    assert await _waiting(state) == [(1, "TooSlow")]
    monkeypatch.setattr(recounting, "put", put)
    monkeypatch.setattr(folding, "SHORT", 500)
    other = await waits.open(**P1)
    await Folding(state.sessions, state.feed).run_pass()
    found = await fetch(state.sessions, "SELECT DISTINCT ticket_id FROM report_facts")
    assert [row["ticket_id"] for row in found] == [other["id"]]


async def test_what_comes_while_a_ticket_is_counted_waits_for_its_turn_and_others_are_counted_meanwhile(
    waits: Story, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    [ticket] = await fetch(state.sessions, "SELECT account_id, id FROM tickets")

    async def slowly(*args: Any) -> Any:
        async for each in counts(*args):
            yield each
        pauses = await (await driver(args[0])).fetchval("SHOW idle_in_transaction_session_timeout")
        assert pauses == f"{recounting.LIMIT / 60:.0f}min"
        await waits.engineer.post(f"{path_of(ticket)}/messages", 201, body="We are on it.")
        assert await Folding(state.sessions, state.feed).run_pass() > 0

    monkeypatch.setattr(recounting, "counts", slowly)
    await _try(state)
    assert await _waiting(state) == [(0, None)]
    monkeypatch.setattr(recounting, "counts", counts)
    await counted(state)
    assert await wrong_facts(state.sessions, [(ticket["account_id"], ticket["id"])]) == []


async def test_what_was_counted_by_somebody_else_meanwhile_is_not_written_over(
    waits: Story, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    del waits

    async def overtaken(*args: Any) -> Any:
        async for each in counts(*args):
            yield each
        async for _number in rebuild(state.sessions, 10**6):
            pass

    monkeypatch.setattr(recounting, "counts", overtaken)
    _failing(monkeypatch, AssertionError)
    await _try(state)
    assert await _waiting(state) == []


async def test_whoever_counts_others_and_a_long_history_takes_locks_in_one_order(waits: Story, state: State) -> None:
    del waits
    [ticket] = await fetch(state.sessions, "SELECT account_id, id FROM tickets")
    await fetch(state.sessions, _DUE)
    async with transaction(state.sessions) as session:
        connection = await driver(session)
        await marks.wait(connection, MARK)
        counting = asyncio.create_task(Recounting(state.sessions).run_pass())
        await until_blocked(state.sessions)
        await forget(connection, [(ticket["account_id"], ticket["id"])])
    assert (await counting, await _waiting(state)) == (1, [])
    assert await fetch(state.sessions, "SELECT FROM report_facts") == []


async def test_events_that_make_no_sense_leave_a_short_ticket_out_until_they_do(begin: Begin, state: State) -> None:
    story = await begin("wati-business-plus")
    ticket = await story.open(**P1)
    [opening] = await fetch(state.sessions, "SELECT data::text FROM events WHERE type = 'ticket.opened'")
    async with transaction(state.sessions) as session:
        await (await driver(session)).execute(_NONSENSE, ticket["id"])
    await counted(state)
    assert (await _waiting(state), await _progress(state)) == ([(TRIES + 1, "KeyError")], (False, 1))
    assert len(await fetch(state.sessions, _TOLD)) == 1
    async for _number in rebuild(state.sessions, 10**6):
        pass
    assert (await _waiting(state), len(await fetch(state.sessions, _TOLD))) == ([(TRIES + 1, "KeyError")], 1)
    [wrong] = await wrong_facts(state.sessions, [(story.account.account_id, ticket["id"])])
    assert "KeyError" in str(wrong)
    async with transaction(state.sessions) as session:
        await (await driver(session)).execute(_SENSE, ticket["id"], opening["data"])
    async for _number in rebuild(state.sessions, 10**6):
        pass
    assert (await _waiting(state), await _progress(state)) == ([], (False, 0))


async def test_an_upgrade_notes_tickets_of_which_an_earlier_version_only_logged_that_they_make_no_sense(
    begin: Begin, state: State, database: str
) -> None:
    story = await begin("wati-business-plus")
    lost, _counted = await story.open(**P1), await story.open(**P1)
    opening = "SELECT data::text FROM events WHERE type = 'ticket.opened' ORDER BY position"
    [sense, _other] = await fetch(state.sessions, opening)
    async with transaction(state.sessions) as session:
        await (await driver(session)).execute(_NONSENSE, lost["id"])
    await Folding(state.sessions, state.feed).run_pass()
    while await Folding(state.sessions, state.feed).run_pass():
        pass
    await fetch(state.sessions, "DELETE FROM report_recounts")
    await story.open(**P1)  # which is not counted yet
    upgrade = ScriptDirectory.from_config(configuration(database)).get_revision("0064")
    await fetch(state.sessions, upgrade.module.NOTE)
    assert [row["ticket_id"] for row in await fetch(state.sessions, "TABLE report_recounts")] == [lost["id"]]
    assert await Recounting(state.sessions).run_pass() == 1
    assert len(await fetch(state.sessions, _TOLD)) == 2  # once by the fold, of which the earlier version knew nothing
    assert (await _waiting(state), await _progress(state)) == ([(TRIES, "KeyError")], (False, 1))
    async with transaction(state.sessions) as session:
        await (await driver(session)).execute(_SENSE, lost["id"], sense["data"])
    await _try(state)
    assert await _waiting(state) == []
