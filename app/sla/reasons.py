"""Why another plan version moves a deadline: what is different for it between two terms (C14). Pure."""

from collections.abc import Iterator, Mapping
from typing import Final

from app.calendars.hours import Calendar
from app.sla.clock.terms import Target, Terms

ZONES_CHANGED: Final = "time_zone_database"
"""Nothing in the plan or the account is different: the rules of a time zone are."""


def differences(metric: str, priority: str, before: Terms, after: Terms, names: Mapping[str, str]) -> list[str]:
    """What is different for this metric at ``priority`` (of ``after``) and the less urgent ones, whose ends count too.

    Of ``target``, ``time_zone``, ``hours``, ``holidays``, ``pauses``, ``tiers``; else ``time_zone_database``.
    ``names`` says what became of priorities that ``after`` does not know.
    """
    old_names = {new: old for old, new in names.items()}
    found = set[str]()
    for name in after.priorities[after.rank(priority) :]:
        old_name = name if name in before.priorities else old_names.get(name, name)
        found.update(_targets(before.target(metric, old_name), after.target(metric, name)))
    if {status for status, metrics in before.pauses.items() if metric in metrics} != {
        status for status, metrics in after.pauses.items() if metric in metrics
    }:
        found.add("pauses")
    tiers = (before.tiers, before.top_manager), (after.tiers, after.top_manager)
    if metric == "tier_escalation" and tiers[0] != tiers[1]:
        found.add("tiers")
    return sorted(found) or [ZONES_CHANGED]


def _targets(before: Target | None, after: Target | None) -> Iterator[str]:
    if before is None or after is None:
        if before is not after:
            yield "target"
        return
    if (before.duration, before.business_days) != (after.duration, after.business_days):
        yield "target"
    yield from _calendars(before.calendar, after.calendar)


def _calendars(before: Calendar, after: Calendar) -> Iterator[str]:
    if before.always_open or after.always_open:
        if before.always_open != after.always_open:
            yield "hours"
        return
    old, new = before.spec, after.spec
    if old.zone != new.zone:
        yield "time_zone"
    if {day: sorted(windows) for day, windows in old.weekly.items() if windows} != {
        day: sorted(windows) for day, windows in new.weekly.items() if windows
    }:
        yield "hours"
    if old.holidays != new.holidays:
        yield "holidays"
