"""What a chat is told of an event: its sentence, its ticket, its facts, what a person wrote, a link. Pure.

Instants are in UTC, and say so: a channel is read in several zones, and an operator's endpoint hears all accounts.
What people wrote is only cleaned here: each format escapes it in its own way.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias
from urllib.parse import quote, urlsplit

from app.core.text.language import Language
from app.core.text.messages import from_stored, in_language
from app.core.text.phrases import moment
from app.core.zones import load_zone
from app.events.failures import why_no_link
from app.events.labels import LABELS, named, not_confirmed, stated
from app.events.sentences import sentence
from app.events.stub import Stub
from app.plans.document.naming import NO_NAMES, Names

Escapes: TypeAlias = Mapping[int, str]
"""What stands for a character, by its code point: a table for ``str.translate``."""

NO_ESCAPES: Final[Escapes] = {}
_FACTS: Final[Mapping[str, tuple[str, ...]]] = {
    "ticket.opened": ("business_impact", "priority_reason"),
    "ticket.postponed": ("error", "retry_at"),
    "event.postponed": ("error", "retry_at"),
    "job.postponed": ("error", "retry_at"),
    "count.postponed": ("error", "retry_at"),
    "message.posted": ("author",),
    "deadline.started": ("due_at",),
    "deadline.moved": ("due_at",),
    "deadline.resumed": ("due_at",),
    "deadline.warning": ("due_at",),
    "deadline.missed": ("due_at",),
    "escalation.automatic": ("reason",),
    "escalation.requested": ("reason", "business_impact"),
    "call.ready": ("remind_at", "join_by"),
    "call.reminded": ("join_by",),
    "call.no_show": ("join_by",),
    "expert.alerted": ("accept_by",),
    "routing.unstaffed": ("next_at",),
    "routing.round_exhausted": ("next_at",),
    "maintenance.started": ("product", "ends_at"),
    "maintenance.ended": ("product",),
    "article.published": ("product",),
    "article.withdrawn": ("product",),
    "webhook.disabled": ("url",),
    "webhook.paused": ("url",),
    "webhook.resumed": ("url",),
}
"""Which facts of an event a chat is told, in their order."""
_TEXT: Final[Mapping[str, str]] = {
    "ticket.opened": "description",
    "ticket.withdrawn": "reason",
    "message.posted": "body",
    "escalation.requested": "justification",
    "escalation.declined": "detail",
    "call.declined": "reason",
    "call.failed": "reason",
    "expert.declined": "reason",
    "maintenance.started": "reason",
    "ticket.solution_linked": "title",
    "article.published": "title",
    "article.withdrawn": "title",
    "webhook.disabled": "reason",
}
"""Where an event has what a person wrote about it, or what went wrong."""
_OURS: Final = frozenset({"call.failed", "webhook.disabled"})
"""Events whose text is ours, in English."""
_INSTANTS: Final = frozenset({"ends_at", "due_at", "remind_at", "join_by", "accept_by", "next_at", "retry_at"})
_LINKS: Final = ("join_url", "call_link")
_LINE: Final = 500
"""The most UTF-16 units of a ticket's title, or of a fact."""
_LONGEST_LINK: Final = 2_000
"""Characters; one to a Jitsi room with a token in it has some 500."""
_CONTROLS: Final = (*range(ord("\n")), *range(ord("\n") + 1, 0x20), *range(0x7F, 0xA0))
_DIRECTIONS: Final = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Characters that turn the direction of what follows, and so can make a text look like another."""
_CLEAN: Final = dict.fromkeys(_CONTROLS, " ") | dict.fromkeys(map(ord, _DIRECTIONS), "")
_IN_A_URL: Final = "!#$%&'()*+,/:;=?@[]~"
_UTC: Final = load_zone("UTC")


@dataclass(frozen=True, slots=True)
class Link:
    """A button or a link: its text is ours and names the host, so that nobody is led elsewhere unawares."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message. ``sentence`` and ``footer`` are our words; ``lines`` and ``text`` may hold what people wrote."""

    sentence: str
    lines: tuple[str, ...]
    text: str
    link: Link | None
    footer: str


def message(told: Mapping[str, Any], ticket: Stub | None, language: Language, names: Names = NO_NAMES) -> Message:
    """The message for an event's envelope and the stub of its ticket, None where it has none.

    ``names``: those of the ticket's plan.
    """
    kind, data = told["type"], told["data"]
    about = _about(ticket, language, names) if ticket else ""
    facts = {name: _value(name, data[name], language) for name in _FACTS.get(kind, ()) if data.get(name)}
    lines = [about, *(stated(LABELS[name], value, language) for name, value in facts.items())]
    when = _moment(told["timestamp"], language)
    return Message(
        sentence=sentence(kind, data, language, names),
        lines=tuple(" ".join(clean(line).split()) for line in lines if line),
        text=clean(_text(kind, data, language)).strip(),
        link=_link(data, language),
        footer=f"{when} · Sandbox" if told["sandbox"] else when,
    )


def _about(ticket: Stub, language: Language, names: Names) -> str:
    priority = in_language(names.priority(ticket["priority"] or ""), language)
    return f"{ticket['number']} ({priority}): {ticket['title']}"


def _text(kind: str, data: Mapping[str, Any], language: Language) -> str:
    if kind == "call.failed" and data.get("failures"):
        return why_no_link(data["failures"]).to(language)
    text = str(data.get(_TEXT.get(kind, "")) or "")
    return from_stored(text).to(language) if kind in _OURS else text


def _value(name: str, value: Any, language: Language) -> str:
    if name in _INSTANTS:
        return _moment(value, language)
    if name == "url":  # a chat would make a link of an address
        return _host(str(value)) or ""
    if name == "author":
        who = str(value.get("name") or value.get("kind") or "")
        return not_confirmed(who, language) if value.get("unconfirmed") else who
    return named(name, str(value), language)


def _moment(at: str, language: Language) -> str:
    return f"{moment(datetime.fromisoformat(at), _UTC, language)} UTC"


def _link(data: Mapping[str, Any], language: Language) -> Link | None:
    """The call's link, if it is of a usual length. What could end a link's syntax in a format is percent-encoded."""
    url = quote(next((str(data[name]) for name in _LINKS if data.get(name)), ""), safe=_IN_A_URL)
    host = _host(url) if url.startswith("https://") and len(url) <= _LONGEST_LINK else None
    return Link(stated(LABELS["join_url"], host, language), url) if host else None


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:  # an open bracket
        return None


def clean(text: str) -> str:
    """A text of people without control characters and without those that turn its direction; lines end with LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_CLEAN)


def fit(text: str, limit: int, escapes: Escapes = NO_ESCAPES) -> str:
    """The text, escaped, within ``limit`` UTF-16 units (at least 1); cut with an ellipsis where it is longer."""
    whole = text.translate(escapes)
    if units(whole) <= limit:
        return whole
    beginnings = range(1, min(len(text), limit) + 1)
    fitting = bisect_right(beginnings, limit - 1, key=lambda length: units(text[:length].translate(escapes)))
    return text[:fitting].rstrip().translate(escapes) + "…"


def units(text: str) -> int:
    """The length of a text as the chats count it: in UTF-16 code units, two for a character beyond the first plane."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def details(told: Message, limit: int, escapes: Escapes = NO_ESCAPES) -> str:
    """The lines, an empty one, and the text, escaped, within ``limit`` units in all: well over 3,000."""
    end = "\n".translate(escapes)
    head = end.join(fit(line, _LINE, escapes) for line in told.lines)
    if not told.text:
        return head
    start = f"{head}{end}{end}" if head else ""
    return start + fit(told.text, limit - units(start), escapes)
