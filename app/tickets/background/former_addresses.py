"""Ends, ticket by ticket, what addresses follow that were people's: of a person who was deleted or has another one."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import SERVICE, address_mark
from app.core.clock import monotonic
from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.db.tables import Row
from app.core.jobs.apart import apart
from app.core.metrics import Metrics
from app.core.schemas.mailboxes import STORED, one_spelling
from app.events.types import TicketUpdated
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.load import lock
from app.tickets.editing.watching import begin_watching, end_watching
from app.tickets.save import staff_and_save
from app.tickets.watcher_schemas import Watcher

BATCH: Final = 100
"""Tickets of one address before the next address has its turn."""
_FOUND: Final = 10_000
"""Tickets of one address that are looked for at once: to find a few of them may cost as much."""
_MOST_KNOWN: Final = 20
"""Addresses of which a process keeps what it has found."""
_BUDGET: Final = 1.0
"""Seconds of a pass: then it ends, and the next one goes on."""
_AGAIN: Final = timedelta(minutes=1)
"""When an address is seen to again whose pass was cut off, or some of whose tickets could not be changed."""
_CLAIM: Final = """
UPDATE former_addresses AS f SET due_at = clock_timestamp() + $1::interval FROM (
    SELECT account_id, email FROM former_addresses WHERE due_at <= statement_timestamp()
    ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
) AS due WHERE f.account_id = due.account_id AND f.email = due.email
RETURNING f.account_id, f.email, f.person_id
"""
_FOLLOWED: Final = """
SELECT id FROM tickets
WHERE account_id = $1 AND visitor_marks IS NOT NULL AND visitor_marks ?| $2::text[] AND EXISTS (
    SELECT FROM jsonb_array_elements(coalesce(watchers, '[]')) AS w WHERE w ->> 'email' = ANY ($3::text[])
) LIMIT $4
"""
# Whoever changes a person's address, or adds one, waits until the ticket is changed.
_STILL: Final = """
SELECT (SELECT p.email FROM people AS p WHERE p.account_id = f.account_id AND p.id = f.person_id) AS successor
FROM former_addresses AS f WHERE f.account_id = $1 AND f.email = $2 FOR UPDATE
"""
_DONE: Final = "DELETE FROM former_addresses WHERE account_id = $1 AND email = $2 AND person_id = $3"
_GO_ON: Final = """
UPDATE former_addresses SET due_at = clock_timestamp() WHERE account_id = $1 AND email = $2 AND person_id = $3
"""
_NEXT: Final = "SELECT min(due_at) FROM former_addresses"


@dataclass(frozen=True, slots=True)
class Parting:
    """Sees to the addresses that are due, some tickets of each in turn; any number of replicas may."""

    sessions: Sessions
    metrics: Metrics | None = None
    _known: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    async def run_pass(self) -> int:
        """The number of tickets that were changed."""
        done, ends = 0, monotonic() + _BUDGET
        while monotonic() < ends:
            async with transaction(self.sessions) as session:
                claimed = await (await driver(session)).fetchrow(_CLAIM, _AGAIN)
            if claimed is None:
                break
            done += await self._see_to(dict(claimed), ends)
        return done

    async def next_instant(self) -> datetime | None:
        """When the next address is due."""
        async with self.sessions() as session:
            found: datetime | None = await (await driver(session)).fetchval(_NEXT)
        return found

    async def _see_to(self, former: Row, ends: float) -> int:
        """Some of an address's tickets. One that fails holds up no other address, and is tried again."""
        account_id, email, person_id = former["account_id"], former["email"], former["person_id"]
        known = self._known.pop((account_id, email), None) or await self._followed(account_id, email)
        tickets, done = known[:BATCH], 0
        for number, ticket_id in enumerate(tickets):
            if number and monotonic() >= ends:
                tickets = tickets[:number]
                break
            with apart("former addresses", self.metrics, ticket_id=ticket_id):
                await self._change(account_id, email, ticket_id)
                done += 1
        if len(tickets) < len(known) and len(self._known) < _MOST_KNOWN:
            self._known[account_id, email] = known[len(tickets) :]
        if done or not tickets:
            async with transaction(self.sessions) as session:
                await (await driver(session)).execute(_GO_ON if tickets else _DONE, account_id, email, person_id)
        return done

    async def _followed(self, account_id: str, email: str) -> list[str]:
        spellings = list({email, one_spelling(email)})
        marks = [address_mark(each) for each in spellings]
        async with self.sessions() as session:
            found = await (await driver(session)).fetch(_FOLLOWED, account_id, marks, spellings, _FOUND)
        return [ticket["id"] for ticket in found]

    async def _change(self, account_id: str, email: str, ticket_id: str) -> None:
        async with transaction(self.sessions) as session:
            edit = await lock(session, ticket_id, account_id)
            still = await (await driver(session)).fetchrow(_STILL, account_id, email)
            if edit and still:  # nobody has got the address again
                await _hand_on(session, edit, email, still["successor"])


async def _hand_on(session: AsyncSession, edit: TicketEdit, email: str, successor: str | None) -> None:
    """End that the address follows the ticket; ``successor``, which is the person's now, follows it instead.

    They may be its requester or follow it already, under that address.
    """
    gone = await end_watching(session, edit.ticket, one_spelling(email))
    if not gone:  # somebody has ended it meanwhile
        return
    for watcher in gone:
        if successor:
            begin_watching(edit.ticket, [Watcher.model_validate(watcher | {"email": successor}, context=STORED)])
    edit.tell(TicketUpdated(fields={"watchers": edit.ticket.watchers or []}), SERVICE)
    edit.ticket.version += 1
    await staff_and_save(session, [edit])
