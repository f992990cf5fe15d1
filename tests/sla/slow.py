"""A second clock, plain and slow, to compare the first with: it lets time pass in small pieces and counts.

Around the clock, with the five metrics of plans, the countdowns of C11, tiers, applied plans (C14), and misses that
raise the priority or move the tier (C15). It shares nothing with ``app.sla``: an instant is a whole number of whatever
unit, a priority is its rank, a target a length in that unit.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

METRICS = ("first_response", "next_response", "update", "resolution", "tier_escalation")
PAUSED = ("update", "resolution", "tier_escalation")
ENDED = ("resolved", "closed")

SlowFact = tuple[str, int, str, int | None, int | None, int | None]
"""Metric, start, state, and the instants at which it was missed, ended, is due (where it runs)."""


@dataclass(frozen=True)
class SlowPlan:
    """What is promised: by metric, a target for each priority or None; and what a miss does."""

    targets: dict[str, list[int | None]]
    tiers: int = 1
    raising: frozenset[str] = frozenset()
    """metrics whose miss raises the priority"""
    climbing: frozenset[str] = frozenset()
    """metrics whose miss moves the ticket to the next tier"""
    close_after: int = 10**15


@dataclass
class SlowCycle:
    """One cycle: what each priority's countdown has used, and what became of it."""

    started: int
    used: list[int]
    chain: int = 0
    state: str = "running"
    missed: int | None = None
    ended: int | None = None
    dead: bool = False


@dataclass
class SlowTicket:
    """A ticket at one instant; its methods change it, ``wait_for`` lets time pass."""

    plan: SlowPlan
    priority: int
    now: int = 0
    status: str = "new"
    tier: int = 1
    answered: bool = False
    unanswered: bool = False
    owes_updates: bool = False
    reopened: bool = False
    closes_at: int | None = None
    cycles: dict[str, list[SlowCycle]] = field(default_factory=lambda: {metric: [] for metric in METRICS})

    def __post_init__(self) -> None:
        self.start()

    def facts(self) -> list[SlowFact]:
        """What has become of all cycles."""
        rows = (
            (metric, cycle.started, cycle.state, cycle.missed, cycle.ended, due)
            for metric, cycles in self.cycles.items()
            for cycle in cycles
            for due in [self.due(metric, cycle) if cycle.state == "running" else None]
        )
        return sorted(rows, key=str)

    # --- time -----------------------------------------------------------------------------------------------------

    def wait_for(self, length: int) -> None:
        """Let time pass: what is due at an instant happens once everything else of that instant has happened."""
        end = self.now + length
        while self.now < end:
            self.miss()
            piece = min([end - self.now, *self.next_ends()])
            for metric, cycle in self.last_cycles():
                if cycle.state in ("running", "cancelled") and not cycle.dead and not self.pauses(metric):
                    for priority in range(self.priority, len(cycle.used)):
                        cycle.used[priority] += piece
            self.now += piece

    def next_ends(self) -> Iterator[int]:
        """How far away the things are that are due."""
        for metric, cycle in self.last_cycles():
            if cycle.state == "running" and not self.pauses(metric):
                yield self.left(metric, cycle)
        if self.closes_at is not None:
            yield self.closes_at - self.now

    def last_cycles(self) -> Iterator[tuple[str, SlowCycle]]:
        """The last cycle of each metric that has any."""
        return ((metric, cycles[-1]) for metric, cycles in self.cycles.items() if cycles)

    def pauses(self, metric: str) -> bool:
        """Whether this metric stands still now."""
        return self.status == "waiting_on_customer" and metric in PAUSED

    def left(self, metric: str, cycle: SlowCycle) -> int:
        """What is left of the countdown that ends first among the present and the less urgent priorities'."""
        deciding = list(zip(self.plan.targets[metric], cycle.used, strict=True))[self.priority :]
        return max(0, min(target - used for target, used in deciding if target is not None))

    def due(self, metric: str, cycle: SlowCycle) -> int | None:
        """When a running cycle is due; None while it stands still."""
        return None if self.pauses(metric) else self.now + self.left(metric, cycle)

    def miss(self) -> None:
        """What is used up now is missed, all at once; then it has its effects; then follows what follows."""
        due = [
            (metric, cycle)
            for metric, cycle in self.last_cycles()
            if cycle.state == "running" and not self.pauses(metric) and self.left(metric, cycle) == 0
        ]
        if self.closes_at == self.now:
            self.close()
        if not due:
            return
        first_of_chain = set()
        for metric, cycle in due:
            if metric == "tier_escalation":
                self.stop(metric)
                continue
            cycle.state, cycle.missed = "missed", self.now
            first_of_chain |= {metric} if cycle.chain == 0 else set()
        before = self.priority
        if first_of_chain & self.plan.raising and self.priority > 0:
            self.set_priority(self.priority - 1)
        if dict(due).get("tier_escalation") or first_of_chain & self.plan.climbing:
            self.climb()
        self.follow(dict(due), raised=self.priority != before)
        self.start()

    def climb(self) -> None:
        """Move to the next tier, if there is one."""
        if self.tier < self.plan.tiers:
            self.stop("tier_escalation")
            self.tier += 1

    def follow(self, due: dict[str, SlowCycle], *, raised: bool) -> None:
        """After a missed first response updates are owed; a missed resolution that raised makes way for another."""
        self.owes_updates = self.owes_updates or "first_response" in due
        faster = "resolution" in self.plan.raising and self.plan.targets["resolution"][self.priority] is not None
        if raised and faster and "resolution" in due:
            due["resolution"].ended, due["resolution"].dead = self.now, True

    # --- cycles ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start or revive what is owed and does not run; go on with a chain of missed updates."""
        for metric, cycles in self.cycles.items():
            targets = self.plan.targets[metric]
            last = cycles[-1] if cycles and cycles[-1].ended is None else None
            sleeping = cycles[-1] if cycles and cycles[-1].state == "cancelled" and not cycles[-1].dead else None
            if not self.is_owed(metric) or targets[self.priority] is None:
                continue
            if sleeping:
                sleeping.state, sleeping.ended = "running", None
            elif last is None:
                cycles.append(SlowCycle(self.now, [0] * len(targets)))
            elif metric == "update" and last.state == "missed":
                last.ended = last.missed
                cycles.append(SlowCycle(self.now, [0] * len(targets), last.chain + 1))

    def is_owed(self, metric: str) -> bool:
        """Whether the start event of a metric has happened, and its stop has not."""
        if self.status in ENDED:
            return False
        return {
            "first_response": not self.answered and not self.reopened,
            "next_response": self.unanswered,
            "update": self.owes_updates,
            "resolution": True,
            "tier_escalation": self.tier < self.plan.tiers and self.status != "mitigated",
        }[metric]

    def stop(self, metric: str) -> None:
        """What runs is met, what is missed is met late, what sleeps never wakes."""
        for cycle in self.cycles[metric][-1:]:
            cycle.dead = True
            if cycle.ended is None:
                cycle.state = "met_late" if cycle.state == "missed" else "met"
                cycle.ended = self.now

    def cancel(self, metric: str, *, dead: bool) -> None:
        """What runs is cancelled; at the end of the ticket a miss ends as it is."""
        for cycle in self.cycles[metric][-1:]:
            if cycle.ended is None and (cycle.state == "running" or dead):
                cycle.state = "cancelled" if cycle.state == "running" else "missed"
                cycle.ended = self.now
            cycle.dead = cycle.dead or dead

    # --- what happens ---------------------------------------------------------------------------------------------

    def engineer(self) -> None:
        """A public message of an engineer."""
        if self.status == "closed":
            return
        for metric in ("first_response", "next_response", "update"):
            self.stop(metric)
        self.answered, self.unanswered, self.owes_updates = True, False, True
        if self.status == "new":
            self.status = "open"
        self.start()

    def customer(self) -> None:
        """A public message of a customer."""
        if self.status == "resolved":
            self.reopen()
        elif self.status != "closed":
            if self.status == "waiting_on_customer":
                self.status = "open"
            self.unanswered = self.unanswered or self.answered
            self.start()

    def prioritise(self, priority: int) -> None:
        """Another priority."""
        self.set_priority(priority)
        self.start()

    def set_priority(self, priority: int) -> None:
        """Another priority: what it does not promise sleeps."""
        self.priority = priority
        for metric, targets in self.plan.targets.items():
            if targets[priority] is None:
                self.cancel(metric, dead=False)

    def move(self, tier: int) -> None:
        """Another tier: up ends the clock of this one well, down without a result."""
        if tier > self.tier:
            self.stop("tier_escalation")
        elif tier < self.tier:
            self.cancel("tier_escalation", dead=True)
        self.tier = tier
        self.start()

    def apply(self, plan: SlowPlan) -> None:
        """Another plan with the same priorities, as if it had held since each cycle's start, from now on."""
        self.plan = plan
        if self.tier >= plan.tiers:
            self.cancel("tier_escalation", dead=True)
        self.set_priority(self.priority)
        self.start()

    def wait(self) -> None:
        """Wait for the customer, with a message."""
        self.engineer()
        self.become("waiting_on_customer")

    def become(self, status: str) -> None:
        """Another status of a ticket that is not at its end; a mitigated one has no tier clock."""
        if self.status == "resolved" and status == "open":
            self.reopen()
        elif self.status not in ENDED:
            self.status = status
            if status == "mitigated":
                self.cancel("tier_escalation", dead=True)
            self.start()

    def resolve(self) -> None:
        """The resolution is met, the rest cancelled."""
        if self.status in ENDED:
            return
        self.status, self.unanswered = "resolved", False
        self.closes_at = self.now + self.plan.close_after
        self.stop("resolution")
        for metric in METRICS:
            self.cancel(metric, dead=True)

    def reopen(self) -> None:
        """All but the first response starts again."""
        if self.status == "resolved":
            self.status, self.reopened, self.closes_at = "open", True, None
            self.unanswered = self.owes_updates = True
            self.start()

    def close(self) -> None:
        """Everything is cancelled."""
        if self.status != "closed":
            self.status, self.closes_at = "closed", None
            for metric in METRICS:
                self.cancel(metric, dead=True)
