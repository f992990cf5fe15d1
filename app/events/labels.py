"""What the facts of an event are called, and its closed vocabularies, as a person reads them. Pure."""

from collections.abc import Mapping
from typing import Final

from app.core.text.language import Language
from app.plans.document.names import ESCALATION_REASONS, METRICS

LABELS: Final[Mapping[str, Mapping[Language, str]]] = {
    "ticket": {"en": "Ticket", "es": "Tique", "fr": "Ticket", "pl": "Zgłoszenie"},
    "priority": {"en": "Priority", "es": "Prioridad", "fr": "Priorité", "pl": "Priorytet"},
    "at": {"en": "At", "es": "Hora", "fr": "Heure", "pl": "Czas"},
    "author": {"en": "From", "es": "De", "fr": "De", "pl": "Od"},
    "accept_by": {"en": "Accept by", "es": "Acepte antes de", "fr": "À accepter avant", "pl": "Przyjmij do"},
    "alert_id": {"en": "Alert", "es": "Alerta", "fr": "Alerte", "pl": "Alert"},
    "reason": {"en": "Reason", "es": "Motivo", "fr": "Motif", "pl": "Powód"},
    "justification": {"en": "Why", "es": "Justificación", "fr": "Justification", "pl": "Uzasadnienie"},
    "metric": {"en": "Deadline", "es": "Plazo", "fr": "Échéance", "pl": "Termin"},
    "due_at": {"en": "Due at", "es": "Vence", "fr": "Attendue à", "pl": "Upływa"},
    "business_impact": {
        "en": "Business impact",
        "es": "Impacto en el negocio",
        "fr": "Impact sur l'activité",
        "pl": "Wpływ na działalność",
    },
    "priority_reason": {
        "en": "Why this priority",
        "es": "Por qué esta prioridad",
        "fr": "Pourquoi cette priorité",
        "pl": "Skąd ten priorytet",
    },
    "join_url": {"en": "Call", "es": "Llamada", "fr": "Appel", "pl": "Rozmowa"},
    "join_from": {"en": "Join from", "es": "Entrada desde", "fr": "À rejoindre dès", "pl": "Dołącz od"},
    "join_by": {"en": "Join by", "es": "Entrada hasta", "fr": "À rejoindre avant", "pl": "Dołącz do"},
    "next_at": {
        "en": "Next attempt at",
        "es": "Próximo intento",
        "fr": "Prochaine tentative à",
        "pl": "Następna próba",
    },
    "retry_at": {"en": "Next attempt", "es": "Próximo intento", "fr": "Prochain essai", "pl": "Następna próba"},
    "error": {"en": "Error", "es": "Error", "fr": "Erreur", "pl": "Błąd"},
    "ends_at": {"en": "Ends at", "es": "Termina", "fr": "Fin à", "pl": "Koniec"},
    "product": {"en": "Product", "es": "Producto", "fr": "Produit", "pl": "Produkt"},
    "url": {"en": "Address", "es": "Dirección", "fr": "Adresse", "pl": "Adres"},
}
"""By the names that events give their facts."""


_WAITS: Final[Mapping[str, Mapping[Language, str]]] = {
    "unstaffed": {
        "en": "nobody is on shift and free",
        "es": "no hay nadie de turno y libre",
        "fr": "personne n'est en service et libre",
        "pl": "nikt nie jest na dyżurze i wolny",
    },
    "max_experts": {
        "en": "the plan's limit of experts at once",
        "es": "límite de expertos a la vez según el plan",
        "fr": "limite d'experts simultanés prévue au contrat",
        "pl": "limit ekspertów naraz w planie",
    },
}
"""Why a ticket waits for an expert."""


def stated(label: str, value: object, language: Language) -> str:
    """A fact under its label; French has a no-break space before a colon."""
    return f"{label}\u00a0: {value}" if language == "fr" else f"{label}: {value}"


def named(name: str, value: str, language: Language) -> str:
    """The value of a fact as a person reads it: a word for a metric or a reason of ours; else as it is."""
    if name == "metric":
        return METRICS[language].get(value, value)
    if name != "reason":
        return value
    words = _WAITS.get(value)
    return words[language] if words else ESCALATION_REASONS[language].get(value, value)
