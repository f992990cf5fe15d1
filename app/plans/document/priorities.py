"""A plan's priorities for a reader: in their language, and which one a ticket would get. Pure."""

from typing import Any, Final

from app.core.text.language import Language
from app.core.text.messages import _
from app.plans.document.model import PlanDocument
from app.plans.document.names import IMPACTS, URGENCIES
from app.plans.document.naming import priority_name
from app.plans.document.words import METRICS, Impact, Urgency, best_language

_BY_MATRIX: Final = _("The plan's matrix gives “{priority}” for {urgency} urgency and {impact} impact.")
_NO_MATRIX: Final = _("The plan has no matrix, so its default priority, “{priority}”, applies.")
_TOO_LITTLE: Final = _(
    "The matrix needs an urgency and an impact; without both, the default priority, “{priority}”, applies."
)


def described(plan: PlanDocument, wanted: Language) -> dict[str, Any]:
    """The priorities in the language ``wanted``, or in English where the plan does not speak it."""
    language = best_language(plan.name, wanted)
    return {
        "language": language,
        "priorities": [
            {
                "key": priority.key,
                "label": label_of(plan, priority.key, language),
                "definition": priority.definition[best_language(priority.definition, language)],
                "examples": priority.examples[best_language(priority.examples, language)],
                "contact": priority.contact,
                "targets": _targets(plan, priority.key),
            }
            for priority in plan.priorities
        ],
        "default_priority": plan.default_priority,
        "matrix": plan.matrix,
        "requires": plan.requires,
        "call_priorities": plan.call.priorities if plan.call else [],
        "customer_may": {
            "priority": plan.customer_may.priority,
            "escalate": plan.customer_may.escalate,
            "reasons": plan.escalation.reasons if plan.escalation else [],
        },
    }


def label_of(plan: PlanDocument, priority: str, wanted: str) -> str:
    """What people call a priority in the language ``wanted``."""
    label = plan.priorities[plan.rank(priority)].label
    return label[best_language(label, wanted)]


def _targets(plan: PlanDocument, priority: str) -> dict[str, Any]:
    found = {metric: plan.target(priority, metric) for metric in METRICS}
    return {metric: target.written() for metric, target in found.items() if target}


def assessed(plan: PlanDocument, impact: Impact | None, urgency: Urgency | None, wanted: Language) -> dict[str, Any]:
    """The priority that the matrix gives, else the default one (Z1), and why in the language ``wanted``."""
    by_matrix = plan.matrix_priority(impact, urgency)
    priority = by_matrix or plan.default_priority
    sentence = _BY_MATRIX if by_matrix else _TOO_LITTLE if plan.matrix else _NO_MATRIX
    detail = sentence.to(
        wanted,
        priority=priority_name(plan, priority),
        urgency=URGENCIES[urgency] if urgency else "",
        impact=IMPACTS[impact] if impact else "",
    )
    source = "matrix" if by_matrix else "default"
    return {"priority": priority, "source": source, "label": label_of(plan, priority, wanted), "detail": detail}
