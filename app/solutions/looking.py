"""The background pass that looks for known solutions of new tickets, and tells support where there is none (N8)."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.articles.read.answers import good
from app.articles.read.search import ALL_REACHES, Asked, are_there_any
from app.core.auth import SERVICE
from app.core.db.engine import Sessions
from app.core.db.session import run, transaction
from app.core.db.tables import Row
from app.core.jobs.apart import apart
from app.core.metrics import Metrics
from app.events.types import TicketNoKnownSolution
from app.tickets.background import first_looks
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.load import lock
from app.tickets.models import ENDED
from app.tickets.save import staff_and_save
from app.tickets.staffing.roster import read_roster, scope_of

JOB: Final = "known solutions"
_BATCH: Final = 50
"""Tickets of one pass."""


@dataclass(frozen=True, slots=True)
class KnownSolutions:
    """Looks for solutions of new tickets; any number of replicas may."""

    sessions: Sessions
    metrics: Metrics | None = None

    async def run_pass(self) -> int:
        """Look at the new tickets; their number. One that fails is left at that, and the others go on."""
        async with self.sessions() as session:
            tickets = await first_looks.due(session, JOB, _BATCH)
            looked = tickets if tickets and await are_there_any(session) else []
            unsolved = [each for each in looked if await _has_none(session, each)]
        if not tickets:
            return 0
        failed = []
        for ticket in unsolved:
            failed.append(ticket)
            with apart(JOB, self.metrics, ticket_id=ticket["ticket_id"]):
                await run(self.sessions, partial(_tell, ticket=ticket))
                failed.remove(ticket)
        done = [ticket for ticket in tickets if ticket not in unsolved or ticket in failed]
        async with transaction(self.sessions) as session:
            await first_looks.take(session, JOB, done)
            await first_looks.advance(session, JOB)
        return len(tickets)


async def _has_none(session: AsyncSession, ticket: Row) -> bool:
    """Whether no article is likely to solve the ticket."""
    if ticket["status"] in ENDED:
        return False
    language = ticket["requester"].get("locale")
    asked = Asked(ALL_REACHES, ticket["title"], ticket["description"], ticket["product"], language)
    return not await good(session, asked, 1)


async def _tell(session: AsyncSession, ticket: Row) -> None:
    edit = await lock(session, ticket["ticket_id"])
    if edit is None or not await first_looks.take(session, JOB, [ticket]) or edit.ticket.status in ENDED:
        return
    next_tier = edit.ticket.tier + 1 if edit.ticket.tier < edit.clock.terms.tiers else None
    engineer_id = await _of_tier(session, edit, next_tier) if next_tier else None
    edit.tell(TicketNoKnownSolution(tier=next_tier, engineer_id=engineer_id), SERVICE)
    await staff_and_save(session, [edit])


async def _of_tier(session: AsyncSession, edit: TicketEdit, tier: int) -> str | None:
    """Who would take the ticket in that tier now; nobody's time is taken by it, and the roster is not locked."""
    dispatcher = await read_roster(session, scope_of(edit) or None, [edit])
    return dispatcher.choose(edit, of_tier=True, tier=tier).engineer_id
