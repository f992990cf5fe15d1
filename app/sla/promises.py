"""From a plan document to the terms of one ticket: add-ons, zone and holidays filled in (C14). Pure."""

from collections.abc import Mapping, Sequence

from app.calendars.hours import Calendar
from app.plans.document.model import PlanDocument
from app.sla.clock.terms import PLAN_METRICS, Target, Terms, Waiting


def terms_of(document: PlanDocument, calendars: Mapping[str, Calendar], addons: Sequence[str]) -> Terms:
    """The terms of a ticket whose account has these add-ons; ``calendars`` are the plan's, compiled for its zone."""
    rules = document.waiting
    return Terms(
        priorities=document.priority_keys,
        targets={metric: _row(document, calendars, metric) for metric in PLAN_METRICS},
        pauses={status: frozenset(metrics) for status, metrics in document.pause.items()},
        warn_at=tuple(sorted(document.warn_at)),
        on_miss={metric: tuple(effects) for metric, effects in document.on_miss.items()},
        tiers=document.effective_tiers(addons),
        acknowledge=document.escalation.acknowledge if document.escalation else None,
        close_after=document.close_after,
        updates_from_opening=document.update_from == "opened",
        top_manager=document.top_tier == "manager",
        waiting=Waiting(tuple(rules.remind), rules.resolve) if rules else None,
    )


def _row(document: PlanDocument, calendars: Mapping[str, Calendar], metric: str) -> dict[str, Target]:
    found = {priority: row.get(metric) for priority, row in document.targets.items()}  # type: ignore[call-overload]  # a plain str
    return {
        priority: Target(calendars[document.calendar_name(target)], target.duration, target.business_days)
        for priority, target in found.items()
        if target
    }
