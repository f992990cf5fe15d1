"""A plan's priorities for a reader: in their language, and which one a ticket would get. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from app.plans.document.model import PlanDocument
from app.plans.document.words import METRICS, Impact, Urgency, best_language

_BY_MATRIX: Final = {
    "en": "The plan's matrix gives {priority} for urgency {urgency} and impact {impact}.",
    "es": "La matriz del plan da {priority} para la urgencia {urgency} y el impacto {impact}.",
    "fr": "La matrice du programme donne {priority} pour l'urgence {urgency} et l'impact {impact}.",
    "pl": "Macierz planu daje {priority} dla pilności {urgency} i skutków {impact}.",
}
_NO_MATRIX: Final = {
    "en": "The plan has no matrix, so its default priority {priority} holds.",
    "es": "El plan no tiene matriz, así que vale su prioridad por defecto, {priority}.",
    "fr": "Le programme n'a pas de matrice : sa priorité par défaut, {priority}, s'applique.",
    "pl": "Plan nie ma macierzy, więc obowiązuje jego domyślny priorytet {priority}.",
}
_TOO_LITTLE: Final = {
    "en": "The matrix needs an urgency and an impact; without both the default priority {priority} holds.",
    "es": "La matriz necesita urgencia e impacto; sin ambos vale la prioridad por defecto, {priority}.",
    "fr": "La matrice demande une urgence et un impact ; sans les deux, c'est la priorité par défaut, {priority}.",
    "pl": "Macierz wymaga pilności i skutków; bez obu obowiązuje domyślny priorytet {priority}.",
}
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "es": {
        "urgency high": "alta",
        "urgency medium": "media",
        "urgency low": "baja",
        "impact large": "grande",
        "impact medium": "medio",
        "impact small": "pequeño",
    },
    "fr": {
        "urgency high": "haute",
        "urgency medium": "moyenne",
        "urgency low": "basse",
        "impact large": "large",
        "impact medium": "moyen",
        "impact small": "faible",
    },
    "pl": {
        "urgency high": "wysokiej",
        "urgency medium": "średniej",
        "urgency low": "niskiej",
        "impact large": "dużych",
        "impact medium": "średnich",
        "impact small": "małych",
    },
}


def described(plan: PlanDocument, wanted: str) -> dict[str, Any]:
    """The priorities in the language ``wanted``, or in English where the plan does not speak it."""
    language = best_language(plan.name, wanted)
    return {
        "language": language,
        "priorities": [
            {
                "key": priority.key,
                "label": priority.label[best_language(priority.label, language)],
                "definition": priority.definition[best_language(priority.definition, language)],
                "examples": priority.examples[best_language(priority.examples, language)],
                "contact": priority.contact,
                "targets": _targets(plan, priority.key),
            }
            for priority in plan.priorities
        ],
        "default_priority": plan.default_priority,
        "matrix": plan.matrix,
    }


def _targets(plan: PlanDocument, priority: str) -> dict[str, Any]:
    found = {metric: plan.target(priority, metric) for metric in METRICS}
    return {metric: target.written() for metric, target in found.items() if target}


def assessed(plan: PlanDocument, impact: Impact | None, urgency: Urgency | None, wanted: str) -> dict[str, Any]:
    """The priority that the matrix gives, else the default one (Z1), and why in the language ``wanted``."""
    by_matrix = plan.matrix_priority(impact, urgency)
    priority = by_matrix or plan.default_priority
    sentences = _BY_MATRIX if by_matrix else _TOO_LITTLE if plan.matrix else _NO_MATRIX
    language = best_language(sentences, wanted)
    label = plan.priorities[plan.rank(priority)].label
    words = _WORDS.get(language, {})
    why = sentences[language].format(
        priority=priority,
        urgency=words.get(f"urgency {urgency}", urgency),
        impact=words.get(f"impact {impact}", impact),
    )
    source = "matrix" if by_matrix else "default"
    return {"priority": priority, "source": source, "label": label[best_language(label, wanted)], "why": why}
