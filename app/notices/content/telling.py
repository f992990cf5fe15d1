"""What a customer is told of a ticket by e-mail: of which events, of which kind each is, and in which line. Pure.

The one place that decides it: ``kind_of`` says whether an event is told, ``entry_of`` how, ``is_own`` to whom not.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.core.text.language import Language
from app.core.text.messages import Message, pgettext
from app.core.text.phrases import moment
from app.events.labels import LABELS, stated
from app.events.people import for_customers
from app.events.sentences import sentence
from app.notices.content.mails import Entry, Link
from app.plans.document.naming import Names
from app.plans.document.words import MailKind

_KINDS: Final[Mapping[str, MailKind]] = {
    "message.posted": "answers",
    "ticket.status_changed": "status",
    "ticket.reopened": "status",
    "ticket.withdrawn": "status",
    "ticket.merged": "status",
    "escalation.acknowledged": "escalation",
    "escalation.accepted": "escalation",
    "escalation.declined": "escalation",
    "call.ready": "call",
    "call.failed": "call",
    "ticket.handed_over": "hand_over",
    "ticket.assigned": "hand_over",
}
"""By the type of the event. The first answer of an engineer is a kind of its own, by what came before it."""
TOLD_TYPES: Final = tuple(_KINDS)
URGENT: Final = frozenset({"call.ready"})
"""What is told at once: somebody waits in the call."""
REQUESTER: Final = "requester"
WATCHER: Final = "watcher"
_FIRST: Final = pgettext("mail", "Our first answer, from {name}")
_ANSWER: Final = pgettext("mail", "Answer from {name}")
_MESSAGE: Final = pgettext("mail", "Message from {name}")
_SUPPORT: Final = pgettext("mail", "our support team")
_IN_THE_NAME: Final = pgettext("mail", "Message in the name of {name} (sender not confirmed)")
_CUSTOMER: Final = pgettext("mail", "the customer")
_WAITING: Final = pgettext("mail", "We are waiting for your answer")
_JOIN: Final = pgettext("mail", "Join the call")
_CUT: Final = pgettext("mail", "The message goes on in the ticket.")
_FILES: Final = pgettext("mail", "Attachments in the ticket: {names}")
_LEFT_OUT: Final = pgettext("mail", "Left out: {names}")
_TEXTS: Final = {"escalation.declined": "detail", "ticket.withdrawn": "reason"}
"""The member of an event's data that has a person's words, beside those of messages."""


def kind_of(event: Mapping[str, Any]) -> MailKind | None:
    """The kind of mail by which customers are told of an event; None where they are not."""
    kind, data = event["type"], event["data"]
    if event["audience"] != "public" or kind not in _KINDS:
        return None
    if kind == "ticket.assigned" and not (data["from"] and data["to"]):
        return None  # nobody has handed it over
    if kind == "ticket.status_changed" and (data["from"], data["to"]) == ("new", "open"):
        return None  # what comes of it is told: the first answer
    return _KINDS[kind]


def may_be_told(event: Mapping[str, Any], kinds: Collection[MailKind]) -> bool:
    """Whether a plan that tells these ``kinds`` may tell of this event, whatever came before it."""
    kind = kind_of(event)
    return kind in kinds or (kind == "answers" and "first_answer" in kinds)


def told(events: Collection[Mapping[str, Any]], kinds: Collection[MailKind], *, answered: bool) -> list[dict[str, Any]]:
    """Those of the events, in their order, of which a plan tells that has these ``kinds``.

    Each has ``id``, ``type``, ``audience``, ``actor``, ``timestamp`` and ``data``. ``answered``: whether an engineer
    has answered before them. The first answer is marked ``first``.
    """
    found = []
    for event in events:
        kind = kind_of(event)
        if kind == "answers" and event["data"]["author"]["kind"] == "engineer" and not answered:
            kind, answered = "first_answer", True
        if kind in kinds:
            found.append({**event, "first": kind == "first_answer"})
    return found


def is_own(event: Mapping[str, Any], person: Mapping[str, Any], account_id: str) -> bool:
    """Whether this person has done it: nobody is told what they have done themselves.

    What an e-mail says in somebody's name, and nobody vouches for, is nobody's own.

    By their id where they are of the account's people, else by their address or name. What an account's own program
    does without saying for whom, it does for the requester. ``person`` has ``role``, ``name``, ``email``, ``id``.
    """
    actor, author = event["actor"], event["data"].get("author") or {}
    if actor.get("unconfirmed"):
        return False
    if actor["kind"] != "customer" and author.get("kind") != "customer":
        return False
    if author.get("email"):
        return bool(author["email"].lower() == person["email"].lower())
    who = str(actor.get("id") or "")
    if who.startswith("per_"):
        return who == person.get("id")
    if who == account_id:
        return bool(person["role"] == REQUESTER)
    name = actor.get("name")
    return bool(person["role"] == REQUESTER if name is None else name == (person.get("name") or person["email"]))


def is_unconfirmed(event: Mapping[str, Any]) -> bool:
    """Whether it is the message of an e-mail for whose sender nobody vouches."""
    return bool((event["data"].get("author") or {}).get("unconfirmed"))


def entry_of(event: Mapping[str, Any], language: Language, zone: ZoneInfo, names: Names) -> Entry:
    """How a letter tells of an event: ``type``, ``actor``, ``timestamp``, ``data`` and ``first``; in the ``zone``."""
    shown = for_customers(event)
    kind, data = shown["type"], shown["data"]
    at = moment(datetime.fromisoformat(shown["timestamp"]), zone, language)
    if kind == "message.posted":
        return Entry(_from(event, data["author"], language), at, _words(data, "body", language))
    line = sentence(kind, data, language, names)
    if kind == "call.ready":
        by = moment(datetime.fromisoformat(data["join_by"]), zone, language)
        return Entry(line, stated(LABELS["join_by"], by, language), link=Link(_JOIN.to(language), data["join_url"]))
    if kind in ("ticket.assigned", "ticket.handed_over") and (name := _next(kind, data)):
        line = stated(line, name, language)
    if kind == "ticket.status_changed" and data["to"] == "waiting_on_customer":
        line = _WAITING.to(language)
    return Entry(line, at, _words(data, _TEXTS.get(kind, ""), language))


def text_of(event: Mapping[str, Any]) -> str:
    """The words of a person that a letter repeats of an event."""
    return str(event["data"].get(_member(event["type"])) or "")


def with_text(event: Mapping[str, Any], text: str) -> dict[str, Any]:
    """The event with so much of these words."""
    return {**event, "data": {**event["data"], _member(event["type"]): text, "truncated": True}}


def _member(kind: str) -> str:
    return "body" if kind == "message.posted" else _TEXTS.get(kind, "")


def _from(event: Mapping[str, Any], author: Mapping[str, Any], language: Language) -> str:
    if is_unconfirmed(event):
        return _IN_THE_NAME.to(language, name=author.get("name") or _CUSTOMER.to(language))
    form: Message = _FIRST if event["first"] else _ANSWER if author["kind"] == "engineer" else _MESSAGE
    return form.to(language, name=author.get("name") or (_CUSTOMER if author["kind"] == "customer" else _SUPPORT))


def _words(data: Mapping[str, Any], member: str, language: Language) -> str:
    said = str(data.get(member) or "")
    note = f"[{_CUT.to(language)}]" if said and data.get("truncated") else ""
    return "\n\n".join(part for part in (said.strip(), note, *_files(data, language)) if part)


def _files(data: Mapping[str, Any], language: Language) -> Iterator[str]:
    """The files of a message by their names, each as they may be had: from the ticket, or not at all."""
    for form, is_there in ((_FILES, True), (_LEFT_OUT, False)):
        names = [one["name"] for one in data.get("attachments") or () if (one["state"] == "kept") == is_there]
        if names:
            yield f"[{form.to(language, names=', '.join(names))}]"


def _next(kind: str, data: Mapping[str, Any]) -> str | None:
    """The engineer who goes on with the ticket."""
    name = data.get("to_name") if kind == "ticket.assigned" else data["to"].get("engineer_name")
    return str(name) if name else None
