"""What the service itself writes to customers, in their language, and to support. Pure."""

from collections.abc import Mapping
from typing import Final

from app.core.text.language import Language

_OUTSIDE_PRODUCTION: Final[Mapping[Language, str]] = {
    "en": "Your ticket has the priority {priority}, and is not about production. We are working on it. Please tell us "
    "how your business is affected now: if it can wait, we set a lower priority.",
    "es": "Su tique tiene la prioridad {priority} y no afecta a producción. Ya trabajamos en él. Díganos, por favor, "
    "cómo afecta ahora a su negocio: si puede esperar, le daremos una prioridad más baja.",
    "fr": "Votre ticket a la priorité {priority} et ne concerne pas la production. Nous y travaillons. Dites-nous, "
    "s'il vous plaît, quel est l'effet sur votre activité : s'il peut attendre, nous baisserons sa priorité.",
    "pl": "Zgłoszenie ma priorytet {priority}, a nie dotyczy środowiska produkcyjnego. Pracujemy nad nim. Prosimy "
    "napisać, jak wpływa teraz na Państwa działalność: jeśli może poczekać, obniżymy jego priorytet.",
}
_BY_AN_ALERT: Final[Mapping[Language, str]] = {
    "en": "An automatic alert has opened this ticket with the priority {priority}, or has raised it to that. We are "
    "working on it. Please tell us how your business is affected: if it can wait, we set a lower priority.",
    "es": "Una alerta automática ha abierto este tique con la prioridad {priority}, o lo ha elevado a ella. Ya "
    "trabajamos en él. Díganos, por favor, cómo afecta a su negocio: si puede esperar, le "
    "daremos una prioridad más baja.",
    "fr": "Une alerte automatique a ouvert ce ticket avec la priorité {priority}, ou l'y a élevé. Nous y travaillons. "
    "Dites-nous, s'il vous plaît, quel est l'effet sur votre activité : s'il peut attendre, nous baisserons sa "
    "priorité.",
    "pl": "Automatyczny alarm otworzył to zgłoszenie z priorytetem {priority} albo podniósł je do niego. Pracujemy nad "
    "nim. Prosimy napisać, jak wpływa na Państwa działalność: jeśli może poczekać, obniżymy jego priorytet.",
}
REVIEW_QUESTIONS: Final = {"non_production": _OUTSIDE_PRODUCTION, "automation": _BY_AN_ALERT}
"""What a customer is asked about an urgent ticket, by why it is reviewed: outside production (G9), by an alert."""

HANDOVER_NOTE: Final = """\
Hand-over from {left} to {came}.
Summary: {number}, {priority}, {status}: {title}
Business impact: {impact}
Last update: {said}
Next due: {due}
Call: {link}"""
"""What one shift leaves for the next (G7), for support alone."""
