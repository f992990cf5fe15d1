"""C14 under load: a plan is applied while people write and the sweep catches up; nobody waits for ever."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import pytest

from app.core.auth import Actor
from app.core.db.engine import Sessions
from app.core.db.session import transaction
from app.plans.document.parsing.documents import parse_yaml
from app.plans.store import BUILTIN
from app.rollout import applying
from app.rollout.applying import Report
from app.rollout.schemas import PlanApplication
from app.tickets.schemas import NewMessage
from app.tickets.usecases.message import post_message
from tests.faults.racing import ENGINEER
from tests.support.actors import make_account
from tests.support.desk import connected, fetch, now_of, open_at, store_plan
from tests.support.replaying import replayed
from tests.support.sweeping import run_pass

pytestmark = pytest.mark.faults

KEY: Final = "wati-business-plus"
TICKETS: Final = 240
BATCH: Final = 20
ACTOR: Final = Actor("automation", "key_test")
STATES: Final = """
SELECT t.plan_version, t.sequence, count(e.id) AS events, count(e.id) FILTER (WHERE e.type = 'plan.applied') AS applied,
       count(e.id) FILTER (WHERE e.type = 'deadline.missed' AND e.data ->> 'metric' = 'first_response') AS missed,
       count(e.id) FILTER (WHERE e.type = 'message.posted') AS posted,
       (SELECT d.state FROM deadlines AS d WHERE d.ticket_id = t.id AND d.metric = 'first_response') AS state
FROM tickets AS t JOIN events AS e ON e.ticket_id = t.id GROUP BY t.account_id, t.id
"""


async def _apply(sessions: Sessions, version: int) -> Report:
    """Apply a version in small batches."""
    order = await applying.check(sessions, KEY, version, PlanApplication(dry_run=False))
    report = Report()
    async for batch in applying.run(sessions, order, ACTOR, batch=BATCH):
        report.add(batch)
    return report


async def _answer(sessions: Sessions, tickets: Sequence[str]) -> None:
    for ticket in tickets:
        async with transaction(sessions) as session:
            await post_message(session, ENGINEER, ticket, NewMessage(body="We are looking into it"))


async def _sweep(sessions: Sessions, done: asyncio.Event) -> None:
    while not done.is_set():
        await run_pass(sessions, batch=50)
        await asyncio.sleep(0)


async def _tickets(sessions: Sessions) -> list[str]:
    """P2 tickets that are due one after the other in the seconds to come, or a second ago."""
    account = await make_account(sessions, await store_plan(sessions, KEY))
    now = await now_of(sessions)
    instants = [now + timedelta(seconds=n * 10 / TICKETS - 1) - timedelta(hours=1) for n in range(TICKETS)]
    return await open_at(sessions, account.account_id, *instants, priority="P2")


async def test_c14_an_apply_raced_with_messages_the_sweep_and_another_apply(sessions: Sessions, database: str) -> None:
    tickets = await _tickets(sessions)
    targets = parse_yaml((BUILTIN / f"{KEY}.yaml").read_text()).canonical()["targets"]
    for length in ("PT61M", "PT59M"):
        await store_plan(sessions, KEY, targets=targets | {"P2": targets["P2"] | {"first_response": length}})
    done = asyncio.Event()
    async with asyncio.timeout(120), connected(database, 8) as applying, connected(database, 4) as others:
        sweeping = asyncio.create_task(_sweep(others, done))
        answering = [asyncio.create_task(_answer(others, tickets[start::6][::-1])) for start in (0, 1)]
        reports = await asyncio.gather(_apply(applying, 2), _apply(applying, 3), return_exceptions=True)
        await asyncio.gather(*answering)
        done.set()
        await sweeping
    for report in reports:
        assert isinstance(report, Report), report
        assert (report.done, report.failed) == (TICKETS, [])
    states = await fetch(sessions, STATES)
    assert len(states) == TICKETS
    for one in states:
        assert one["sequence"] == one["events"]
        assert (one["plan_version"] in (2, 3), one["applied"]) == (True, 2)
        assert one["missed"] == (one["state"] in ("missed", "met_late"))
        assert one["posted"] == (one["state"] in ("met", "met_late"))
    assert await replayed(sessions) == []
