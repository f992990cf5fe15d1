"""What people call the things that a plan speaks of, in English, Spanish, French and Polish. Pure."""

from collections.abc import Mapping
from typing import Final

from app.core.text.language import Language

METRICS: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "first_response": "First response",
        "next_response": "Next response",
        "update": "Update",
        "resolution": "Resolution",
        "tier_escalation": "Move to the next tier",
        "escalation_ack": "Acknowledgement of the escalation",
        "alert_ack": "Answer to the alert",
        "call_join": "Joining the call",
    },
    "es": {
        "first_response": "Primera respuesta",
        "next_response": "Siguiente respuesta",
        "update": "Actualización",
        "resolution": "Resolución",
        "tier_escalation": "Paso al siguiente nivel",
        "escalation_ack": "Acuse de recibo del escalado",
        "alert_ack": "Respuesta a la alerta",
        "call_join": "Entrada en la llamada",
    },
    "fr": {
        "first_response": "Première réponse",
        "next_response": "Réponse suivante",
        "update": "Point d'avancement",
        "resolution": "Résolution",
        "tier_escalation": "Passage au niveau suivant",
        "escalation_ack": "Accusé de réception de l'escalade",
        "alert_ack": "Réponse à l'alerte",
        "call_join": "Arrivée dans l'appel",
    },
    "pl": {
        "first_response": "Pierwsza odpowiedź",
        "next_response": "Kolejna odpowiedź",
        "update": "Informacja o postępach",
        "resolution": "Rozwiązanie",
        "tier_escalation": "Przekazanie na wyższy poziom",
        "escalation_ack": "Potwierdzenie eskalacji",
        "alert_ack": "Odpowiedź na alert",
        "call_join": "Dołączenie do rozmowy",
    },
}
STATUSES: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "new": "new",
        "open": "open",
        "waiting_on_customer": "waiting for the customer",
        "mitigated": "mitigated",
        "resolved": "resolved",
        "closed": "closed",
    },
    "es": {
        "new": "nuevo",
        "open": "abierto",
        "waiting_on_customer": "a la espera del cliente",
        "mitigated": "mitigado",
        "resolved": "resuelto",
        "closed": "cerrado",
    },
    "fr": {
        "new": "nouveau",
        "open": "ouvert",
        "waiting_on_customer": "en attente du client",
        "mitigated": "atténué",
        "resolved": "résolu",
        "closed": "fermé",
    },
    "pl": {
        "new": "nowe",
        "open": "otwarte",
        "waiting_on_customer": "czeka na klienta",
        "mitigated": "złagodzone",
        "resolved": "rozwiązane",
        "closed": "zamknięte",
    },
}
"""A ticket's statuses, by the language in which they are read."""
ESCALATION_REASONS: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "business_impact": "impact on the business",
        "resolution_time": "time to the resolution",
        "no_update": "no update",
        "too_many_exchanges": "too many exchanges",
        "wrong_priority": "wrong priority",
        "technical_expertise": "technical expertise",
    },
    "es": {
        "business_impact": "impacto en el negocio",
        "resolution_time": "tiempo hasta la resolución",
        "no_update": "sin novedades",
        "too_many_exchanges": "demasiados intercambios",
        "wrong_priority": "prioridad equivocada",
        "technical_expertise": "conocimientos técnicos",
    },
    "fr": {
        "business_impact": "impact sur l'activité",
        "resolution_time": "délai de résolution",
        "no_update": "pas de nouvelles",
        "too_many_exchanges": "trop d'échanges",
        "wrong_priority": "mauvaise priorité",
        "technical_expertise": "expertise technique",
    },
    "pl": {
        "business_impact": "wpływ na działalność",
        "resolution_time": "czas rozwiązania",
        "no_update": "brak informacji",
        "too_many_exchanges": "zbyt wiele wymian",
        "wrong_priority": "niewłaściwy priorytet",
        "technical_expertise": "wiedza techniczna",
    },
}
"""Why an escalation was asked for, by the language in which it is read."""
