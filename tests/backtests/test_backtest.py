"""A plan tried on the past over HTTP: what it tells, what it refuses, and that it leaves no trace."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Final, cast

import orjson
import pytest
import yaml
from asyncpg import LockNotAvailableError, QueryCanceledError
from fastapi import FastAPI

from app.backtests import fold, heavy, reading, running
from app.backtests.running import Order, Report
from app.backtests.schemas import Backtest, NewBacktest
from app.core.db.engine import Sessions
from app.core.problems import Crowded, Starved, TooLong, TooManyRequests
from app.core.state import State
from app.core.text.language import SOURCE
from app.core.text.messages import _
from app.core.web.kit import readers
from app.core.web.kit.ndjson import NDJSON
from app.core.workers.offload import Offload
from tests.support.actors import Headers, make_key
from tests.support.asking import asking
from tests.support.desk import fetch, open_at
from tests.support.planning import Planner
from tests.support.stories import P1, Begin, Caller, Story, path_of, pointers
from tests.support.waiting import until

START: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)  # a Friday, 04:00 in New York
SANDBOX: Final = {"sandbox": {"starts_at": START.isoformat()}}
SINCE: Final = "2026-11-01T00:00:00Z"
PATH: Final = "/v1/plans/backtest"
KEY: Final = "wati-business-plus"
Json = dict[str, Any]
Try = Callable[..., Awaitable[Json]]


@pytest.fixture
async def story(begin: Begin) -> Story:
    """A sandbox; first responses are promised in 30 minutes at P1, resolutions in 4 hours."""
    return await begin(KEY, **SANDBOX)


@pytest.fixture
def tried(story: Story) -> Try:
    """The answer of a backtest on the story's tickets, which fits its schema."""

    async def send(status: int = 200, /, **body: Any) -> Json:
        scope = {"since": SINCE, "account_id": story.account.account_id}
        answer = await story.product.send("POST", PATH, scope | body)
        assert answer.status_code == status, answer.text
        if status == 200:
            Backtest.model_validate(answer.json())
        return cast("Json", answer.json())

    return send


async def answered(story: Story, after: str, **fields: Any) -> Any:
    """A ticket that was answered so long after its opening."""
    ticket = await story.open(**P1 | fields)
    await story.advance(by=after)
    await story.engineer.post(f"{path_of(ticket)}/messages", 201, body="We are on it.")
    return ticket


def targets(**row: str) -> Json:
    return {"targets": {"P1": row}}


def row_of(answer: Json, metric: str, priority: str = "P1") -> Json:
    [row] = [
        row
        for row in answer["attainment"]
        if (row["metric"], row["priority"], row["cycles"]) == (metric, priority, "first")
    ]
    return cast("Json", row)


async def test_it_tells_what_would_have_been_missed_and_saved_and_why(story: Story, tried: Try) -> None:
    quick, slow = await answered(story, "PT20M"), await answered(story, "PT40M")
    answer = await tried(plan=KEY, change=targets(first_response="PT15M"))
    assert [(line["kind"], line["ticket_id"], line["cause"]) for line in answer["changes"]] == [
        ("missed", quick["id"], "target")
    ]
    [line] = answer["changes"]
    assert (line["number"], line["metric"], line["cycle"]) == (quick["number"], "first_response", 1)
    assert (line["recorded"]["state"], line["recorded"]["due_at"]) == ("met", "2026-11-20T09:30:00Z")
    assert (line["backtest"]["state"], line["backtest"]["due_at"]) == ("met_late", "2026-11-20T09:15:00Z")
    assert line["detail"].startswith(
        "Target: 15 minutes instead of 30 minutes; due on Friday, November 20, 2026 at 4:15"
    )
    row = row_of(answer, "first_response")
    assert (row["recorded"]["met"], row["recorded"]["met_late"], row["recorded"]["attained"]) == (1, 1, 0.5)
    assert (row["backtest"]["met"], row["backtest"]["met_late"], row["backtest"]["attained"]) == (0, 2, 0.0)
    assert (answer["tickets"], answer["looked_at"], answer["sampled"], answer["missed"]) == (2, 2, False, 1)

    relaxed = await tried(plan=KEY, change=targets(first_response="PT1H"))
    assert [(line["kind"], line["ticket_id"]) for line in relaxed["changes"]] == [("saved", slow["id"])]
    assert (relaxed["missed"], relaxed["saved"], relaxed["plan"]) == (0, 1, {"key": KEY, "version": None})


async def test_what_the_service_did_by_itself_is_derived_anew(story: Story, tried: Try) -> None:
    """W4: the miss of the resolution raised the ticket, whose second resolution at P1 was missed as well."""
    ticket = await story.open(priority="P2")
    await story.advance(by="PT30H")
    await story.engineer.post(f"{path_of(ticket)}/status", status="resolved", message="Done.")
    assert (await story.engineer.get(path_of(ticket)))["priority"] == "P1"
    longer = {name: {"resolution": "PT40H"} for name in ("P2", "P3", "P4")}  # those of less urgent ones count too (C11)
    answer = await tried(plan=KEY, change={"targets": longer})
    kinds = [(line["kind"], line["metric"], line["cycle"], line["backtest"]) for line in answer["changes"]]
    assert [(kind, metric, cycle) for kind, metric, cycle, _ in kinds] == [
        ("saved", "resolution", 1),
        ("saved", "resolution", 2),
    ]
    assert (kinds[0][3]["state"], kinds[0][3]["priority"], kinds[1][3]) == ("met", "P2", None)


async def test_a_version_that_was_applied_does_not_come_between(story: Story, tried: Try, admin: Headers) -> None:
    planner = Planner(story, Caller(story.customer.client, admin))
    ticket = await story.open(**P1)
    await planner.apply(await planner.version({"P1": {"first_response": "PT10M"}}))
    await story.advance(by="PT20M")
    await story.engineer.post(f"{path_of(ticket)}/messages", 201, body="We are on it.")
    assert (await tried())["changes"] == []
    assert (await tried(plan=KEY, version=2))["changes"] == []
    [line] = (await tried(plan=KEY, version=1))["changes"]
    assert (line["kind"], line["recorded"]["state"], line["backtest"]["state"]) == ("saved", "met_late", "met")
    [line] = (await tried(change=targets(first_response="PT1H")))["changes"]
    assert line["kind"] == "saved"


async def test_priorities_that_the_plan_does_not_know_are_mapped_or_left_out(story: Story, tried: Try) -> None:
    ticket = await answered(story, "PT20M")
    answer = await tried(plan="itil-native")
    [left] = answer["left_out"]
    assert (left["reason"], left["ticket_id"], left["tickets"]) == ("priority", ticket["id"], 1)
    assert (answer["attainment"], answer["changes"], answer["looked_at"]) == ([], [], 1)
    mapped = await tried(plan="itil-native", priorities={"P1": "critical"})
    assert mapped["left_out"] == []
    assert row_of(mapped, "first_response", "critical")["backtest"]["met"] == 1
    assert row_of(mapped, "first_response", "P1")["recorded"]["met"] == 1
    assert row_of(mapped, "update", "critical")["objective"] == 0.9


async def test_more_cycles_than_are_told_leave_a_ticket_out(
    story: Story, tried: Try, monkeypatch: pytest.MonkeyPatch, state: State
) -> None:
    monkeypatch.setattr(fold, "MAX_CYCLES", 50)
    monkeypatch.setattr(state.offload, "run", _run_here)
    await story.open(**P1)
    await story.advance(by="PT30H")
    answer = await tried(plan=KEY, change=targets(update="PT1S"))
    assert [left["reason"] for left in answer["left_out"]] == ["cycles"]


async def test_a_task_ends_after_as_many_lines_as_are_read_at_once(
    story: Story, tried: Try, monkeypatch: pytest.MonkeyPatch, state: State
) -> None:
    answers: list[Any] = []

    async def run_here(_owner: str, function: Any, *arguments: Any, waits: bool = True, patience: int = 1) -> Any:
        del waits, patience
        answers.append(function(*arguments))
        return answers[-1]

    for _number in range(3):
        await answered(story, "PT20M")
    monkeypatch.setattr(heavy, "_LINES", 2)
    monkeypatch.setattr(state.offload, "run", run_here)
    answer = await tried(plan=KEY, change=targets(first_response="PT15M"))
    assert (answer["missed"], answer["looked_at"]) == (3, 3)
    assert [len(each.lines) for each in answers if isinstance(each, heavy.Batch)] == [2, 1]


@pytest.mark.parametrize(
    ("refusals", "tasks", "left_out"),
    [
        ([TooLong], [(3, 0), (1, 1), (2, 0)], []),
        ([Crowded, TooManyRequests, TooLong, Starved], [(3, 0)] * 3 + [(1, 1), (1, 2), (2, 0)], []),
        ([TooLong, *[Starved] * 3], [(3, 0), (1, 1), (1, 2), (1, 4), (1, 8), (1, 1)], ["starved"]),
        ([TooLong, *[Starved] * 4], [(3, 0), (1, 1), (1, 2), (1, 4), (1, 8)], None),
    ],
)
async def test_a_busy_machine_makes_a_backtest_slow_and_does_not_end_it(
    story: Story,
    tried: Try,
    monkeypatch: pytest.MonkeyPatch,
    state: State,
    refusals: list[type[Exception]],
    tasks: list[tuple[int, int]],
    left_out: list[str] | None,
) -> None:
    """A task that takes too long is tried in smaller ones, one ticket for longer each time, and then left out."""
    seen: list[tuple[int, int]] = []
    left = iter(refusals)

    async def run_here(_owner: str, function: Any, *arguments: Any, waits: bool = True, patience: int = 1) -> Any:
        if getattr(function, "func", None) is heavy.fold:
            seen.append((len(arguments[0]), 0 if waits else patience))
            for refusal in left:
                raise refusal
        return function(*arguments)

    for _number in range(3):
        await story.open(**P1)
    monkeypatch.setattr(state.offload, "run", run_here)
    monkeypatch.setattr(running, "_BREATH", 0)
    monkeypatch.setattr(reading, "_BREATH", 0)
    for module, name in ((reading, "_batch"), (reading, "_count"), (running, "_stored")):
        later = _read_later(getattr(module, name), LockNotAvailableError, QueryCanceledError)
        monkeypatch.setattr(module, name, later)
    answer = await tried(503 if left_out is None else 200, plan=KEY)
    assert seen == tasks
    if left_out is not None:
        assert (answer["looked_at"], [each["reason"] for each in answer["left_out"]]) == (3, left_out)


async def test_a_statement_that_takes_longer_than_it_may_is_tried_twice(
    story: Story, tried: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    await story.open(**P1)
    monkeypatch.setattr(reading, "_BREATH", 0)
    monkeypatch.setattr(reading, "_batch", _read_later(reading._batch, QueryCanceledError, QueryCanceledError))
    assert (await tried(503, plan=KEY))["detail"] == "The database took too long"


def _read_later(read: Callable[..., Awaitable[Any]], *outages: type[Exception]) -> Callable[..., Awaitable[Any]]:
    """The same read, once it has failed in each of these ways."""
    left = iter(outages)

    async def later(*arguments: Any) -> Any:
        for outage in left:
            raise outage
        return await read(*arguments)

    return later


async def _run_here(_owner: str, function: Any, *arguments: Any, waits: bool = True, patience: int = 1) -> Any:
    del waits, patience
    return function(*arguments)


async def test_the_sentence_is_in_the_readers_language(story: Story) -> None:
    await answered(story, "PT20M")
    body = {
        "since": SINCE,
        "account_id": story.account.account_id,
        "plan": KEY,
        "change": targets(first_response="PT15M"),
    }
    answer = await story.product.send("POST", PATH, body, accept_language="de")
    assert answer.json()["changes"][0]["detail"].startswith("Zielzeit: 15 Minuten statt 30 Minuten; Frist: ")


async def test_a_request_in_yaml_and_a_document_that_comes_with_it(story: Story) -> None:
    await answered(story, "PT20M")
    document = (await story.product.get(f"/v1/plans/{KEY}"))["document"] | {"key": "draft"}
    document["targets"]["P1"]["first_response"] = "PT15M"
    body = {"since": SINCE, "account_id": story.account.account_id, "plan": document}
    headers = story.product.key | {"Content-Type": "application/yaml"}
    answer = await story.product.client.post(PATH, content=yaml.safe_dump(body), headers=headers)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["plan"], answer.json()["missed"]) == ({"key": "draft", "version": None}, 1)
    faulty = await story.product.client.post(PATH, content="since: never", headers=headers)
    assert (faulty.status_code, pointers(faulty.json())) == (422, ["/since"])


@pytest.mark.parametrize(
    ("body", "place"),
    [
        pytest.param({"plan": "none"}, "/plan", id="plan"),
        pytest.param({"plan": KEY, "version": 9}, "/version", id="version"),
        pytest.param({"version": 1}, "/version", id="version of no plan"),
        pytest.param({"plan": 7}, "/plan", id="number"),
        pytest.param({"plan": {"key": "x"}}, "/plan/priorities", id="document"),
        pytest.param({"plan": KEY, "change": {"hours": "never"}}, "/change/hours", id="change"),
        pytest.param({"plan": KEY, "priorities": {"critical": "P9"}}, "/priorities/critical", id="mapping"),
        pytest.param({"until": SINCE}, "/until", id="period"),
        pytest.param({"account_id": "acc_01k9w3b5t8e2r9h6x4m7q1z0va"}, "/account_id", id="account"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_its_place(tried: Try, body: Json, place: str) -> None:
    problem = await tried(422, **body)
    assert place in pointers(problem)


async def test_only_supports_keys_try_plans(story: Story, sessions: Sessions) -> None:
    body = {"since": SINCE}
    assert (await story.customer.send("POST", PATH, body)).status_code == 403
    narrow = Caller(story.customer.client, await make_key(sessions, "agent", scopes=["plans:read"]))
    assert (await narrow.send("POST", PATH, body)).status_code == 403
    right = Caller(story.customer.client, await make_key(sessions, "agent", scopes=["backtests:read"]))
    assert (await right.send("POST", PATH, body)).status_code == 200


async def test_all_accounts_are_those_that_are_live(story: Story, begin: Begin) -> None:
    await answered(story, "PT20M")
    live = await begin(KEY)
    await live.open(**P1)
    since = "2020-01-01T00:00:00Z"
    answer = await story.product.post(PATH, since=since)
    assert (answer["tickets"], answer["account_id"]) == (1, None)
    other = await story.product.post(PATH, since=since, from_key="itil-native")
    assert other["tickets"] == 0


async def test_a_second_one_is_told_to_come_later(story: Story, tried: Try, state: State) -> None:
    state.backtests.take(_("Another backtest is running: one runs at a time"))
    answer = await story.product.send("POST", PATH, {"since": SINCE})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")
    state.backtests.leave()
    assert (await tried())["tickets"] == 0


async def test_in_lines_it_shows_its_progress(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BATCH", 2)
    monkeypatch.setattr(readers, "SILENCE", 600)
    for _number in range(5):
        await answered(story, "PT20M")
    body = {"since": SINCE, "plan": KEY, "change": targets(first_response="PT15M")}
    body["account_id"] = story.account.account_id
    answer = await story.product.send("POST", PATH, body, accept=NDJSON)
    assert answer.headers["x-accel-buffering"] == "no"  # a proxy would keep the lines until the end
    told = [orjson.loads(line) for line in answer.content.splitlines()]
    kinds = [next(iter(line)) for line in told]
    steps = [["progress", "change", "change"], ["progress", "change", "change"], ["progress", "change"]]
    assert kinds == [*chain(*steps), "progress", "result"]
    assert [line["progress"]["done"] for line in told if "progress" in line] == [0, 2, 4, 5]
    assert "changes" not in told[-1]["result"]


async def ordered(story: Story, state: State, **body: Any) -> Order:
    scope = {"since": SINCE, "account_id": story.account.account_id}
    return await running.prepare(state.sessions, state.offload, "test", NewBacktest.model_validate(scope | body))


async def report_of(state: State, order: Order) -> Json:
    report = Report()
    async for batch in running.run(state.sessions, state.offload, "test", order, SOURCE):
        report.add(batch)
    return report.document(order)


async def test_it_leaves_no_trace(story: Story, state: State, sessions: Sessions) -> None:
    """No transaction of it has ever got an id, so none has written anything."""
    await answered(story, "PT40M")
    order = await ordered(story, state, plan=KEY, change=targets(first_response="PT15M"))
    ids = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS next"
    before = await fetch(sessions, ids)
    assert (await report_of(state, order))["looked_at"] == 1
    assert await fetch(sessions, ids) == before


async def test_of_very_many_tickets_it_tries_a_sample_that_is_the_same_each_time(
    story: Story, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    await open_at(state.sessions, story.account.account_id, *[START] * 40, priority="P3")
    await story.advance(by="PT100H")
    monkeypatch.setattr(running, "MOST", 20)
    order = await ordered(story, state)
    first, second = await report_of(state, order), await report_of(state, order)
    assert first == second
    assert (first["tickets"], first["sampled"], 8 <= first["looked_at"] <= 32) == (40, True, True)
    [row] = [row for row in first["attainment"] if (row["metric"], row["cycles"]) == ("first_response", "first")]
    assert (row["backtest"]["promised"], row["backtest"]["attained"]) == (first["looked_at"], 0.0)
    assert 0 < row["backtest"]["margin"] < 0.2


class Hanging:
    """Worker processes that never answer."""

    def __init__(self) -> None:
        self.began, self.cancelled = asyncio.Event(), 0

    async def run(self, *_arguments: Any, waits: bool = True, patience: int = 1) -> None:
        del waits, patience
        self.began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


@pytest.mark.parametrize("accept", ["application/json", NDJSON])
async def test_it_ends_when_its_reader_goes(
    story: Story, state: State, app: FastAPI, admin: Headers, accept: str
) -> None:
    """Also in the midst of a batch, and before the answer has begun."""
    await answered(story, "PT20M")
    hanging = Hanging()
    app.state.heliodesk = state = replace(state, offload=cast("Offload", hanging))
    body = orjson.dumps({"since": SINCE, "account_id": story.account.account_id, "plan": KEY})
    fields = {"Host": "test", "Content-Length": len(body), "Content-Type": "application/json", "Accept": accept} | admin
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    async with asking(app, f"POST {PATH} HTTP/1.1\r\n{head}\r\n".encode(), body) as (reader, writer):
        await hanging.began.wait()
        for _told in range(2 if accept == NDJSON else 0):  # the second one says but that it goes on
            while b'{"progress":{"done":0,' not in await reader.readline():
                pass
        writer.close()
        await until(lambda: hanging.cancelled)
    await until(lambda: is_free(state))


def is_free(state: State) -> bool:
    """Whether another backtest may begin."""
    with suppress(TooManyRequests):
        state.backtests.take(_("Not yet"))
        return True
    return False
