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
_ROLES: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {"manager": "account manager", "tam": "technical account manager", "expert": "expert"},
    "es": {"manager": "gestor de la cuenta", "tam": "gestor técnico de la cuenta", "expert": "experto"},
    "fr": {"manager": "responsable du compte", "tam": "responsable technique du compte", "expert": "expert"},
    "pl": {"manager": "opiekun klienta", "tam": "techniczny opiekun klienta", "expert": "ekspert"},
}
_FACTS: Final = (
    "reason",
    "metric",
    "due_at",
    "accept_by",
    "justification",
    "business_impact",
    "priority_reason",
    "why",
)
"""Members of an event's ``data`` that a person reads as they are."""
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
    """Some lines: what happened, on which ticket, when, and why this person is told."""
    language = language_of(recipient)
    labels = _LABELS[language]
    role = str(recipient.get("role", ""))
    lines = [subject(kind, ticket, language), ""]
    lines += [f"{labels['ticket']}: {ticket['number']} {ticket['title']}"] if ticket.get("number") else []
    lines += [f"{labels['priority']}: {ticket['priority']}"] if ticket.get("priority") else []
    lines += [f"{labels['at']}: {at}"]
    lines += [f"{name}: {data[name]}" for name in _FACTS if data.get(name)]
    return "\n".join([*lines, "", f"{labels['role']}: {_ROLES[language].get(role, role)}", ""])
