"""A ticket's clock as rows: the facts in ``tickets.clock``, each cycle in ``deadlines``. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from app.core.ids import new_id
from app.sla.clock.clock import Clock, wake_at
from app.sla.clock.cycles import Wait, changed_clock
from app.sla.clock.deadline import Deadline, Span
from app.sla.clock.deadline import changed as changed_deadline
from app.sla.clock.terms import METRIC_ORDER, Terms

Row: TypeAlias = Mapping[str, Any]

INSTANTS: Final = ("opened_at", "last_at", "answered_at", "unanswered_since", "updates_from", "close_at")
UPDATE_METRICS: Final = frozenset({"first_response", "next_response", "update"})
CUSTOMER_METRICS: Final = frozenset({"call_join"})
"""What the customer owes; everything else, support does."""


def clock_facts(clock: Clock) -> dict[str, Any]:
    """What ``tickets.clock`` holds: everything but terms, deadlines and the ticket's own columns."""
    instants = {name: getattr(clock, name) for name in INSTANTS}
    wait = {"since": clock.wait.since, "reminded": clock.wait.reminded} if clock.wait else None
    return instants | {"reopened": clock.reopened, "cycles": dict(clock.cycles), "wait": wait}


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def load_clock(
    terms: Terms, status: str, priority: str, tier: int, facts: Mapping[str, Any], rows: Iterable[Row]
) -> Clock:
    """The clock of a stored ticket; ``rows`` are its live deadlines, as JSON objects."""
    deadlines = sorted((load_deadline(row) for row in rows), key=lambda d: (METRIC_ORDER[d.metric], d.subject, d.cycle))
    return Clock(
        terms=terms,
        status=status,
        priority=priority,
        tier=tier,
        reopened=facts["reopened"],
        wait=_wait(facts.get("wait")),
        cycles=tuple(facts["cycles"].items()),
        deadlines=tuple(deadlines),
        **{name: _instant(facts[name]) for name in INSTANTS},  # type: ignore[arg-type]  # two are never null
    )


def _wait(stored: Mapping[str, Any] | None) -> Wait | None:
    return Wait(datetime.fromisoformat(stored["since"]), stored["reminded"]) if stored else None


def load_deadline(row: Row) -> Deadline:
    """The deadline of a row, which is a JSON object."""
    detail = row["detail"]
    return Deadline(
        id=row["id"],
        metric=row["metric"],
        cycle=row["cycle"],
        priority=row["priority"],
        subject=row["subject"],
        state=row["state"],
        live=row["live"],
        started_at=datetime.fromisoformat(row["started_at"]),
        due_at=_instant(row["due_at"]),
        missed_at=_instant(row["missed_at"]),
        noticed_at=_instant(row["noticed_at"]),
        ended_at=_instant(row["ended_at"]),
        stopped_by=row["stopped_by"],
        reason=row["reason"],
        spans=tuple(Span(datetime.fromisoformat(at), priority, paused) for at, priority, paused in detail["spans"]),
        fixed=timedelta(microseconds=detail["fixed_us"]) if detail["fixed_us"] is not None else None,
        chain=detail["chain"],
        warned=tuple(detail["warned"]),
        pending=tuple((datetime.fromisoformat(at), share) for at, share in detail["pending"]),
    )


def deadline_row(account_id: str, ticket_id: str, deadline: Deadline) -> Row:
    """The row of one deadline."""
    return {
        "account_id": account_id,
        "id": deadline.id,
        "ticket_id": ticket_id,
        "metric": deadline.metric,
        "subject": deadline.subject,
        "cycle": deadline.cycle,
        "priority": deadline.priority,
        "state": deadline.state,
        "live": deadline.live,
        "started_at": deadline.started_at,
        "due_at": deadline.due_at,
        "missed_at": deadline.missed_at,
        "noticed_at": deadline.noticed_at,
        "ended_at": deadline.ended_at,
        "stopped_by": deadline.stopped_by,
        "reason": deadline.reason,
        "detail": {
            "spans": [[span.at, span.priority, span.paused] for span in deadline.spans],
            "fixed_us": None if deadline.fixed is None else deadline.fixed // timedelta(microseconds=1),
            "chain": deadline.chain,
            "warned": deadline.warned,
            "pending": deadline.pending,
        },
    }


def identified(clock: Clock, noticed_at: datetime) -> Clock:
    """The clock with an id for each new deadline, and the instant at which a new miss was noticed."""

    def identify(deadline: Deadline) -> Deadline:
        if deadline.id and (deadline.missed_at is None or deadline.noticed_at):
            return deadline
        noticed = deadline.noticed_at or (noticed_at if deadline.missed_at else None)
        return changed_deadline(deadline, id=deadline.id or new_id("ddl"), noticed_at=noticed)

    return changed_clock(clock, deadlines=tuple(identify(deadline) for deadline in clock.deadlines))


def changed(before: Sequence[Deadline], after: Sequence[Deadline]) -> list[Deadline]:
    """The deadlines of ``after`` that are new or differ from what was loaded."""
    known = {id(deadline) for deadline in before}
    return [deadline for deadline in after if id(deadline) not in known]


def followed(clock: Clock) -> Row:
    """The columns of a ticket that follow from its clock, so that lists and the sweep can find it (C17)."""
    return {
        "wake_at": wake_at(clock),
        "support_due_at": support_due_at(clock),
        "next_update_due_at": next_update_due_at(clock),
        "missed": has_open_miss(clock),
    }


def support_due_at(clock: Clock) -> datetime | None:
    """The earliest open deadline that support owes; one that was missed comes first by itself."""
    return _earliest(d for d in clock.deadlines if d.metric not in CUSTOMER_METRICS)


def next_update_due_at(clock: Clock) -> datetime | None:
    """When the customer hears from support at the latest: the earliest open reply or update."""
    return _earliest(d for d in clock.deadlines if d.metric in UPDATE_METRICS)


def _earliest(deadlines: Iterable[Deadline]) -> datetime | None:
    return min((d.due_at for d in deadlines if d.is_open and d.due_at), default=None)


def has_open_miss(clock: Clock) -> bool:
    """Whether any deadline is missed and has not ended."""
    return any(d.state == "missed" and d.is_open for d in clock.deadlines)
