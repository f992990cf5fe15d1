"""What a plan promises, section by section: every figure comes from the plan document. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from app.core.text.language import Language
from app.core.text.messages import number
from app.plans.document.model import ALWAYS, PlanDocument, Priority, Target
from app.plans.document.names import (
    CHANNELS,
    EFFECTS,
    ESCALATION_REASONS,
    IMPACTS,
    PROVIDERS,
    REQUIREMENTS,
    STATUSES,
    URGENCIES,
)
from app.plans.document.priorities import label_of
from app.plans.document.sections import Addon, CallRules
from app.plans.document.words import TargetMetric, best_language
from app.plans.programme import figures
from app.plans.programme.words import CLOCKS, COLUMNS, FACTS, MISSES, OBJECTIVES, SENTENCES, TIMES, TITLES
from app.plans.schemas import Programme, ProgrammeEntry, ProgrammeFact, ProgrammeSection, ProgrammeTable, as_plan

_NOTHING: Final = "\u2013"
_EXPECTED: Final = "waiting_on_customer"


@dataclass(frozen=True, slots=True)
class Trial:
    """The programme that holds while a customer is on trial; ``url``: of its page, where everybody may read it."""

    version: int
    name: Mapping[str, str]
    url: str | None


def programme(plan: PlanDocument, version: int, language: Language, trial: Trial | None = None) -> Programme:
    """The plan as its page tells it in this language; ``trial``: what holds on trial, where it is another plan."""
    own = best_language(plan.programme, language)
    sections = _Teller(plan, language, trial).sections()
    return Programme.model_validate(
        {
            "plan": as_plan(plan.key, version),
            "language": language,
            "text_language": own,
            "name": plan.name[best_language(plan.name, language)],
            "text": plan.programme[own],
            "sections": [section for section in sections if _says_something(section)],
        }
    )


def _says_something(section: ProgrammeSection) -> bool:
    return bool(section.paragraphs or section.table or section.facts or section.entries or section.items)


class _Teller:
    """One plan in one language."""

    def __init__(self, plan: PlanDocument, language: Language, trial: Trial | None) -> None:
        self._plan, self._language, self._trial = plan, language, trial

    def sections(self) -> Iterator[ProgrammeSection]:
        """All of them, in the order of the page."""
        yield self._deadlines()
        yield self._hours()
        yield self._objectives()
        yield self._priorities()
        yield self._matrix()
        yield self._call()
        yield self._experts()
        yield self._customer()
        yield self._waiting()
        yield self._late()
        yield self._channels()
        yield self._addons()
        yield self._services()

    def _section(self, key: str, **members: object) -> ProgrammeSection:
        return ProgrammeSection.model_validate({"key": key, "title": TITLES[key].to(self._language), **members})

    def _say(self, name: str, **facts: object) -> str:
        return SENTENCES[name].to(self._language, **facts)

    def _fact(self, name: str, value: str, **facts: object) -> ProgrammeFact:
        return ProgrammeFact(name=FACTS[name].to(self._language, **facts), value=figures.capital(value))

    def _list(self, texts: Iterable[str], style: str = "standard") -> str:
        return figures.listed(list(texts), self._language, style=style)

    def _labels(self, priorities: Iterable[str]) -> str:
        return self._list(label_of(self._plan, key, self._language) for key in priorities)

    def _deadlines(self) -> ProgrammeSection:
        plan = self._plan
        promised = [metric for metric in CLOCKS if any(metric in row for row in plan.targets.values())]
        if not promised:
            return self._section("deadlines", paragraphs=[self._say("best_effort")] if plan.best_effort else [])
        table = ProgrammeTable(
            columns=[COLUMNS[name].to(self._language) for name in ("priority", *promised)],
            rows=[
                [self._labels([key]), *(self._cell(key, metric) for metric in promised)] for key in plan.priority_keys
            ],
        )
        return self._section("deadlines", table=table, paragraphs=list(self._counting("update" in promised)))

    def _cell(self, priority: str, metric: TargetMetric) -> str:
        target = self._plan.targets.get(priority, {}).get(metric)
        return figures.target(target, self._language) if target else _NOTHING

    def _counting(self, has_updates: bool) -> Iterator[str]:  # noqa: FBT001  one caller, which says what it is
        targets = list(self._all_targets())
        plain = [target for target in targets if not target.business_days]
        if plain:
            yield self._say("always" if all(self._plan.calendar_name(each) == ALWAYS for each in plain) else "working")
        if len(plain) < len(targets):
            yield self._say("business_days")
        if has_updates:
            yield self._say("updates_from_opening" if self._plan.update_from == "opened" else "updates_from_response")

    def _all_targets(self) -> Iterator[Target]:
        for row in self._plan.targets.values():
            yield from row.values()

    def _hours(self) -> ProgrammeSection:
        """The calendars of the targets: those of several are told apart, each with what it counts for."""
        plain = {self._plan.calendar_name(target) for target in self._all_targets() if not target.business_days}
        used = dict.fromkeys(self._plan.calendar_name(target) for target in self._all_targets())
        own = [name for name in used if name != ALWAYS]
        if len(own) > 1 or (own and len(plain) > 1):
            return self._section("hours", entries=[self._calendar_entry(name) for name in used])
        items = [line for name in own for line in figures.hours(self._plan.calendars[name], self._language)]
        return self._section("hours", items=items)

    def _calendar_entry(self, name: str) -> ProgrammeEntry:
        notes = [self._say("counts_for", targets=self._counted(name))]
        if name == ALWAYS:
            title = TIMES["always"].to(self._language)
            return ProgrammeEntry(key=name, title=title, language=self._language, notes=notes)
        calendar = self._plan.calendars[name]
        if label := calendar.label:
            own, lines = best_language(label, self._language), figures.hours(calendar, self._language)
            return ProgrammeEntry(key=name, title=label[own], language=own, notes=[*lines, *notes])
        title, lines = (
            self._list(figures.openings(calendar, self._language)),
            figures.closures(calendar, self._language),
        )
        return ProgrammeEntry(key=name, title=title, language=self._language, notes=[*lines, *notes])

    def _counted(self, calendar: str) -> list[str]:
        """The targets on a calendar: their metrics, each with its priorities in brackets."""
        found: dict[TargetMetric, list[str]] = {}
        for priority in self._plan.priority_keys:
            for metric, target in self._plan.targets.get(priority, {}).items():
                if self._plan.calendar_name(target) == calendar:
                    found.setdefault(metric, []).append(priority)
        return [f"{COLUMNS[metric].to(self._language)} ({self._labels(keys)})" for metric, keys in found.items()]

    def _objectives(self) -> ProgrammeSection:
        facts = [
            ProgrammeFact(name=OBJECTIVES[metric].to(self._language), value=figures.share(part, self._language))
            for metric, part in self._plan.objectives.items()
        ]
        return self._section("objectives", facts=facts)

    def _priorities(self) -> ProgrammeSection:
        default = self._say("default_priority", priority=self._labels([self._plan.default_priority]))
        entries = [self._priority(priority) for priority in self._plan.priorities]
        return self._section("priorities", entries=entries, paragraphs=[default] if len(entries) > 1 else [])

    def _priority(self, priority: Priority) -> ProgrammeEntry:
        own = best_language(priority.definition, self._language)
        return ProgrammeEntry(
            key=priority.key,
            title=label_of(self._plan, priority.key, self._language),
            language=own,
            text=priority.definition[own],
            items=priority.examples[best_language(priority.examples, self._language)],
            notes=list(self._of_priority(priority)),
        )

    def _of_priority(self, priority: Priority) -> Iterator[str]:
        if priority.contact:
            yield self._say("contact", channels=self._list(CHANNELS[each] for each in priority.contact))
        if needs := self._plan.requires.get(priority.key):
            yield self._say("requires", texts=self._list(REQUIREMENTS[each] for each in needs))
        if priority.key in self._plan.review_non_production:
            yield self._say("reviewed")

    def _matrix(self) -> ProgrammeSection:
        matrix = self._plan.matrix
        if matrix is None:
            return self._section("matrix")
        rows = [
            [
                figures.capital(URGENCIES[urgency].to(self._language)),
                *(self._labels([matrix[urgency][impact]]) for impact in IMPACTS),
            ]
            for urgency in URGENCIES
        ]
        columns = [COLUMNS[name].to(self._language) for name in ("matrix", *IMPACTS)]
        return self._section("matrix", table=ProgrammeTable(columns=columns, rows=rows))

    def _call(self) -> ProgrammeSection:
        call = self._plan.call
        if call is None:
            return self._section("call")
        return self._section("call", paragraphs=[self._say("call")], facts=list(self._call_facts(call)))

    def _call_facts(self, call: CallRules) -> Iterator[ProgrammeFact]:
        places = [*(PROVIDERS[each] for each in call.providers), FACTS["call_own"]]
        yield self._fact("call_for", self._labels(call.priorities))
        yield self._fact("call_by", self._list(places, "or"))
        yield self._fact("remind", figures.span(call.remind, self._language))
        yield self._fact("join_by", figures.span(call.join_by, self._language))

    def _experts(self) -> ProgrammeSection:
        routing, sentences = self._plan.routing, []
        if routing.exclusive:
            sentences.append(self._say("exclusive"))
        if routing.follow_the_sun:
            sentences.append(self._say("sun"))
        if self._plan.top_tier == "manager":
            sentences.append(self._say("top_tier"))
        return self._section("experts", paragraphs=sentences, facts=list(self._expert_facts()))

    def _expert_facts(self) -> Iterator[ProgrammeFact]:
        routing, alert = self._plan.routing, self._plan.alert
        if routing.exclusive:
            yield self._fact("exclusive", self._labels(routing.exclusive))
        if alert:
            yield self._fact("accept", figures.span(alert.accept, self._language))
            yield self._fact("repeat", figures.span(self._plan.page_again_after, self._language))
        if routing.max_experts:
            yield self._fact("max_experts", number(routing.max_experts, self._language))
        if routing.follow_the_sun:
            yield self._fact("sun", self._labels(routing.follow_the_sun))
        if routing.tiers > 1 or any(addon.tiers for addon in self._plan.addons.values()):
            yield self._fact("tiers", number(routing.tiers, self._language))

    def _customer(self) -> ProgrammeSection:
        may, escalation = self._plan.customer_may, self._plan.escalation
        sentences = [self._say(f"may_{may.priority}")]
        if not (may.escalate and escalation):
            return self._section("customer", paragraphs=sentences)
        reasons = self._list(ESCALATION_REASONS[each] for each in escalation.reasons)
        facts = [self._fact("reasons", reasons)]
        if "too_many_exchanges" in escalation.reasons:
            facts.append(self._fact("exchanges", number(escalation.exchanges, self._language)))
        if escalation.acknowledge:
            facts.append(self._fact("acknowledge", figures.span(escalation.acknowledge, self._language)))
        return self._section("customer", paragraphs=[*sentences, self._say("may_escalate")], facts=facts)

    def _waiting(self) -> ProgrammeSection:
        waiting = self._plan.waiting
        facts = list(self._pauses())
        if waiting and waiting.remind:
            lengths = (figures.span(length, self._language) for length in waiting.remind)
            facts.append(self._fact("wait_remind", self._list(lengths)))
        if waiting and waiting.resolve:
            facts.append(self._fact("wait_resolve", figures.span(waiting.resolve, self._language)))
        facts.append(self._fact("close_after", figures.span(self._plan.close_after, self._language)))
        return self._section("waiting", facts=facts)

    def _pauses(self) -> Iterator[ProgrammeFact]:
        promised = {metric for row in self._plan.targets.values() for metric in row}
        for status, metrics in self._plan.pause.items():
            still = self._list(CLOCKS[metric] for metric in metrics if metric in promised)
            if not still:
                continue
            name = "paused" if status == _EXPECTED else "paused_in"
            yield self._fact(name, still, status=STATUSES[status])

    def _late(self) -> ProgrammeSection:
        facts = [
            ProgrammeFact(
                name=MISSES[metric].to(self._language),
                value=figures.capital(self._list(EFFECTS[effect] for effect in effects)),
            )
            for metric, effects in self._plan.on_miss.items()
            if effects
        ]
        return self._section("late", facts=facts)

    def _channels(self) -> ProgrammeSection:
        facts = [self._fact("channels", self._list(CHANNELS[channel] for channel in self._plan.channels))]
        if self._trial:
            name = self._trial.name[best_language(self._trial.name, self._language)]
            told = self._fact("trial", name)
            facts.append(told.model_copy(update={"programme_url": self._trial.url}))
        return self._section("channels", facts=facts)

    def _addons(self) -> ProgrammeSection:
        return self._section("addons", entries=[self._addon(*each) for each in self._plan.addons.items()])

    def _addon(self, key: str, addon: Addon) -> ProgrammeEntry:
        own = best_language(addon.label or {}, self._language)
        notes = []
        if addon.tiers:
            notes.append(self._say("addon_tiers", tiers=addon.tiers))
        if addon.notify_tam:
            notes.append(self._say("tam"))
        return ProgrammeEntry(key=key, title=(addon.label or {}).get(own, key), language=own, notes=notes)

    def _services(self) -> ProgrammeSection:
        services = self._plan.services
        return self._section("services", items=services[best_language(services, self._language)] if services else [])
