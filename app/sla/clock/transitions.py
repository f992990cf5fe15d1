"""What people and integrations do to a clock: messages, statuses, priorities, tiers, plans, answers. Pure."""

from dataclasses import replace
from datetime import datetime

from app.sla.clock.changes import Answer, Apply, Ask, Change, Close, Message, Priority, Reopen, Status, Tier
from app.sla.clock.cycles import ENDED_STATUSES, Cycles, Wait
from app.sla.clock.deadline import OPEN_STATES, REMINDER, Deadline, Span, changed, timed


class Transitions(Cycles):
    """A clock to which changes are applied, each after everything that was due before it."""

    def apply(self, change: Change) -> None:
        """Apply one change, once everything due before it has happened."""
        match change:
            case Message():
                self._message(change)
            case Status():
                self._status(change)
            case Priority():
                self._priority(change)
            case Tier():
                self._tier(change)
            case Reopen():
                self.reopen(change.at, "engineer")
            case Close():
                self.close(change.at, change.reason, "service" if change.reason == "unanswered" else "engineer")
            case Apply():
                self._apply(change)
            case Ask():
                self._ask(change)
            case Answer():
                self._answer(change)

    def _message(self, change: Message) -> None:
        if not change.public or self.status == "closed":
            return
        if change.author == "engineer":
            self.engineer_message(change.at)
        elif change.author == "customer":
            self.customer_message(change.at)

    def engineer_message(self, at: datetime) -> None:
        """Answer everything before this instant, and restart the update clock (metrics table)."""
        first, update = self.answered_at is None, self.find("update")
        self.answered_at, self.unanswered_since = self.answered_at or at, None
        self.updates_from = self.updates_from or at
        if first:
            self.stop(at, self.find("first_response"), "engineer")
        self.stop(at, self.find("next_response"), "engineer")
        if self.wait:
            self.wait = Wait(at)
        restarts = first and update is not None and self._owed_from_opening(update)
        if not restarts:
            self.stop(at, update, "engineer")
        if self.status == "new":
            self.set_status(at, "open", "engineer")
        if restarts:
            self._restart_update(at)
        else:
            self.start(at, "update")

    def _owed_from_opening(self, update: Deadline) -> bool:
        return self.terms.updates_from_opening and update.cycle == 1 and update.state in OPEN_STATES

    def _restart_update(self, at: datetime) -> None:
        """The first response begins the first update anew, which was owed from the opening on until then."""
        update = self.find("update")
        if update is not None:
            span = Span(at, self.priority, self.terms.pauses_in(self.status, "update"))
            restarted = timed(changed(update, started_at=at, spans=(span,), past=None), self.terms)
            self.retime(at, update, restarted, "first_response")

    def customer_message(self, at: datetime) -> None:
        """Wait for an answer from the oldest unanswered message on; wake a waiting or resolved ticket."""
        if self.status == "resolved":
            self.reopen(at, "customer")
            return
        if self.status == "waiting_on_customer":
            self.set_status(at, "open", "customer")
        if self.answered_at and self.unanswered_since is None:
            self.unanswered_since = at
            self.start(at, "next_response")

    def _status(self, change: Status) -> None:
        if self.status == "closed":
            return
        if change.status == "closed":
            self.close(change.at, "closed", change.by)
        elif self.status == "resolved" and change.status == "open":
            self.reopen(change.at, change.by)
        elif change.status != self.status:
            self.set_status(change.at, change.status, change.by)

    def set_status(self, at: datetime, status: str, by: str, *, reason: str = "") -> None:
        """Change the status: ends, pauses, resumes, and the tier clock of a mitigated ticket (C10, C13)."""
        before, self.status = self.status, status
        self.wait = self._wait(at)
        self.tell("status", at, before=before, after=status, by=by, reason=reason)
        if status == "resolved":
            self.resolve(at, by)
            return
        if status == "mitigated":
            self.cancel(at, self.find("tier_escalation"), "mitigated")
        self.respan(at, status)
        if before == "mitigated" and self.wanted("tier_escalation"):
            self.start(at, "tier_escalation")

    def _wait(self, at: datetime) -> Wait | None:
        """The wait for the customer that begins, where the terms end it."""
        return Wait(at) if self.status == "waiting_on_customer" and self.terms.waiting else None

    def resolve(self, at: datetime, by: str) -> None:
        """Stop the resolution, cancel what else runs (C13); the ticket will close by itself."""
        self.stop(at, self.find("resolution"), by)
        self.end_all(at, "resolved")
        self.unanswered_since = None
        self.close_at = at + self.terms.close_after

    def end_all(self, at: datetime, reason: str) -> None:
        """Cancel whatever is live; a first response that never came is told apart (C13)."""
        for deadline in self.live():
            unanswered = deadline.metric == "first_response" and reason == "resolved"
            self.cancel(at, deadline, "resolved_by_sender" if unanswered else reason)

    def reopen(self, at: datetime, by: str) -> None:
        """Start the clocks of a resolved ticket again; the first response never restarts (C13)."""
        if self.status != "resolved":
            return
        self.status, self.close_at, self.reopened = "open", None, True
        self.unanswered_since, self.updates_from = at, at
        self.tell("status", at, before="resolved", after="open", by=by, reason="reopened")
        self.start_missing(at, "reopened")

    def close(self, at: datetime, reason: str, by: str) -> None:
        """Close from any status: nothing runs any more (C13)."""
        before, self.status, self.close_at, self.unanswered_since = self.status, "closed", None, None
        self.wait = None
        if before != "closed":
            self.end_all(at, reason)
            self.tell("status", at, before=before, after="closed", by=by, reason=reason)

    def _priority(self, change: Priority) -> None:
        self.set_priority(change.at, change.priority, change.by, reason="priority")
        self.start_missing(change.at, "priority")

    def set_priority(self, at: datetime, priority: str, by: str, *, reason: str) -> None:
        """Move every countdown to another priority (C11, C12)."""
        before, self.priority = self.priority, priority
        if before == priority:
            return
        self.tell("priority", at, before=before, after=priority, by=by, reason=reason)
        lowered = self.terms.rank(priority) > self.terms.rank(before)
        self.respan(at, "priority_lowered" if lowered else "priority_raised")

    def _tier(self, change: Tier) -> None:
        self.set_tier(change.at, change.tier, change.by)
        self.start_missing(change.at, "tier")

    def set_tier(self, at: datetime, tier: int, by: str) -> None:
        """Move to another tier: up ends its clock well, down without a result; the new tier's starts after it (C13)."""
        before, self.tier = self.tier, tier
        if before == tier:
            return
        old = self.find("tier_escalation")
        if tier > before:
            self.stop(at, old, by)
        else:
            self.cancel(at, old, "tier")
        self.tell("tier", at, before=before, after=tier, by=by)

    def _apply(self, change: Apply) -> None:
        """Recompute every live deadline from its start under other terms, never before this instant (C14)."""
        at, names = change.at, {**{p: p for p in change.terms.priorities}, **change.mapping}
        waited, owed = self.terms.waiting, self.terms.updates_from_opening
        self.terms, self.priority = change.terms, names[self.priority]
        for deadline in self.movable():
            spans = tuple(replace(span, priority=names[span.priority]) for span in deadline.spans)
            self.put(deadline, changed(deadline, spans=spans))
        if waited != self.terms.waiting:
            self.wait = self._wait(at)
        if self.terms.updates_from_opening and not owed:
            self.updates_from = self.updates_from or at
        if not self.escalates:
            self.cancel(at, self.find("tier_escalation"), "plan")
        self.respan(at, "plan")
        self.start_missing(at, "plan")

    def _ask(self, change: Ask) -> None:
        within = change.within or self.terms.acknowledge
        if within is None or self.status in ENDED_STATUSES or self.find(change.metric, change.subject):
            return
        asked = Deadline(
            change.metric,
            1,
            self.priority,
            change.at,
            (Span(change.at, self.priority),),
            subject=change.subject,
            fixed=within,
        )
        deadline = timed(asked, self.terms)
        if change.remind is not None:
            reminder = (change.at + change.remind, REMINDER)
            deadline = changed(deadline, pending=tuple(sorted((*deadline.pending, reminder))))
        self.deadlines.append(deadline)
        self.tell("deadline.started", change.at, deadline)

    def _answer(self, change: Answer) -> None:
        asked = self.find(change.metric, change.subject)
        if change.cancel:
            self.cancel(change.at, asked, change.cancel)
        else:
            self.stop(change.at, asked, change.by)
