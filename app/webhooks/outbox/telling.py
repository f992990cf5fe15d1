"""Events of no ticket: fanned out at once, recorded at the end. Those of tickets are written with them."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import ring_after_commit
from app.core.db.statements.bulk import write
from app.core.db.tables import Row
from app.events.envelope import NO_ACCOUNT
from app.events.event import Event
from app.events.log import event_row, record_last, recorded_in
from app.webhooks.outbox.fanout import fanned_out


async def tell(
    session: AsyncSession, account_id: str | None, event: Event, *, only: str | None = None, sandbox: bool = False
) -> Row:
    """Record an event that is about an account, or about none, and fan it out; its row.

    ``only`` one endpoint hears it, whatever its globs. What sends events and what waits for them wake after the commit.
    It is recorded by the transaction's last statement (``record_last``).
    """
    record_last(session)
    row = event_row(event, account_id=account_id or NO_ACCOUNT, ticket_id=None, sequence=None, sandbox=sandbox)
    if await write(session, recorded_in(session, [row]), fanned_out([row], only=only)):
        ring_after_commit(session, "deliveries")
    ring_after_commit(session, "events")
    return row
