"""What a hook's rules make of an alert's labels: how urgent it is, and where. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from app.core.text.language import Language
from app.core.text.messages import in_language
from app.inbound.formats.signal import MAX_TITLE, Signal, cleaned
from app.inbound.schemas import HookFields, Rule
from app.tickets.schemas import Impact, Urgency

_PLACEHOLDER: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.-]*)\}")


@dataclass(frozen=True, slots=True)
class Mapped:
    """How urgent some alerts are, as far as the hook says; nothing: by the plan's default."""

    priority: str | None
    impact: Impact | None
    urgency: Urgency | None
    environment: Literal["production", "non_production"]


def mapped(hook: HookFields, signals: Sequence[Signal]) -> Mapped:
    """What the first rule that fits one of the signals says; what no rule says, the hook's defaults do.

    Urgency and environment are looked for apart, so that a rule on severity and one on environment both hold.
    """
    fitting = [rule for rule in hook.mapping if any(fits(rule, signal.labels) for signal in signals)]
    urgent = next((rule for rule in fitting if rule.priority or rule.impact), hook)
    placed = next((rule for rule in fitting if rule.environment), None)
    environment = placed.environment if placed and placed.environment else hook.environment
    return Mapped(urgent.priority, urgent.impact, urgent.urgency, environment)


def fits(rule: Rule, labels: Mapping[str, str]) -> bool:
    """Whether each label that the rule names has one of the values that it names."""
    return all(
        labels.get(name) == wanted if isinstance(wanted, str) else labels.get(name) in wanted
        for name, wanted in rule.match.items()
    )


def title_of(hook: HookFields, signal: Signal, language: Language) -> str:
    """The signal's title, or the hook's with each ``{label}`` replaced; one that is unknown leaves nothing."""
    own = in_language(signal.title, language)
    if hook.title is None:
        return own
    known = {**signal.labels, "title": own}
    return cleaned(_PLACEHOLDER.sub(lambda found: known.get(found[1], ""), hook.title), MAX_TITLE) or own
