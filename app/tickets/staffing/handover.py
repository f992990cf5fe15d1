"""The note that one shift leaves for the next (G7)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.core.auth import Actor
from app.events.envelope import instant
from app.sla.deadlines import support_due_at
from app.tickets.editing.messages import add_message
from app.tickets.editing.work import Work
from app.tickets.schemas import PostMessage
from app.tickets.texts import HANDOVER_NOTE

_WRITER: Final = Actor("automation", name="Heliodesk")
_EXCERPT: Final = 2_000
"""Characters of the last update that a note repeats."""


@dataclass(frozen=True, slots=True)
class Briefing:
    """What was last said in public, and the link of the active call."""

    last_update: str | None = None
    updated_at: datetime | None = None
    call_link: str | None = None


NOTHING: Final = Briefing()


def note(work: Work, briefing: Briefing, left: str, came: str) -> None:
    """Leave an internal note: what it is about, the last update, what is due next, where the call is."""
    ticket, due = work.ticket, support_due_at(work.clock)
    said = (
        f"{instant(briefing.updated_at)}: {briefing.last_update[:_EXCERPT]}"
        if briefing.last_update and briefing.updated_at
        else "-"
    )
    body = HANDOVER_NOTE.format(
        left=left,
        came=came,
        number=ticket.number,
        title=ticket.title,
        priority=ticket.priority,
        status=ticket.status,
        impact=ticket.business_impact or "-",
        said=said,
        due=instant(due) if due else "-",
        link=briefing.call_link or "-",
    )
    add_message(work, _WRITER, _WRITER.document(), PostMessage(body=body, visibility="internal"))
