"""A backtest of the plan that was in force gives exactly what was recorded, whatever happened to the tickets.

Random histories are made through the service, in sandboxes on each of the shipped plans, also up to just before, at and
just after what is due next. ``HELIODESK_EXAMPLES`` asks for a longer, and then truly random, run.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

import httpx
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from app.backtests.heavy import Compared, Record, compare
from app.backtests.outcomes import promises, turned
from app.backtests.plans import Plans, Stored, Trial
from app.backtests.reading import Known, Scope, batches
from app.core.clock import database_now
from app.core.db.session import transaction
from app.core.process.memory import Memory
from app.plans.document.parsing.documents import parse
from app.plans.store import load_builtin
from app.sla.clock.changes import Apply
from app.sla.clock.deadline import Deadline
from tests.sla.histories import EXAMPLES, thorough
from tests.support.desk import fetch
from tests.support.documents import PLANS, store_version
from tests.support.looped import Bench, bench_on
from tests.support.stories import Story, begin, path_of

START: Final = datetime(2026, 10, 23, 9, 0, tzinfo=UTC)  # days before the clocks change
TICK: Final = timedelta(microseconds=1)
ACCOUNTS: Final[tuple[Mapping[str, Any], ...]] = (
    {"time_zone": "America/New_York"},
    {"time_zone": "Europe/Warsaw", "country": "PL"},
    {"time_zone": "Asia/Kolkata"},
    {"time_zone": "America/St_Johns", "country": "CA"},
)
ADDONS: Final = {"itil-native": ["hybrid"], "wati-business-plus": ["tam"]}
_COMPARED: Final = tuple(
    field.name for field in fields(Deadline) if field.compare and field.name not in ("warned", "pending")
)
"""No outcome depends on warnings, so a backtest makes none."""
_EXAMPLES: Final = int(EXAMPLES or 5)
_STEPS: Final = 30
_PHASES: Final = (Phase.generate,)
"""A shorter list of steps under the same seed is another history, so there is nothing to shrink."""
IN_FORCE: Final = Trial(None, None, START)


@dataclass
class Desk:
    """A customer on a shipped plan, two of their tickets, and what may be done to them."""

    bench: Bench
    plan: str
    dice: Random
    story: Story
    paths: list[str]

    @classmethod
    async def opened(cls, bench: Bench, plan: str, dice: Random) -> "Desk":
        addons = ADDONS.get(plan, []) if dice.random() < 0.5 else []
        facts = {**dice.choice(ACCOUNTS), "addons": addons, "sandbox": {"starts_at": START.isoformat()}}
        story = await begin(bench.sessions, bench.client, plan, call_link="https://meet.example.com/1", **facts)
        desk = cls(bench, plan, dice, story, [])
        for _ in range(2):
            await desk.open()
        return desk

    @property
    def account_id(self) -> str:
        return self.story.account.account_id

    @property
    def path(self) -> str:
        return self.dice.choice(self.paths)

    def priority(self) -> str:
        return self.dice.choice(PLANS[self.plan].priority_keys)

    async def open(self) -> None:
        texts = {"business_impact": "No order can be taken", "priority_reason": "Every shop is down"}
        self.paths.append(path_of(await self.story.open(priority=self.priority(), **texts)))

    async def do(self, who: str, what: str, **body: Any) -> None:
        """Send it; what the service refuses changes nothing."""
        answer: httpx.Response = await getattr(self.story, who).send("POST", f"{self.path}/{what}", body)
        assert answer.status_code in {200, 201, 403, 404, 409, 422}, answer.text

    # --- time -----------------------------------------------------------------------------------------------------

    async def let_time_pass(self) -> None:
        await self.story.advance(by=f"PT{self.dice.choice((15, 45, 240, 1200, 4000))}M")

    async def come_to_what_is_due(self) -> None:
        due = "SELECT due_at FROM deadlines WHERE account_id = $1 AND state = 'running' ORDER BY due_at"
        dues = [row["due_at"] for row in await fetch(self.bench.sessions, due, self.account_id)]
        if dues:
            to = self.dice.choice(dues) + self.dice.choice((-TICK, 0 * TICK, TICK))
            now = "SELECT sandbox_now FROM accounts WHERE account_id = $1"
            [account] = await fetch(self.bench.sessions, now, self.account_id)
            if to >= account["sandbox_now"]:
                await self.story.advance(to=to.isoformat())

    # --- people ---------------------------------------------------------------------------------------------------

    async def write(self) -> None:
        who, seen = self.dice.choice(("engineer", "engineer", "customer")), self.dice.choice(("public", "internal"))
        await self.do(who, "messages", body="Hello", visibility=seen)

    async def wait(self) -> None:
        await self.do("engineer", "status", status="waiting_on_customer", message="Which version?")

    async def set_status(self) -> None:
        await self.do("engineer", "status", status=self.dice.choice(("open", "mitigated")))

    async def resolve(self) -> None:
        who = self.dice.choice(("engineer", "engineer", "customer", "product"))
        await self.do(who, "status", status="resolved", **({"message": "Done."} if who == "engineer" else {}))

    async def reopen(self) -> None:
        await self.do("customer", "reopen")

    async def end(self) -> None:
        what = self.dice.choice(("withdraw", "close", "merge", "nothing", "nothing", "nothing"))
        if what == "withdraw":
            await self.do("customer", "withdraw")
        elif what == "close":
            await self.do("engineer", "status", status="closed")
        elif what == "merge":
            await self.do("engineer", "merge", into=self.path.rpartition("/")[2])

    async def prioritise(self) -> None:
        texts = {"business_impact": "No order can be taken", "reason": "Because"}
        await self.do("engineer", "priority", priority=self.priority(), **texts)

    async def assess(self) -> None:
        changed = {"impact": self.dice.choice(("large", "small")), "urgency": self.dice.choice(("high", "low"))}
        await self.story.engineer.send("PATCH", self.path, changed)

    async def move(self) -> None:
        await self.do("engineer", "assign", tier=self.dice.randint(1, 3))

    async def assign(self) -> None:
        await self.do("engineer", "assign", engineer_id=self.story.engineer_id)

    async def lock(self) -> None:
        await self.do("engineer", "region-lock", region=self.dice.choice(("emea", None)))

    async def escalate(self) -> None:
        priority = {"requested_priority": self.priority(), "business_impact": "No order can be taken"}
        who = self.dice.choice(("customer", "engineer"))
        await self.do(who, "escalations", reason="business_impact", justification="More shops", **priority)

    async def decide(self) -> None:
        query = "SELECT id FROM escalations WHERE account_id = $1 AND state = 'requested' ORDER BY id LIMIT 1"
        for row in await fetch(self.bench.sessions, query, self.account_id):
            what = self.dice.choice(("acknowledge", "accept", "decline", "withdraw"))
            body = {"reason": "It is on its way"} if what == "decline" else {}
            who = self.story.customer if what == "withdraw" else self.story.engineer
            await who.send("POST", f"/v1/escalations/{row['id']}/{what}", body)

    async def call(self) -> None:
        what = self.dice.choice(("call", "call/join", "call/decline", "call/end"))
        body = {"call/join": {"participant": "customer"}, "call/decline": {"reason": "No time"}}.get(what, {})
        await self.do("customer" if what != "call/end" else "engineer", what, **body)

    # --- plans ----------------------------------------------------------------------------------------------------

    async def apply(self) -> None:
        """Apply a version with other targets, pauses, tiers and ends, and with other effects of what is missed."""
        document, dice = PLANS[self.plan].canonical(), self.dice
        for name in PLANS[self.plan].priority_keys:
            if dice.random() < 0.5:
                row = document["targets"].setdefault(name, {})
                row["first_response"] = f"PT{dice.randint(1, 30)}H"
                row["update"] = dice.choice(("PT3H", {"duration": "PT9H", "calendar": "24x7"}))
        effects = [["raise_priority"], ["next_tier", "open_escalation"], ["reassign", "notify_manager"]]
        document |= {
            "best_effort": not any(document["targets"].values()),
            "pause": dice.choice(({}, {"waiting_on_customer": ["resolution", "update"]})),
            "routing": document["routing"] | {"tiers": dice.randint(1, 3)},
            "on_miss": {metric: dice.choice(effects) for metric in ("first_response", "resolution", "update")}
            | {"escalation_ack": dice.choice(effects[::2])},
            "waiting": dice.choice((None, {"remind": ["PT24H"], "resolve": "PT60H"})),
            "update_from": dice.choice(("opened", "first_response")),
            "top_tier": dice.choice(("manager", "none")),
            "close_after": dice.choice(("PT10H", "PT168H")),
        }
        async with transaction(self.bench.sessions) as session:
            stored = await store_version(session, parse(document), await database_now(session))
        path = f"/v1/plans/{self.plan}/versions/{stored.version}/apply"
        await self.bench.admin.post(path, dry_run=False, account_ids=[self.account_id])

    async def relocate(self) -> None:
        """The account moves, which open tickets notice when a version is applied."""
        change = {"time_zone": self.dice.choice(ACCOUNTS)["time_zone"]}
        await self.bench.admin.patch(f"/v1/accounts/{self.account_id}", **change)
        if self.dice.random() < 0.5:
            await self.apply()


STEPS: Final[tuple[Callable[[Desk], Any], ...]] = (
    Desk.open,
    Desk.let_time_pass,
    Desk.let_time_pass,
    Desk.come_to_what_is_due,
    Desk.come_to_what_is_due,
    Desk.write,
    Desk.write,
    Desk.wait,
    Desk.set_status,
    Desk.resolve,
    Desk.reopen,
    Desk.end,
    Desk.prioritise,
    Desk.assess,
    Desk.move,
    Desk.assign,
    Desk.lock,
    Desk.escalate,
    Desk.decide,
    Desk.call,
    Desk.apply,
    Desk.relocate,
)


@pytest.fixture(scope="module")
def bench(server: str, template: str) -> Iterator[Bench]:
    with bench_on(server, template) as opened:
        opened.runner.run(_load(opened))
        yield opened


async def _load(bench: Bench) -> None:
    async with transaction(bench.sessions) as session:
        await load_builtin(session, await database_now(session))


async def records_of(bench: Bench, account_id: str) -> list[tuple[Record, Stored]]:
    """Every ticket of an account, with what it is bound to."""
    scope = Scope(START, START + timedelta(days=4_000), account_id)
    read = [batch async for batch in batches(bench.sessions, scope, 1, Known())]
    return [(record, stored) for records, stored in read for record in records]


def facts(deadlines: Mapping[Any, Deadline]) -> dict[Any, dict[str, Any]]:
    return {key: {name: getattr(one, name) for name in _COMPARED} for key, one in deadlines.items()}


@pytest.mark.no_cover
@pytest.mark.parametrize("plan", PLANS)
def test_c18_a_backtest_of_the_plan_in_force_is_what_was_recorded(bench: Bench, plan: str) -> None:
    @settings(thorough, max_examples=_EXAMPLES, phases=_PHASES)
    @given(seed=st.integers(0, 2**32))
    def whatever_happens(seed: int) -> None:
        bench.runner.run(_holds(bench, plan, Random(seed)))  # noqa: S311  no secret: a seed's history is the same

    whatever_happens()


async def _holds(bench: Bench, plan: str, dice: Random) -> None:
    desk = await Desk.opened(bench, plan, dice)
    for step in dice.choices(STEPS, k=_STEPS):
        await step(desk)
    memory = Memory()
    for record, stored in await records_of(bench, desk.account_id):
        history = exact(compare(record, Plans(memory, stored, IN_FORCE))).history
        if not any(isinstance(change, Apply) for change in history.changes):
            document = stored.documents[history.pins.plan_key, history.pins.plan_version]
            exact(compare(record, Plans(memory, stored, replace(IN_FORCE, document=document))))


def exact(ticket: Compared) -> Compared:
    """A ticket of which every deadline is as it was recorded."""
    assert facts(ticket.tried) == facts(ticket.recorded)
    assert list(turned(promises(ticket.recorded), promises(ticket.tried))) == []
    return ticket
