"""A random month on all shipped plans: what reports count is what a plain recount of all events gives."""

import random
from collections.abc import Sequence
from typing import Any, Final

from app.core.db.engine import Sessions
from app.core.state import State
from app.plans.document.model import PlanDocument
from app.plans.store import builtin_plans
from app.reports.facts.checking import wrong_facts, wrong_sums
from app.reports.facts.rebuilding import rebuild
from tests.support.desk import fetch
from tests.support.recounting import by_cycle, counted, every_event, promises, told
from tests.support.stories import Begin, Story, path_of

_MONTH: Final = {"since": "2026-10-01T00:00:00Z", "until": "2026-12-01T00:00:00Z", "sandbox": True}
_STATUSES: Final = ("waiting_on_customer", "mitigated", "resolved", "open")
_IMPACT: Final = {"business_impact": "Nothing works", "priority_reason": "All is down"}


async def live(begin: Begin, plan: PlanDocument, chance: random.Random) -> None:
    """An account whose people and engineers do this and that for a month."""
    priorities = [priority.key for priority in plan.priorities]
    story = await begin(plan.key, sandbox={"starts_at": "2026-10-20T06:00:00Z"})
    open_ = [await opened(story, plan, chance) for _ in range(2)]
    for _ in range(12):
        await story.pass_time(f"PT{chance.choice((1, 3, 12, 50, 120))}H{chance.randrange(60)}M")
        if chance.random() < 0.3:
            open_.append(await opened(story, plan, chance))
        await act(story, chance.choice(open_), priorities, chance)


async def opened(story: Story, plan: PlanDocument, chance: random.Random) -> str:
    fields = {"priority": chance.choice(plan.priorities).key, "channel": plan.channels[-1]} | _IMPACT
    return path_of(await story.open(**fields, product=chance.choice(("backup", None))))


async def act(story: Story, path: str, priorities: Sequence[str], chance: random.Random) -> None:
    """Do something to a ticket, which may be refused as it stands."""
    wanted: tuple[str, dict[str, Any]] = chance.choice(
        (
            ("messages", {"body": "We are on it."}),
            ("messages", {"body": "We are on it still."}),
            ("status", {"status": chance.choice(_STATUSES), "message": "So it is."}),
            ("priority", {"priority": chance.choice(priorities), "reason": "So it is.", "business_impact": "All"}),
            ("assign", {"assignee_id": story.engineer_id}),
            ("escalations", {"reason": "no_update", "justification": "Nobody writes"}),
            ("reopen", {}),
            ("withdraw", {}),
        )
    )
    who = story.customer if wanted[0] in ("escalations", "reopen", "withdraw") else story.engineer
    answer = await who.send("POST", f"{path}/{wanted[0]}", wanted[1])
    assert answer.status_code < 500, answer.text


async def test_reports_are_what_a_plain_recount_of_a_random_month_gives(
    begin: Begin, state: State, sessions: Sessions
) -> None:
    chance = random.Random(18)  # noqa: S311  a history, no secret
    for plan in builtin_plans():
        await live(begin, plan, chance)
        await counted(state)  # at several times, so that facts change
    events = await every_event(sessions)
    story = await begin("itil-native")
    assert told(await story.product.get("/v1/reports/attainment", **_MONTH, cycles="each")) == by_cycle(events)
    first = await story.product.get("/v1/reports/attainment", **_MONTH)
    assert told(first) == promises(events)
    assert len({outcome for _, outcome in promises(events)}) == 5
    wide = await story.product.get("/v1/reports/attainment", **_MONTH, group_by=["metric", "channel"])
    assert told(wide) == told(first)  # of the facts themselves, and of their sums by the day
    await _rebuilt_alike(sessions, state)


async def _rebuilt_alike(sessions: Sessions, state: State) -> None:
    """Counting all anew changes nothing, mends what was wrong, and ``heliodesk check`` would tell of it."""
    keys = [(row["account_id"], row["id"]) for row in await fetch(sessions, "SELECT account_id, id FROM tickets")]
    assert await wrong_facts(sessions, keys) == []
    assert await wrong_sums(sessions) == 0
    before = await _all(sessions)
    await fetch(sessions, "UPDATE report_facts SET outcome = 'met' WHERE outcome = 'missed'")
    await fetch(sessions, "DELETE FROM report_moments WHERE kind = 'opened'")
    assert {wrong.stored for wrong in await wrong_facts(sessions, keys)} == {"met", "absent"}
    assert await wrong_sums(sessions) > 0
    assert sum([number async for number in rebuild(sessions, await state.feed.decided())]) == len(keys)
    assert await _all(sessions) == before
    assert await wrong_sums(sessions) == 0


async def _all(sessions: Sessions) -> list[Any]:
    facts = await fetch(sessions, "SELECT * FROM report_facts ORDER BY id")
    return [*facts, *await fetch(sessions, "SELECT * FROM report_moments ORDER BY id")]
