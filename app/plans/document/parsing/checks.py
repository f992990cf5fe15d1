"""The checks that look across a plan document: every name leads somewhere, and the parts fit together."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any, Final, TypeAlias

from app.calendars.hours import CalendarSpec, check_spec
from app.core.problems import Fault
from app.core.schemas.shared import pointer
from app.core.text.messages import Message, _
from app.plans.document.model import ALWAYS, PlanDocument, Target
from app.plans.document.parsing.reading import Step
from app.plans.document.sections import MINUTE
from app.plans.document.words import IMPACTS, URGENCIES

_Finding: TypeAlias = tuple[Message, tuple[Step, ...]]
"""What is wrong, and where."""

_FAR: Final = 1_000
"""Weeks: a target that takes longer (about 20 years) on its calendar is a typing error."""


def reference_faults(plan: PlanDocument, data: Any) -> list[Fault]:
    """Every fault of a document that has the right shape, each with its place in ``data``, which it was read from."""
    found = (finding for check in _CHECKS for finding in check(plan))
    return [Fault(pointer=pointer(_written(data, path)), detail=sentence) for sentence, path in found]


def dangling(plan: PlanDocument) -> set[tuple[Step, ...]]:
    """The places that name a priority or a calendar that is not there, and the calendars that cannot be used."""
    return {path for check in (_priorities, _calendars, _targets) for _sentence, path in check(plan)}


def _written(data: Any, path: tuple[Step, ...]) -> tuple[Step, ...]:
    """The path as far as it leads into what was written: a short form, such as a bare key, has no members."""
    value = data
    for depth, step in enumerate(path):
        if not isinstance(value, dict | list):
            return path[:depth]
        value = value[int(step)] if isinstance(value, list) else value.get(str(step), {})
    return path


def _priorities(plan: PlanDocument) -> Iterator[_Finding]:
    for index, key in enumerate(plan.priority_keys):
        if key in plan.priority_keys[:index]:
            yield _("The priority `{key}` is defined twice.", key=key), ("priorities", index, "key")
    for key, path in _named_priorities(plan):
        if key not in plan.priority_keys:
            yield (
                _(
                    "There is no priority `{key}`: the plan has {known}.",
                    key=key,
                    known=_listed(plan.priority_keys),
                ),
                path,
            )


def _named_priorities(plan: PlanDocument) -> Iterator[tuple[str, tuple[Step, ...]]]:
    yield plan.default_priority, ("default_priority",)
    yield from ((key, ("targets", key)) for key in plan.targets)
    yield from ((key, ("requires", key)) for key in plan.requires)
    for urgency, row in (plan.matrix or {}).items():
        yield from ((key, ("matrix", urgency, impact)) for impact, key in row.items())
    yield from _placed(plan.review_non_production, "review_non_production")
    yield from _placed(plan.routing.exclusive, "routing", "exclusive")
    yield from _placed(plan.routing.follow_the_sun, "routing", "follow_the_sun")
    yield from _placed(plan.call.priorities if plan.call else [], "call", "priorities")


def _placed(keys: Iterable[str], *path: Step) -> Iterator[tuple[str, tuple[Step, ...]]]:
    yield from ((key, (*path, index)) for index, key in enumerate(keys))


def _matrix(plan: PlanDocument) -> Iterator[_Finding]:
    if plan.matrix is None:
        return
    for urgency in URGENCIES:
        row = plan.matrix.get(urgency)
        if row is None:
            yield _("The matrix has no row for the urgency `{urgency}`.", urgency=urgency), ("matrix", urgency)
            continue
        for impact in (impact for impact in IMPACTS if impact not in row):
            sentence = _(
                "The matrix has no priority for urgency `{urgency}` and impact `{impact}`.",
                urgency=urgency,
                impact=impact,
            )
            yield sentence, ("matrix", urgency, impact)


def _calendars(plan: PlanDocument) -> Iterator[_Finding]:
    for name, calendar in plan.calendars.items():
        if name == ALWAYS:
            yield _("The calendar `{always}` is built in: give yours another name.", always=ALWAYS), ("calendars", name)
        for path, sentence in check_spec(calendar.spec()):
            yield _("{sentence}.", sentence=sentence), ("calendars", name, *path)
        holidays = calendar.holidays
        if holidays.subdivision and holidays.country in (None, "account"):
            yield _("A subdivision needs the code of its country."), ("calendars", name, "holidays", "subdivision")
    if plan.hours not in (*plan.calendars, ALWAYS):
        yield _no_calendar(plan, plan.hours), ("hours",)


def _no_calendar(plan: PlanDocument, name: str) -> Message:
    return _(
        "There is no calendar `{name}`: the plan has {known}.", name=name, known=_listed((ALWAYS, *plan.calendars))
    )


def _targets(plan: PlanDocument) -> Iterator[_Finding]:
    for priority, row in plan.targets.items():
        for metric, target in row.items():
            path = ("targets", priority, metric)
            name = plan.calendar_name(target)
            if name in plan.calendars:
                yield from _fit(target, plan.calendars[name].spec(), path)
            elif name != ALWAYS:
                if target.calendar:
                    yield _no_calendar(plan, name), (*path, "calendar")
            elif target.business_days:
                yield _("Business days need a calendar with closed time, and `{always}` has none.", always=ALWAYS), path


def _fit(target: Target, spec: CalendarSpec, path: tuple[Step, ...]) -> Iterator[_Finding]:
    if check_spec(spec):
        return  # the calendar's own faults are told already
    if target.business_days and CalendarSpec(spec.zone, spec.weekly).is_always_open:
        yield _("Business days need a calendar with closed time, and this one has none."), path
    weekly = timedelta(minutes=sum(closes - opens for day in spec.weekly.values() for opens, closes in day))
    if target.duration and target.duration > weekly * _FAR:
        yield _("On its calendar this target would take more than twenty years."), path


def _misses(plan: PlanDocument) -> Iterator[_Finding]:
    for index, effect in enumerate(plan.on_miss.get("escalation_ack", ())):
        if effect == "open_escalation":
            sentence = _("A miss of `escalation_ack` cannot open an escalation: each would open the next.")
            yield sentence, ("on_miss", "escalation_ack", index)


def _calls(plan: PlanDocument) -> Iterator[_Finding]:
    if plan.call and plan.call.join_by < plan.call.remind:
        yield _("`join_by` cannot be before `remind`."), ("call", "join_by")


def _alerts(plan: PlanDocument) -> Iterator[_Finding]:
    if plan.alert and plan.alert.repeat is not None and plan.alert.repeat < MINUTE:
        yield _("Rounds of paging are at least a minute apart."), ("alert", "repeat")


def _waiting(plan: PlanDocument) -> Iterator[_Finding]:
    if plan.waiting:
        lengths = plan.waiting.remind
        if not lengths and plan.waiting.resolve is None:
            yield _("`waiting` needs `remind`, `resolve` or both: without it a ticket waits for ever."), ("waiting",)
        for index, length in enumerate(lengths):
            if index and length <= lengths[index - 1]:
                yield _("Reminders are listed in ascending order, each once."), ("waiting", "remind", index)
            if plan.waiting.resolve and length >= plan.waiting.resolve:
                yield _("A reminder comes before the ticket is resolved."), ("waiting", "remind", index)


def _problems(plan: PlanDocument) -> Iterator[_Finding]:
    if plan.problems is None:
        return
    targets = plan.problems.targets
    if plan.problems.threshold is None and not targets:
        yield _("`problems` needs `threshold`, `targets` or both: without it an engineer decides."), ("problems",)
    if "known_error" in targets and "resolved" in targets and targets["known_error"] > targets["resolved"]:
        yield _("A problem is a known error before it is resolved."), ("problems", "targets", "known_error")


def _escalations(plan: PlanDocument) -> Iterator[_Finding]:
    if plan.customer_may.escalate and plan.escalation is None:
        sentence = _("Customers may escalate, and there is no `escalation` section that says for which reasons.")
        yield sentence, ("customer_may", "escalate")


def _numbers(plan: PlanDocument) -> Iterator[_Finding]:
    for index, percent in enumerate(plan.warn_at):
        if not 0 < percent < 100:  # noqa: PLR2004 - percent
            yield _("A warning comes after more than 0 and less than 100 percent."), ("warn_at", index)
        elif index and percent <= plan.warn_at[index - 1]:
            yield _("Warnings are listed in ascending order, each once."), ("warn_at", index)
    for metric, share in plan.objectives.items():
        if not 0 < share <= 1:
            yield _("An objective is a share above 0 and at most 1, such as 0.95."), ("objectives", metric)


def _addons(plan: PlanDocument) -> Iterator[_Finding]:
    for name, addon in plan.addons.items():
        if addon.tiers is not None and addon.tiers < plan.routing.tiers:
            sentence = _(
                "An add-on cannot lower the number of tiers, and the plan has {tiers}.", tiers=plan.routing.tiers
            )
            yield sentence, ("addons", name, "tiers")


def _best_effort(plan: PlanDocument) -> Iterator[_Finding]:
    if plan.best_effort:
        parts = {"targets": plan.targets, "call": plan.call, "alert": plan.alert, "objectives": plan.objectives}
        for name in (name for name, part in parts.items() if part):
            yield _("A best-effort plan has no deadlines, so it has no `{name}`.", name=name), (name,)
        if plan.problems and plan.problems.targets:
            yield (
                _("A best-effort plan has no deadlines, so it has no `{name}`.", name="targets"),
                ("problems", "targets"),
            )
        if plan.escalation and plan.escalation.acknowledge:
            yield _("A best-effort plan has no deadlines, so it has no `acknowledge`."), ("escalation", "acknowledge")


def _promises(plan: PlanDocument) -> Iterator[_Finding]:
    if not (plan.best_effort or any(plan.targets.values()) or plan.call or plan.alert):
        yield _("The plan promises nothing: give a priority a target, or say `best_effort: true`."), ("targets",)


def _lists(plan: PlanDocument) -> Iterator[_Finding]:
    lists: list[tuple[tuple[Step, ...], Iterable[str]]] = [
        (("channels",), plan.channels),
        (("review_non_production",), plan.review_non_production),
        (("routing", "exclusive"), plan.routing.exclusive),
        (("routing", "follow_the_sun"), plan.routing.follow_the_sun),
        (("call", "priorities"), plan.call.priorities if plan.call else ()),
        (("call", "providers"), plan.call.providers if plan.call else ()),
        (("escalation", "reasons"), plan.escalation.reasons if plan.escalation else ()),
        *((("priorities", index, "contact"), priority.contact) for index, priority in enumerate(plan.priorities)),
        *((("pause", status), metrics) for status, metrics in plan.pause.items()),
        *((("on_miss", metric), effects) for metric, effects in plan.on_miss.items()),
        *((("requires", priority), needs) for priority, needs in plan.requires.items()),
    ]
    for path, values in lists:
        seen: set[str] = set()
        for index, value in enumerate(values):
            if value in seen:
                yield _("`{value}` appears here twice.", value=value), (*path, index)
            seen.add(value)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


_CHECKS: Final[tuple[Callable[[PlanDocument], Iterator[_Finding]], ...]] = (
    _priorities,
    _matrix,
    _calendars,
    _targets,
    _misses,
    _calls,
    _alerts,
    _waiting,
    _problems,
    _escalations,
    _numbers,
    _addons,
    _best_effort,
    _promises,
    _lists,
)
