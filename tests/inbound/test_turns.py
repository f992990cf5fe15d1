"""Accounts take turns at the pass that makes tickets of receipts, and what fails holds up nobody but itself."""

import asyncio
from dataclasses import replace
from typing import Any, Final

import pytest
from asyncpg import DeadlockDetectedError

from app.inbound.background import processing, resting
from app.inbound.background.processing import TRIES
from app.inbound.usecases import apply_decision
from tests.inbound.conftest import Desk, MakeDesk
from tests.support.clocks import HandClock
from tests.support.desk import fetch
from tests.support.waiting import PATIENCE

FAILED: Final = "The service failed to process it, and its log says why"


async def send(desk: Desk, key: str) -> None:
    assert (await desk.send({"key": key, "title": key})).status_code == 202


async def states(desk: Desk) -> list[str]:
    """Of all that the account's hooks have received, in the order in which it came."""
    query = "SELECT state FROM receipts WHERE account_id = $1 ORDER BY received_at, id"
    return [row["state"] for row in await fetch(desk.sessions, query, desk.account_id)]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> HandClock:
    """Lets seconds go by for hooks that rest; none go by otherwise."""
    return HandClock(monkeypatch, resting)


def broken(monkeypatch: pytest.MonkeyPatch, titles: dict[str, Any]) -> list[str]:
    """Lets the processing of alerts with these titles do something else; the titles, in the order of their tries."""
    tried: list[str] = []
    act = apply_decision.act

    async def act_or_break(session: Any, hook: Any, step: Any, incident: Any) -> Any:
        title = step.signals[0][1].title
        tried.append(title)
        if title in titles:
            await titles[title]()
        return await act(session, hook, step, incident)

    monkeypatch.setattr(apply_decision, "act", act_or_break)
    return tried


def raising(error: Exception) -> Any:
    async def fail() -> None:
        raise error

    return fail


async def test_a_receipt_that_fails_is_tried_again_later_and_is_failed_and_visible_in_the_end(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch, later: HandClock
) -> None:
    desk, other = await make_desk(), await make_desk()
    await desk.make()
    await other.make()
    tried = broken(monkeypatch, {"bad": raising(ValueError("a fault of ours"))})
    await send(desk, "bad")
    await send(desk, "good")
    await send(other, "other")
    await desk.process()
    assert await states(other) == ["processed"]
    for again in range(1, TRIES):
        assert await states(desk) == ["pending", "pending"]
        assert tried.count("bad") == again
        await desk.process()
        assert tried.count("bad") == again  # it rests
        later(61)
        await desk.process()
    assert await states(desk) == ["failed", "processed"]
    assert [receipt["error"] for receipt in await desk.receipts()] == [None, FAILED]
    assert await desk.processor.next_instant() is None


async def test_a_hook_that_cannot_be_read_any_more_fails_its_own_receipts_only(
    make_desk: MakeDesk, later: HandClock
) -> None:
    desk, other = await make_desk(), await make_desk()
    for one in (desk, other):
        await one.make()
        await send(one, "disk")
    await fetch(desk.sessions, "UPDATE hooks SET fields = fields - 'name' WHERE id = $1", desk.hook["id"])
    for _ in range(TRIES):
        await desk.process()
        later(61)
    assert (await states(desk), await states(other)) == (["failed"], ["processed"])


async def test_what_fails_for_a_while_goes_through_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, later: HandClock
) -> None:
    titles = {"bad": raising(ValueError("for now"))}
    broken(monkeypatch, titles)
    await send(desk, "bad")
    await desk.process()
    assert await desk.processor.next_instant() is None
    titles.clear()
    later(1)
    await desk.process()
    assert await states(desk) == ["processed"]


async def test_a_deadlock_is_nobodys_fault(make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk, other = await make_desk(), await make_desk()
    await desk.make()
    await other.make()
    tried = broken(monkeypatch, {"bad": raising(DeadlockDetectedError("deadlock detected"))})
    await send(desk, "bad")
    await send(other, "other")
    for _ in range(TRIES + 1):
        await desk.process()
    assert (await states(desk), await states(other)) == (["pending"], ["processed"])
    assert tried.count("bad") > TRIES


async def test_a_slow_receipt_is_given_up_and_the_others_come(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, other = await make_desk(), await make_desk()
    await desk.make()
    await other.make()
    monkeypatch.setattr(processing, "WHOLE", 0.5)

    async def never_ends() -> None:
        monkeypatch.setattr(processing, "WHOLE", PATIENCE)  # for the others, whatever else this machine does
        await asyncio.Event().wait()

    broken(monkeypatch, {"slow": never_ends})
    await send(desk, "slow")
    await send(other, "other")
    await desk.process()
    assert (await states(desk), await states(other)) == (["pending"], ["processed"])


async def test_a_pass_ends_in_its_time_and_the_next_one_begins_with_who_had_least(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy, other = await make_desk(), await make_desk()
    await busy.make()
    await other.make()
    clock = HandClock(monkeypatch, processing)

    async def takes_time() -> None:
        clock(0.3)

    tried = broken(monkeypatch, {"slow": takes_time})
    for number in range(3):
        await busy.send({"key": str(number), "title": "slow"})
    processor = replace(busy.processor, budget=0.2)
    assert await processor.run_pass() == 1
    await send(other, "other")
    for _ in range(2):
        await processor.run_pass()
    assert "other" in tried[:3]
    while await processor.run_pass():
        pass
    assert await states(busy) == ["processed"] * 3


async def test_an_account_with_many_hooks_takes_no_others_turn(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy, other = await make_desk(), await make_desk()
    monkeypatch.setattr(processing, "_WAITING", processing._WAITING.replace("LIMIT 200", "LIMIT 3"))
    for number in range(6):
        await busy.make()
        await send(busy, f"busy {number}")
    await other.make()
    await send(other, "other")
    tried = broken(monkeypatch, {})
    await busy.processor.run_pass()
    assert "other" in tried[:2]
    await busy.process()
    assert await states(busy) == ["processed"] * 6
