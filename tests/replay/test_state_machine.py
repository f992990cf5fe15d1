"""C18: random histories through the real service, compared with their replay and with the slow clock.

Each example is a sandbox account of its own with one ticket on a random plan around the clock. Everything is done over
HTTP; the sandbox's clock stands still but for ``advance``, also to just before, at and just after what is due next.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from app.core.db.session import transaction
from app.plans.document.parsing.documents import parse, parse_yaml
from app.plans.store import BUILTIN
from app.replay.compare import differences
from app.replay.snapshots import Scope, walk
from tests.sla.histories import EXAMPLES, thorough
from tests.sla.slow import METRICS, SlowPlan, SlowTicket
from tests.support.desk import fetch
from tests.support.documents import store_version
from tests.support.looped import Bench, bench_on
from tests.support.stories import Caller, Story, begin, path_of

START: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
TICK: Final = timedelta(microseconds=1)
SECOND: Final = timedelta(seconds=1)
QUARTER: Final = timedelta(minutes=15)
NAMES: Final = ("P1", "P2", "P3", "P4")
DOCUMENT: Final = parse_yaml((BUILTIN / "google-premium.yaml").read_text(encoding="utf-8")).canonical()

_length = st.integers(1, 40).map(lambda quarters: quarters * (QUARTER // TICK))
_some = st.frozensets(st.sampled_from(METRICS[:4]), max_size=2)
slow_plans = st.builds(
    SlowPlan,
    targets=st.fixed_dictionaries(
        {metric: st.lists(st.none() | _length | _length, min_size=4, max_size=4) for metric in METRICS}
    ),
    tiers=st.integers(1, 3),
    raising=_some,
    climbing=_some,
    close_after=st.just(timedelta(hours=10) // TICK),
)


def document_of(key: str, plan: SlowPlan) -> dict[str, Any]:
    """The plan as an operator would write it; beside what the slow clock knows, misses have every other effect."""

    def duration(length: int) -> str:
        return f"PT{length // (SECOND // TICK)}S"

    effects = {"raise_priority": plan.raising, "next_tier": plan.climbing}
    others = ["reassign", "notify_manager", "open_escalation"]
    return DOCUMENT | {
        "key": key,
        "trial": None,
        "requires": {},
        "alert": None,
        "customer_may": {"priority": "any", "escalate": True},
        "targets": {
            name: {metric: duration(length) for metric, row in plan.targets.items() if (length := row[rank])}
            for rank, name in enumerate(NAMES)
        },
        "on_miss": {
            **{metric: [*(e for e, metrics in effects.items() if metric in metrics), *others] for metric in METRICS},
            "escalation_ack": ["notify_manager"],
        },
        "routing": {"tiers": plan.tiers},
        "objectives": {},
        "close_after": duration(plan.close_after),
    }


class TicketMachine(RuleBasedStateMachine):
    """One ticket: what is done to it is done to the service and to the slow ticket alike."""

    bench: Bench
    key: str
    story: Story
    slow: SlowTicket
    path: str

    @initialize(plan=slow_plans, rank=st.integers(0, 3))
    def open(self, plan: SlowPlan, rank: int) -> None:
        self.key = f"plan-{next(self.bench.names)}"
        self._run(self._open(plan, rank))
        self.slow = SlowTicket(plan, rank)

    async def _open(self, plan: SlowPlan, rank: int) -> None:
        await self._store(plan)
        facts = {"sandbox": {"starts_at": START.isoformat()}, "call_link": "https://meet.example.com/1"}
        self.story = await begin(self.bench.sessions, self.bench.client, self.key, **facts)
        self.path = path_of(await self.story.open(priority=NAMES[rank]))

    async def _store(self, plan: SlowPlan) -> int:
        async with transaction(self.bench.sessions) as session:
            stored = await store_version(session, parse(document_of(self.key, plan)), START)
        return stored.version

    def _run(self, doing: Any) -> Any:
        return self.bench.runner.run(doing)

    def _do(self, who: str, what: str, *then: Callable[[], None], **body: Any) -> None:
        """Send it; where the service does not refuse it, the slow ticket does the same."""
        caller: Caller = getattr(self.story, who)
        answer: httpx.Response = self._run(caller.send("POST", f"{self.path}/{what}", body))
        assert answer.status_code in {200, 201, 403, 409, 422}, answer.text
        for step in then if answer.is_success else ():
            step()

    # --- time -----------------------------------------------------------------------------------------------------

    @rule(quarters=st.integers(1, 24))
    def let_time_pass(self, quarters: int) -> None:
        self._advance(START + self.slow.now * TICK + quarters * QUARTER)

    @rule(pick=st.integers(0, 5), ticks=st.sampled_from((-1, 0, 1)))
    def come_to_what_is_due(self, pick: int, ticks: int) -> None:
        query = "SELECT due_at FROM deadlines WHERE ticket_id = $1 AND state = 'running' ORDER BY due_at"
        dues = [row["due_at"] for row in self._fetch(query)]
        if dues:
            self._advance(dues[pick % len(dues)] + ticks * TICK)

    def _advance(self, to: datetime) -> None:
        account = self.story.account.account_id
        length = (to - START) // TICK - self.slow.now
        if length >= 0:
            self._run(self.story.product.post(f"/v1/sandbox/{account}/advance", to=to.isoformat()))
            self.slow.wait_for(length)

    # --- people ---------------------------------------------------------------------------------------------------

    @rule(who=st.sampled_from(("engineer", "customer", "product")), public=st.booleans())
    def write(self, who: str, *, public: bool) -> None:
        answers = {"engineer": self.slow.engineer, "customer": self.slow.customer}
        then = [answers[who]] if public and who in answers else []
        self._do(who, "messages", *then, body="Hello", visibility="public" if public else "internal")

    @rule()
    def wait(self) -> None:
        self._do("engineer", "status", self.slow.wait, status="waiting_on_customer", message="Which version?")

    @rule(status=st.sampled_from(("open", "open", "mitigated")))
    def set_status(self, status: str) -> None:
        self._do("engineer", "status", lambda: self.slow.become(status), status=status)

    @rule()
    def resolve(self) -> None:
        self._do("engineer", "status", self.slow.engineer, self.slow.resolve, status="resolved", message="Fixed.")

    @rule()
    def resolve_without_an_answer(self) -> None:
        self._do("product", "status", self.slow.resolve, status="resolved")

    @rule()
    def reopen(self) -> None:
        self._do("customer", "reopen", self.slow.reopen)

    @rule(how=st.sampled_from(("withdraw", "status")), pick=st.integers(0, 3))
    def close(self, how: str, pick: int) -> None:
        if pick == 0:  # nothing comes after it
            self._do("product", how, self.slow.close, **({"status": "closed"} if how == "status" else {}))

    @rule(rank=st.integers(0, 3))
    def prioritise(self, rank: int) -> None:
        self._do("engineer", "priority", lambda: self.slow.prioritise(rank), priority=NAMES[rank], reason="Because")

    @rule(tier=st.integers(1, 3))
    def move(self, tier: int) -> None:
        self._do("engineer", "assign", lambda: self.slow.move(tier), tier=tier)

    @rule()
    def assign(self) -> None:
        opens = [lambda: self.slow.become("open")] if self.slow.status == "new" else []
        self._do("engineer", "assign", *opens, engineer_id=self.story.engineer_id)

    @rule(plan=slow_plans)
    def apply(self, plan: SlowPlan) -> None:
        accounts = [self.story.account.account_id]
        path = f"/v1/plans/{self.key}/versions/{self._run(self._store(plan))}/apply"
        done = self._run(self.bench.admin.post(path, dry_run=False, account_ids=accounts))
        if done["changed"]:
            self.slow.apply(plan)

    # --- what the slow clock does not know ------------------------------------------------------------------------

    @rule(what=st.sampled_from(("call", "call/join", "call/decline", "call/end")))
    def call(self, what: str) -> None:
        body = {"call/join": {"participant": "customer"}, "call/decline": {"reason": "No time"}}.get(what, {})
        self._do("customer" if what != "call/end" else "engineer", what, **body)

    @rule(who=st.sampled_from(("customer", "engineer")))
    def escalate(self, who: str) -> None:
        self._do(who, "escalations", reason="business_impact", justification="More shops are hit")

    @rule(what=st.sampled_from(("acknowledge", "decline")))
    def decide(self, what: str) -> None:
        for row in self._fetch("SELECT id FROM escalations WHERE ticket_id = $1 AND state = 'requested' LIMIT 1"):
            body = {"reason": "It is on its way"} if what == "decline" else None
            answer = self._run(self.story.engineer.send("POST", f"/v1/escalations/{row['id']}/{what}", body))
            assert answer.status_code == 200, answer.text

    # --- what holds after each step -------------------------------------------------------------------------------

    @invariant()
    def it_replays(self) -> None:
        async def replay() -> list[str]:
            scope = Scope(ticket_id=self.path.rpartition("/")[2])
            found = [snapshot async for _, batch in walk(self.bench.sessions, scope) for snapshot in batch]
            return [str(difference) for snapshot in found for difference in differences(snapshot)]

        assert self._run(replay()) == []

    @invariant()
    def the_slow_clock_agrees(self) -> None:
        [ticket] = self._fetch("SELECT status, priority, tier FROM tickets WHERE id = $1")
        assert tuple(ticket.values()) == (self.slow.status, NAMES[self.slow.priority], self.slow.tier)
        rows = self._fetch("SELECT * FROM deadlines WHERE ticket_id = $1")
        assert sorted((_fact(row) for row in rows if row["metric"] in METRICS), key=str) == self.slow.facts()

    def _fetch(self, query: str) -> Any:
        return self._run(fetch(self.bench.sessions, query, self.path.rpartition("/")[2]))


def _fact(row: Any) -> Any:
    def ticks(instant: datetime | None) -> int | None:
        return None if instant is None else (instant - START) // TICK

    state = "running" if row["state"] == "paused" else row["state"]
    due = ticks(row["due_at"]) if state == "running" else None
    return (row["metric"], ticks(row["started_at"]), state, ticks(row["missed_at"]), ticks(row["ended_at"]), due)


@pytest.mark.no_cover
def test_c18_whatever_happens_the_rows_are_the_fold_and_what_the_slow_clock_says(server: str, template: str) -> None:
    with bench_on(server, template) as opened:

        class Machine(TicketMachine):
            bench = opened

        run_state_machine_as_test(
            Machine, settings=settings(thorough, max_examples=int(EXAMPLES or 25), stateful_step_count=30)
        )
