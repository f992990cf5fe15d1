"""What people are told, in their language. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from app.core.text.language import LANGUAGES, Language, choose_language
from app.events.labels import LABELS, named, stated
from app.events.sentences import sentence

_TO_THE_EXPERT: Final[Mapping[str, Mapping[Language, str]]] = {
    "expert.alerted": {
        "en": "You are needed now",
        "es": "Se le necesita ahora",
        "fr": "On a besoin de vous maintenant",
        "pl": "Pilnie Cię potrzebujemy",
    },
    "ticket.handed_over": {
        "en": "Your shift takes over",
        "es": "Su turno toma el relevo",
        "fr": "Votre équipe prend le relais",
        "pl": "Twoja zmiana przejmuje zgłoszenie",
    },
}
"""What is said to the person whom the event is about, instead of its sentence."""
_TOLD_AS: Final[Mapping[Language, str]] = {
    "en": "You receive this as",
    "es": "Recibe este aviso como",
    "fr": "Vous recevez ce message en tant que",
    "pl": "Otrzymujesz tę wiadomość jako",
}
_FACTS: Final = (
    "accept_by",
    "alert_id",
    "reason",
    "justification",
    "metric",
    "due_at",
    "next_at",
    "business_impact",
    "priority_reason",
    "join_url",
)
"""What is known of an event or its ticket, in the order in which a person reads it."""
_ROLES: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {"manager": "account manager", "tam": "technical account manager", "expert": "expert"},
    "es": {"manager": "gestor de la cuenta", "tam": "gestor técnico de la cuenta", "expert": "experto"},
    "fr": {"manager": "responsable du compte", "tam": "responsable technique du compte", "expert": "expert"},
    "pl": {"manager": "opiekun klienta", "tam": "techniczny opiekun klienta", "expert": "ekspert"},
}
_ANSWER: Final[Mapping[Language, str]] = {
    "en": "Accept or decline",
    "es": "Aceptar o rechazar",
    "fr": "Accepter ou refuser",
    "pl": "Przyjmij lub odrzuć",
}
_SUBJECT_LENGTH: Final = 150


def language_of(recipient: Mapping[str, Any]) -> Language:
    """The language in which this person reads; English where it is not said, or not ours."""
    return choose_language(recipient.get("locale"), LANGUAGES[0])


def subject(kind: str, data: Mapping[str, Any], ticket: Mapping[str, Any], language: Language) -> str:
    """One line: what happened, by the event's type and ``data``, and on which ticket (``number``, ``title``)."""
    to_the_expert = _TO_THE_EXPERT.get(kind)
    what = to_the_expert[language] if to_the_expert else sentence(kind, data, language)
    about = f"{ticket['number']}: {ticket['title']}" if ticket.get("number") else ""
    return " ".join(f"{what} · {about}".split())[:_SUBJECT_LENGTH].rstrip(" ·")


def body(kind: str, data: Mapping[str, Any], ticket: Mapping[str, Any], recipient: Mapping[str, Any], at: str) -> str:
    """Some lines: what happened, on which ticket, when, what is known of it, and why this person is told.

    ``data`` is the event's; ``ticket`` may have ``business_impact``, ``priority_reason`` and ``join_url`` too.
    """
    language = language_of(recipient)
    role = str(recipient.get("role", ""))
    known = {**ticket, **data}
    facts = {"ticket": f"{ticket['number']} {ticket['title']}"} if ticket.get("number") else {}
    facts |= {"priority": ticket["priority"]} if ticket.get("priority") else {}
    facts |= {"at": at} | {name: named(name, known[name], language) for name in _FACTS if known.get(name)}
    lines = [stated(LABELS[name][language], value, language) for name, value in facts.items()]
    told_as = stated(_TOLD_AS[language], _ROLES[language].get(role, role), language)
    return "\n".join([subject(kind, data, ticket, language), "", *lines, "", told_as, ""])


def with_link(text: str, link: str | None, language: Language) -> str:
    """A message with the link by which its alert is answered, if there is one."""
    return f"{text.rstrip()}\n\n{stated(_ANSWER[language], link, language)}\n" if link else text
