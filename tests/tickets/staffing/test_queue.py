"""The queue for experts: what one account has in it costs the others nothing (G2)."""

from collections.abc import Sequence
from typing import Any, Final

import pytest

from app.calendars.hours import ALWAYS
from app.core.clock import database_now
from app.core.db.engine import Sessions
from app.core.db.session import transaction
from app.roster.choose import Expert
from app.tickets.staffing import queue
from app.tickets.staffing.staff import Moves, Staff
from tests.support.actors import make_account
from tests.support.desk import fetch, open_at
from tests.support.explaining import count_rows, explain, nodes
from tests.support.stories import P1

FLOOD: Final = 3_000
# The same ticket many times, each queued a second before the one before.
COPIES: Final = """
INSERT INTO tickets SELECT r.* FROM tickets AS t CROSS JOIN generate_series(1, $2::int) AS n,
LATERAL jsonb_populate_record(t, jsonb_build_object(
    'id', 'tkt_' || lpad(n::text, 26, '0'), 'number', 'N' || n, 'queued_at', t.queued_at - n * interval '1 second'
)) AS r WHERE t.id = $1
"""


@pytest.fixture
async def accounts(sessions: Sessions, plans: None) -> list[str]:
    del plans
    return [(await make_account(sessions, "google-premium")).account_id for _ in range(3)]


async def queued(sessions: Sessions, account_id: str, number: int = 1, **fields: Any) -> list[str]:
    """P1s that wait, for nobody is there."""
    async with sessions() as session:
        now = await database_now(session)
    return await open_at(sessions, account_id, *[now] * number, **P1, **fields)


async def first(sessions: Sessions, *, held: Sequence[str] = (), free: int = 1, known: Sequence[str] = ()) -> list[str]:
    """Which tickets are looked at, by account, while these accounts hold an expert each."""
    experts = [Expert(f"eng_{n}", ALWAYS, held_for=f"tkt_{n}", held_by=account) for n, account in enumerate(held)]
    experts += [Expert(f"eng_free_{n}", ALWAYS) for n in range(free)]
    async with transaction(sessions) as session:
        staff = Staff(await database_now(session), {one.id: one for one in experts}, (), {}, moves=Moves())
        rows, skipped = await queue.lock_first(session, staff, None, known)
    assert skipped == 0
    return [row["id"] for row in rows]


async def test_g2_who_is_looked_at_first_has_fewer_experts_and_waits_the_longest(
    sessions: Sessions, accounts: list[str]
) -> None:
    a, b, c = accounts
    mine = {account: await queued(sessions, account, 2) for account in accounts}
    assert await first(sessions, free=0) == []
    found = await first(sessions, held=[a, a, b])
    assert sorted(found) == sorted(mine[a] + mine[b] + mine[c])  # all six fit into one look
    many = await queued(sessions, a, queue.BATCH)
    found = await first(sessions, held=[a])
    assert set(mine[b] + mine[c]) <= set(found)
    assert len(found) == queue.BATCH
    assert set(found).isdisjoint(await first(sessions, held=[a], known=found))
    assert set(many) & set(found)


async def test_g2_a_flood_of_one_account_is_not_read_when_anothers_turn_comes(
    sessions: Sessions, accounts: list[str], database: str
) -> None:
    attacker, victim, _ = accounts
    [model] = await queued(sessions, attacker)
    await fetch(sessions, COPIES, model, FLOOD)
    [mine] = await queued(sessions, victim)
    await count_rows(database, "tickets")
    assert mine in await first(sessions, held=[attacker])
    plan = await explain(sessions, queue.OF_LIVE, [attacker], [1], [], [], ["eng_1"], [])
    reads = [node for node in nodes(plan) if node.get("Relation Name") == "tickets"]
    assert {node.get("Index Name") for node in reads} == {"ix_tickets_queue"}
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in reads) < 100


async def test_g2_what_nobody_who_is_free_may_take_is_not_looked_at(sessions: Sessions, accounts: list[str]) -> None:
    [tried] = await queued(sessions, accounts[0])
    [capped] = await queued(sessions, accounts[1])
    [elsewhere] = await queued(sessions, accounts[2])
    change = "UPDATE tickets SET routing = routing || $2::jsonb, region_lock = $3 WHERE id = $1"
    await fetch(sessions, change, tried, '{"tried": ["eng_free_0"], "reason": "round_exhausted"}', None)
    await fetch(sessions, change, capped, '{"reason": "max_experts"}', None)
    await fetch(sessions, change, elsewhere, "{}", "moon")
    assert await first(sessions) == []
    assert await first(sessions, free=2) == [tried]
