"""What people are told, in their language. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from app.core.language import LANGUAGES, Language, choose_language

_SUBJECTS: Final[Mapping[str, Mapping[Language, str]]] = {
    "ticket.opened": {
        "en": "New {priority}",
        "es": "Nuevo {priority}",
        "fr": "Nouveau {priority}",
        "pl": "Nowe {priority}",
    },
    "ticket.priority_changed": {
        "en": "Now {priority}",
        "es": "Ahora {priority}",
        "fr": "Désormais {priority}",
        "pl": "Teraz {priority}",
    },
    "escalation.requested": {
        "en": "Escalation asked for",
        "es": "Escalado solicitado",
        "fr": "Escalade demandée",
        "pl": "Prośba o eskalację",
    },
    "escalation.automatic": {
        "en": "Deadline missed",
        "es": "Plazo incumplido",
        "fr": "Échéance manquée",
        "pl": "Przekroczony termin",
    },
    "expert.alerted": {
        "en": "You are needed now",
        "es": "Se le necesita ahora",
        "fr": "On a besoin de vous maintenant",
        "pl": "Jesteś teraz potrzebny",
    },
    "call.declined": {
        "en": "The customer will not join the call",
        "es": "El cliente no se unirá a la llamada",
        "fr": "Le client ne rejoindra pas l'appel",
        "pl": "Klient nie dołączy do rozmowy",
    },
    "ticket.handed_over": {
        "en": "Your shift takes over",
        "es": "Su turno toma el relevo",
        "fr": "Votre équipe prend le relais",
        "pl": "Twoja zmiana przejmuje zgłoszenie",
    },
    "routing.unstaffed": {
        "en": "Nobody is available",
        "es": "No hay nadie disponible",
        "fr": "Personne n'est disponible",
        "pl": "Nikt nie jest dostępny",
    },
}
_OTHER: Final[Mapping[Language, str]] = {
    "en": "News of a ticket",
    "es": "Novedades de un tique",
    "fr": "Nouvelles d'un ticket",
    "pl": "Nowości w zgłoszeniu",
}
_LABELS: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {"ticket": "Ticket", "priority": "Priority", "at": "At", "role": "You are told as"},
    "es": {"ticket": "Tique", "priority": "Prioridad", "at": "Hora", "role": "Se le avisa como"},
    "fr": {"ticket": "Ticket", "priority": "Priorité", "at": "Heure", "role": "Vous êtes prévenu comme"},
    "pl": {"ticket": "Zgłoszenie", "priority": "Priorytet", "at": "Czas", "role": "Powiadamiamy Cię jako"},
}
_FACTS: Final[Mapping[str, Mapping[Language, str]]] = {
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
}
"""What is known of an event or its ticket, in the order in which a person reads it."""
_ROLES: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {"manager": "account manager", "tam": "technical account manager", "expert": "expert"},
    "es": {"manager": "gestor de la cuenta", "tam": "gestor técnico de la cuenta", "expert": "experto"},
    "fr": {"manager": "responsable du compte", "tam": "responsable technique du compte", "expert": "expert"},
    "pl": {"manager": "opiekun klienta", "tam": "techniczny opiekun klienta", "expert": "ekspert"},
}
_SUBJECT_LENGTH: Final = 150


def language_of(recipient: Mapping[str, Any]) -> Language:
    """The language in which this person reads; English where it is not said, or not ours."""
    return choose_language(recipient.get("locale"), LANGUAGES[0])


def subject(kind: str, ticket: Mapping[str, Any], language: Language) -> str:
    """One line: what happened, and on which ticket (``number``, ``title``, ``priority``)."""
    what = _SUBJECTS.get(kind, {}).get(language, _OTHER[language]).format(priority=ticket.get("priority") or "")
    about = f"{ticket['number']}: {ticket['title']}" if ticket.get("number") else ""
    return " ".join(f"{what} · {about}".split())[:_SUBJECT_LENGTH].rstrip(" ·")


def body(kind: str, data: Mapping[str, Any], ticket: Mapping[str, Any], recipient: Mapping[str, Any], at: str) -> str:
    """Some lines: what happened, on which ticket, when, what is known of it, and why this person is told.

    ``data`` is the event's; ``ticket`` may have ``business_impact``, ``priority_reason`` and ``join_url`` too.
    """
    language = language_of(recipient)
    labels = _LABELS[language]
    role = str(recipient.get("role", ""))
    lines = [subject(kind, ticket, language), ""]
    lines += [f"{labels['ticket']}: {ticket['number']} {ticket['title']}"] if ticket.get("number") else []
    lines += [f"{labels['priority']}: {ticket['priority']}"] if ticket.get("priority") else []
    lines += [f"{labels['at']}: {at}"]
    known = {**ticket, **data}
    lines += [f"{label[language]}: {known[name]}" for name, label in _FACTS.items() if known.get(name)]
    return "\n".join([*lines, "", f"{labels['role']}: {_ROLES[language].get(role, role)}", ""])
