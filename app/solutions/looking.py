"""The background pass that looks for known solutions of new tickets, and tells support where there is none (N8)."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.articles.index import KNOWN_ERROR
from app.articles.read.answers import is_known
from app.articles.read.search import ALL_REACHES, Asked, are_there_any
from app.consumers.consumer import Consumer
from app.core.auth import SERVICE
from app.core.db.engine import Sessions
from app.core.db.session import driver, run
from app.core.db.tables import Row
from app.core.jobs.apart import apart
from app.core.metrics import Metrics
from app.core.state import Feed
from app.events.types import TicketNoKnownSolution
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.load import lock
from app.tickets.models import ENDED
from app.tickets.save import staff_and_save
from app.tickets.staffing.roster import read_roster, scope_of

JOB: Final = "known solutions"
_BATCH: Final = 100
"""Events of one pass."""
_READ: Final = 8_000
"""Characters of a description that are looked at."""
_OPENED: Final = f"""
SELECT t.id AS ticket_id, t.title, left(t.description, {_READ}) AS description, t.product, t.requester, t.status
FROM unnest($1::text[], $2::text[]) AS o (account_id, id) JOIN tickets AS t USING (account_id, id)
WHERE NOT t.sandbox ORDER BY t.opened_at, t.id
"""  # noqa: S608  our own number
_TOLD: Final = """
SELECT EXISTS (SELECT FROM events WHERE account_id = $1 AND ticket_id = $2 AND type = 'ticket.no_known_solution')
"""


class KnownSolutions:
    """Looks for solutions of new tickets; any number of replicas may, one at a time."""

    def __init__(self, sessions: Sessions, feed: Feed, metrics: Metrics | None = None) -> None:
        self._sessions, self._metrics = sessions, metrics
        self._consumer = Consumer(JOB, sessions, feed, _BATCH, types=("ticket.opened",))

    async def run_pass(self) -> int:
        """Look at the tickets that the next events have opened; the number of events."""
        return await self._consumer.take(self._look)

    async def _look(self, session: AsyncSession, events: Sequence[Row]) -> None:
        """A ticket that fails is left at that, and the others go on."""
        if not await are_there_any(session):
            return
        opened = [(each["account_id"], each["ticket_id"]) for each in events]
        for ticket in await (await driver(session)).fetch(_OPENED, *map(list, zip(*opened, strict=True))):
            if await _has_none(session, ticket):
                with apart(JOB, self._metrics, ticket_id=ticket["ticket_id"]):
                    await run(self._sessions, partial(_tell, ticket_id=ticket["ticket_id"]))


async def _has_none(session: AsyncSession, ticket: Row) -> bool:
    """Whether no article or known error is likely to solve the ticket."""
    if ticket["status"] in ENDED:
        return False
    language = ticket["requester"].get("locale")
    asked = Asked((*ALL_REACHES, KNOWN_ERROR), ticket["title"], ticket["description"], ticket["product"], language)
    return not await is_known(session, asked)


async def _tell(session: AsyncSession, ticket_id: str) -> None:
    """Once, also when a pass fails after it, and comes again."""
    edit = await lock(session, ticket_id)
    if edit is None or edit.ticket.status in ENDED:
        return
    if await (await driver(session)).fetchval(_TOLD, edit.ticket.account_id, ticket_id):
        return
    next_tier = edit.ticket.tier + 1 if edit.ticket.tier < edit.clock.terms.tiers else None
    engineer_id = await _of_tier(session, edit, next_tier) if next_tier else None
    edit.tell(TicketNoKnownSolution(tier=next_tier, engineer_id=engineer_id), SERVICE)
    await staff_and_save(session, [edit])


async def _of_tier(session: AsyncSession, edit: TicketEdit, tier: int) -> str | None:
    """Who would take the ticket in that tier now; nobody's time is taken by it, and the roster is not locked."""
    dispatcher = await read_roster(session, scope_of(edit) or None, [edit])
    return dispatcher.choose(edit, of_tier=True, tier=tier).engineer_id
