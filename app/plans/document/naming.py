"""What people call a plan and its priorities, in whichever language it is read. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from app.core.text.messages import Authored, Message, authored
from app.plans.document.model import PlanDocument


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one plan; where none is known, a key stands for itself."""

    plan: Message | None = None
    priorities: Mapping[str, Message] = field(default_factory=dict)

    def priority(self, key: str) -> str:
        """What the priority with this key is called."""
        return self.priorities.get(key, key)


NO_NAMES: Final = Names()


def plan_name(plan: PlanDocument) -> Message:
    """What the plan is called."""
    return authored(plan.name)


def priority_name(plan: PlanDocument, key: str) -> Authored:
    """What a priority of the plan is called."""
    return authored(plan.priorities[plan.rank(key)].label)


def names_of(plan: PlanDocument) -> Names:
    """All of them."""
    return Names(plan_name(plan), {priority.key: authored(priority.label) for priority in plan.priorities})
