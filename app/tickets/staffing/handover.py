"""The note that one shift leaves for the next (G7)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from app.core.auth import Actor
from app.core.text.language import Language, language_for
from app.core.text.phrases import moment_in
from app.core.zones import load_zone
from app.plans.document.names import STATUSES
from app.plans.document.priorities import label_of
from app.sla.deadlines import support_due_at
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.messages import add_message
from app.tickets.schemas import NewMessage
from app.tickets.texts import HANDOVER_NOTE

_WRITER: Final = Actor("automation", name="Heliodesk")
EXCERPT: Final = 2_000
"""Characters of the last update that a note repeats."""


@dataclass(frozen=True, slots=True)
class Briefing:
    """What was last said in public, and the link of the active call."""

    last_update: str | None = None
    updated_at: datetime | None = None
    call_link: str | None = None


NOTHING: Final = Briefing()


def note(edit: TicketEdit, briefing: Briefing, left: str, came: str, languages: Collection[str]) -> None:
    """Leave an internal note: what it is about, the last update, what is due next, where the call is.

    It is written for the engineer who ``came``: in the customer's language if they speak it, else in one of theirs.
    """
    ticket, due = edit.ticket, support_due_at(edit.clock)
    language = language_for(languages, ticket.requester.get("locale"), edit.locale)
    zone = load_zone(ticket.time_zone)

    facts = {
        "left": left,
        "came": came,
        "number": ticket.number,
        "title": ticket.title,
        "priority": label_of(edit.document, ticket.priority, language),
        "status": STATUSES.get(ticket.status, ticket.status),
        "impact": ticket.business_impact or "-",
        "update": _said(briefing, zone, language),
        "due": moment_in(due, zone, language) if due else "-",
        "link": briefing.call_link or "-",
    }
    body = "\n".join(line.to(language, **facts) for line in HANDOVER_NOTE)
    add_message(edit, _WRITER, _WRITER.document(), NewMessage(body=body, visibility="internal"))


def _said(briefing: Briefing, zone: ZoneInfo, language: Language) -> str:
    if not briefing.last_update or not briefing.updated_at:
        return "-"
    return f"{moment_in(briefing.updated_at, zone, language)}: {briefing.last_update[:EXCERPT]}"
