"""A second clock, plain and slow, to compare the first with: it steps through time and counts.

Around the clock, one step at a time, with the reply metrics, the resolution and the countdowns of C11. It shares
nothing with ``app.sla``: instants are step numbers, a plan is ``{metric: {priority: steps}}``.
"""

from dataclasses import dataclass, field

PAUSED = ("update", "resolution")
ENDED = ("resolved", "closed")


@dataclass
class SlowCycle:
    """One cycle: what each priority's countdown has used, and what became of it."""

    started: int
    used: list[int]
    state: str = "running"
    missed: int | None = None
    ended: int | None = None
    dead: bool = False


@dataclass
class SlowTicket:
    """A ticket at one step in time; ``act`` changes it, ``pass_step`` lets a step pass."""

    plan: dict[str, list[int | None]]
    priority: int
    now: int = 0
    status: str = "new"
    answered: bool = False
    unanswered: bool = False
    owes_updates: bool = False
    reopened: bool = False
    cycles: dict[str, list[SlowCycle]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cycles = {metric: [] for metric in self.plan}
        self.start()

    # --- time -----------------------------------------------------------------------------------------------------

    def pass_step(self) -> None:
        """Find what is missed now, once everything of this instant has happened; then let a step pass."""
        self.miss()
        for metric, cycles in self.cycles.items():
            paused = self.status == "waiting_on_customer" and metric in PAUSED
            for cycle in cycles[-1:]:
                if cycle.state in ("running", "cancelled") and not cycle.dead and not paused:
                    for priority in range(self.priority, len(cycle.used)):
                        cycle.used[priority] += 1
        self.now += 1

    def miss(self) -> None:
        """Each cycle one of whose deciding countdowns is used up is missed now."""
        for metric, cycles in self.cycles.items():
            paused = self.status == "waiting_on_customer" and metric in PAUSED
            if cycles and cycles[-1].state == "running" and not paused and self.is_used_up(metric, cycles[-1]):
                cycles[-1].state, cycles[-1].missed = "missed", self.now
                self.owes_updates = self.owes_updates or metric == "first_response"
        self.start()

    def is_used_up(self, metric: str, cycle: SlowCycle) -> bool:
        """Whether any countdown of the present or a less urgent priority has reached its target."""
        targets = self.plan[metric]
        deciding = range(self.priority, len(targets))
        return any((target := targets[p]) is not None and cycle.used[p] >= target for p in deciding)

    # --- cycles ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start or revive what is owed and does not run; go on with a chain of missed updates."""
        for metric, targets in self.plan.items():
            cycles = self.cycles[metric]
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
                cycles.append(SlowCycle(self.now, [0] * len(targets)))

    def is_owed(self, metric: str) -> bool:
        """Whether the start event of a metric has happened, and its stop has not."""
        if self.status in ENDED:
            return False
        return {
            "first_response": not self.answered and not self.reopened,
            "next_response": self.unanswered,
            "update": self.owes_updates,
            "resolution": True,
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
        self.priority = priority
        for metric, targets in self.plan.items():
            if targets[priority] is None:
                self.cancel(metric, dead=False)
        self.start()

    def wait(self) -> None:
        """Wait for the customer, with a message."""
        self.engineer()
        self.become("waiting_on_customer")

    def become(self, status: str) -> None:
        """Another status of a ticket that is not at its end."""
        if self.status == "resolved" and status == "open":
            self.reopen()
        elif self.status not in ENDED:
            self.status = status

    def resolve(self) -> None:
        """The resolution is met, the rest cancelled."""
        if self.status in ENDED:
            return
        self.status, self.unanswered = "resolved", False
        self.stop("resolution")
        for metric in self.plan:
            self.cancel(metric, dead=True)

    def reopen(self) -> None:
        """All but the first response starts again."""
        if self.status == "resolved":
            self.status, self.reopened = "open", True
            self.unanswered = self.owes_updates = True
            self.start()

    def close(self) -> None:
        """Everything is cancelled."""
        if self.status != "closed":
            self.status = "closed"
            for metric in self.plan:
                self.cancel(metric, dead=True)
