"""Who could take a ticket now, and why: what the choice of experts says, to look at."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Principal
from app.core.web.kit.deps import require_support
from app.tickets.editing.load import peek
from app.tickets.staffing.roster import read_roster, scope_of


async def candidates(session: AsyncSession, principal: Principal, ticket_id: str) -> dict[str, Any]:
    """Everybody of the ticket's roster, in a ``snapshot``: the available ones first, by rank, then those ruled out.

    The ticket's own engineer is among them, and counts as free for it. 403 for customers, 404 without such a ticket.
    """
    edit = await peek(session, principal, ticket_id)
    require_support(principal)
    dispatcher = await read_roster(session, scope_of(edit) or None, [edit])
    dispatcher.staff.now = edit.now
    choice = dispatcher.choice_for(edit)
    experts = dispatcher.staff.experts
    return {
        "at": edit.now,
        "assignee": edit.ticket.assignee_id,
        "candidates": [
            {
                "engineer_id": one.engineer_id,
                "name": dispatcher.staff.names[one.engineer_id],
                "region": experts[one.engineer_id].region,
                "tier": experts[one.engineer_id].tier,
                "open_tickets": experts[one.engineer_id].load,
                "held_for": experts[one.engineer_id].held_for,
                "first": one.taken,
                "reason": one.reason,
            }
            for one in choice.candidates
        ],
    }
