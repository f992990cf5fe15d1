"""A preview tells what the live service does: the same random history, driven in a sandbox, leaves the same rows."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

import pytest

from app.plans.document.parsing.documents import PlanDocument
from app.plans.store import builtin_plans
from app.tickets.rules import allowed
from tests.support.stories import Begin, Story, path_of

Json = dict[str, Any]
START: Final = datetime(2026, 10, 30, 13, 7, tzinfo=UTC)
"""A Friday; the clocks change on Sunday."""
ASKED: Final = ("call_join", "alert_ack")
"""What a preview does not have: calls and alerts depend on the world."""
ROW: Final = ("metric", "cycle", "priority", "state", "subject", "started_at", "due_at", "missed_at", "stopped_by")
STEPS: Final = 18
EXPLAINED: Final = 20
"""Deadlines of a ticket whose explanations are compared."""
PLANS: Final = {plan.key: plan for plan in builtin_plans()}


class Ticket:
    """One ticket in two worlds: in the sandbox, and as the changes of a preview."""

    def __init__(self, story: Story, plan: PlanDocument, addons: list[str], dice: Random) -> None:
        self.story, self.plan, self.dice = story, plan, dice
        self.tiers = plan.effective_tiers(addons)
        self.now = START
        self.changes: list[Json] = []
        self.path = ""

    async def open(self, priority: str) -> None:
        texts = {"business_impact": "No sales", "priority_reason": "Down"}
        self.path = path_of(await self.story.open(priority=priority, channel="api", **texts))

    async def ticket(self) -> Json:
        found: Json = await self.story.engineer.get(self.path)
        return found

    async def wait(self) -> None:
        """Let some time pass: minutes, hours, or up to the next due instant and not a microsecond more."""
        ahead = [each["due_at"] for each in (await self.ticket())["deadlines"] if each["state"] == "running"]
        if ahead and self.dice.random() < 1 / 4:
            self.now = max(self.now, min(map(datetime.fromisoformat, ahead)))
        else:
            self.now += timedelta(minutes=self.dice.choice([0, 1, 20, 90, 400, 1500]))
        path = f"/v1/sandbox/{self.story.account.account_id}/advance"
        await self.story.product.post(path, to=self.now.isoformat())

    async def step(self) -> None:
        """Do one thing that the ticket takes now, in both worlds."""
        ticket = await self.ticket()
        if ticket["status"] == "closed":
            return
        may: list[Any] = [self.answer, self.answer, self.write, self.note]
        if ticket["status"] == "resolved":
            may += [self.reopen]
        else:
            may += [self.set_priority, self.set_priority, self.set_tier]
        await self.dice.choice([*may, self.set_status, self.set_status])(ticket)

    def told(self, kind: str, **facts: Any) -> None:
        self.changes.append({"at": self.now.isoformat(), "type": kind} | facts)

    async def answer(self, _: Json) -> None:
        await self.story.engineer.post(f"{self.path}/messages", 201, body="We look into it.")
        self.told("message", author="engineer")

    async def write(self, _: Json) -> None:
        await self.story.customer.post(f"{self.path}/messages", 201, body="It still fails.")
        self.told("message", author="customer")

    async def note(self, _: Json) -> None:
        await self.story.engineer.post(f"{self.path}/messages", 201, body="For us.", visibility="internal")
        self.told("message", author="engineer", visibility="internal")

    async def set_priority(self, _: Json) -> None:
        priority = self.dice.choice(self.plan.priority_keys)
        body = {"priority": priority, "reason": "It changed", "business_impact": "No sales"}
        await self.story.engineer.post(f"{self.path}/priority", **body)
        self.told("priority", priority=priority)

    async def set_tier(self, _: Json) -> None:
        tier = self.dice.randint(1, self.tiers)
        await self.story.engineer.post(f"{self.path}/assign", tier=tier)
        self.told("tier", tier=tier)

    async def reopen(self, _: Json) -> None:
        await self.story.engineer.post(f"{self.path}/reopen")
        self.told("reopen")

    async def set_status(self, ticket: Json) -> None:
        """Any status but closed, with the public message that goes before waiting and resolving."""
        may = [status for status in allowed(ticket["status"], "engineer") if status != "closed"]
        status = self.dice.choice(may)
        body = {"status": status}
        if status in ("waiting_on_customer", "resolved"):
            body["message"] = "Tell us, please."
            self.told("message", author="engineer")
        await self.story.engineer.post(f"{self.path}/status", **body)
        self.told("status", status=status)

    async def withdraw(self) -> None:
        if (await self.ticket())["status"] != "closed":
            await self.story.customer.post(f"{self.path}/withdraw")
            self.told("withdraw")


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("key", PLANS)
async def test_a_preview_has_the_rows_of_the_live_service(begin: Begin, key: str, seed: int) -> None:
    plan, dice = PLANS[key], Random(f"{key} {seed}")  # noqa: S311 - the same history for the same seed, and no secret
    addons = sorted(plan.addons) if seed % 2 else []
    story = await begin(key, addons=addons, country="US", sandbox={"starts_at": START.isoformat()})
    ticket = Ticket(story, plan, addons, dice)
    priority = dice.choice(plan.priority_keys)
    await ticket.open(priority)
    for _ in range(STEPS):
        await ticket.wait()
        await ticket.step()
    if seed % 2:
        await ticket.withdraw()
    await ticket.wait()
    body = {"plan": key, "addons": addons, "priority": priority, "time_zone": "America/New_York", "country": "US"}
    asked = body | {"opened_at": START.isoformat(), "changes": ticket.changes, "until": ticket.now.isoformat()}
    answer = await story.engineer.post("/v1/sla/preview", **asked)
    live = await _rows(story, ticket.path)
    assert [_row(each, each["stopped_at"]) for each in answer["deadlines"]] == [_row(e, e["ended_at"]) for e in live]
    for previewed, stored in list(zip(answer["deadlines"], live, strict=True))[:EXPLAINED]:
        explained = await story.engineer.get(f"{ticket.path}/deadlines/{stored['id']}/explain")
        assert _explanation(explained) == _explanation(previewed)
    assert {name: answer[name] for name in ("status", "priority", "tier")} == _facts(await ticket.ticket())
    assert bool(live) == (not plan.best_effort)


def _row(deadline: Json, ended_at: str | None) -> Json:
    return {name: deadline[name] for name in ROW} | {"reason": deadline["reason"], "ended_at": ended_at}


def _explanation(answer: Json) -> Json:
    """The explanation, less the names of those who moved it."""
    explanation: Json = answer["explanation"]
    moves = [move | {"actor": None} for move in explanation["moves"]]
    return explanation | {"moves": moves}


def _facts(ticket: Json) -> Json:
    return {name: ticket[name] for name in ("status", "priority", "tier")}


async def _rows(story: Story, path: str) -> list[Json]:
    """The stored cycles in the order of a preview."""
    page = await story.engineer.get(f"{path}/deadlines", limit=200)
    order = ["first_response", "next_response", "update", "resolution", "tier_escalation", "escalation_ack"]
    rows = [each for each in page["items"] if each["metric"] not in ASKED]
    return sorted(rows, key=lambda row: (order.index(row["metric"]), row["subject"] or "", row["cycle"]))
