"""What people are told, in their language. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.core.text.language import Language, choose_language
from app.core.text.messages import Message, _, pgettext
from app.core.text.phrases import moment_in
from app.core.zones import load_zone
from app.events.failures import why_no_link
from app.events.labels import LABELS, named, stated
from app.events.sentences import sentence
from app.notices.content import digest
from app.plans.document.naming import NO_NAMES, Names

_TO_THE_EXPERT: Final[Mapping[str, Message]] = {
    "expert.alerted": _("You are needed now"),
    "ticket.assigned": _("A ticket is assigned to you"),
    "ticket.handed_over": _("Your shift takes over"),
    "ticket.handed_over:tier": _("A ticket of your tier is handed over to you"),
    "ticket.handed_over:region_lock": _("You take over a ticket that is locked to your region"),
    "ticket.handed_over:missed": _("You take over a ticket that missed a deadline"),
    "ticket.handed_over:exclusive": _("You take over a ticket of a colleague who is needed elsewhere"),
    "ticket.handed_over:owner_free": _("Your ticket has waited for you"),
    "message.unconfirmed": _("Please look at a message: its sender is not confirmed, so the ticket has not changed"),
    "call.failed": _("The call has no link: ask the customer for one"),
}
_TO_THE_PREVIOUS: Final = dict.fromkeys(("ticket.assigned", "ticket.handed_over"), _("This ticket is no longer yours"))
_TO_THE_NEXT_TIER: Final = {
    "ticket.no_known_solution": _("A new ticket has no known solution: your tier may be needed"),
}
_TO_THEM: Final[Mapping[str, Mapping[str, Message]]] = {
    "expert": _TO_THE_EXPERT,
    "previous_engineer": _TO_THE_PREVIOUS,
    "next_tier": _TO_THE_NEXT_TIER,
}
"""What is said to the person whom the event is about, instead of its sentence, by role."""
_TOLD_AS: Final = _("You receive this as")
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
_ROLES: Final[Mapping[str, Message]] = {
    "manager": pgettext("role", "account manager"),
    "tam": pgettext("role", "technical account manager"),
    "expert": pgettext("role", "expert"),
    "previous_engineer": pgettext("role", "the ticket's engineer until now"),
    "next_tier": pgettext("role", "engineer of the next support tier"),
    "escalation_contact": pgettext("role", "escalation contact"),
}
_ANSWER: Final = _("Accept or decline")
ABOVE: Final = "##- heliodesk -##"
"""What stands above the text of a mail to an engineer: what is below it in their reply is ours."""
_BY_REPLY: Final = _(
    "Reply to this e-mail to answer the customer. If your first line is #note, your reply becomes an internal note."
)
_SUBJECT_LENGTH: Final = 150
_INSTANTS: Final = frozenset({"accept_by", "due_at", "next_at"})


def language_of(recipient: Mapping[str, Any]) -> Language:
    """The language in which this person reads; English where it is not said, or not ours."""
    return choose_language(recipient.get("locale"))


def subject(
    kind: str,
    data: Mapping[str, Any],
    ticket: Mapping[str, Any],
    language: Language,
    names: Names = NO_NAMES,
    role: str = "expert",
) -> str:
    """One line: what happened, by the event's type and ``data``, and on which ticket (``number``, ``title``).

    ``names``: those of the ticket's plan.
    """
    forms = _TO_THEM.get(role, {})
    own = forms.get(f"{kind}:{data.get('reason')}") or forms.get(kind)
    what = own.to(language) if own else sentence(kind, data, language, names)
    about = f"{ticket['number']}: {ticket['title']}" if ticket.get("number") else ""
    return " ".join(f"{what} · {about}".split())[:_SUBJECT_LENGTH].rstrip(" ·")


def body(
    kind: str,
    data: Mapping[str, Any],
    ticket: Mapping[str, Any],
    recipient: Mapping[str, Any],
    at: datetime,
    names: Names = NO_NAMES,
) -> str:
    """Some lines: what happened, on which ticket, when, what is known of it, and why this person is told.

    ``data`` is the event's; ``ticket`` may have ``business_impact``, ``priority_reason`` and ``join_url`` too. Instants
    are told in the recipient's ``time_zone``.
    """
    language, zone = language_of(recipient), load_zone(recipient.get("time_zone") or "UTC")
    role = str(recipient.get("role", ""))
    told_as = stated(_TOLD_AS, _ROLES.get(role, role), language)
    if kind == "account.digest":
        return "\n".join(
            [subject(kind, data, ticket, language, names, role), *digest.lines(data, zone, language), "", told_as, ""]
        )
    known = {**ticket, **data}
    if data.get("failures"):
        known["reason"] = why_no_link(data["failures"]).to(language)
    facts = {"ticket": f"{ticket['number']} {ticket['title']}"} if ticket.get("number") else {}
    facts |= {"priority": names.priority(ticket["priority"])} if ticket.get("priority") else {}
    facts |= {"at": moment_in(at, zone, language)}
    facts |= {name: _fact(name, known[name], zone, language) for name in _FACTS if known.get(name)}
    lines = [stated(LABELS[name], value, language) for name, value in facts.items()]
    return "\n".join([subject(kind, data, ticket, language, names, role), "", *lines, "", told_as, ""])


def _fact(name: str, value: str, zone: ZoneInfo, language: Language) -> str:
    if name in _INSTANTS:
        return moment_in(datetime.fromisoformat(value), zone, language)
    return named(name, value, language)


def with_programme(text: str, url: str | None, language: Language) -> str:
    """A message with the page of its ticket's programme, if there is one that everybody can read."""
    return f"{text.rstrip()}\n{stated(LABELS['programme'], url, language)}\n" if url else text


def with_link(text: str, link: str | None, language: Language) -> str:
    """A message with the link by which its alert is answered, if there is one: before all that there is to read."""
    if not link:
        return text
    title, _, rest = text.partition("\n\n")
    return f"{title}\n\n{stated(_ANSWER, link, language)}\n\n{rest}"


def with_reply(text: str, language: Language) -> str:
    """A text to an engineer, who answers the customer by a reply to it."""
    return f"{ABOVE}\n\n{text.rstrip()}\n\n{_BY_REPLY.to(language)}\n"
