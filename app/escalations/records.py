"""Escalation records: found, shown, and closed with their ticket."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import for_customers
from app.core.db.tables import Row
from app.core.problems import NotFound
from app.core.web.kit.paging import Page
from app.escalations.models import EscalationRow

OPEN: Final = ("requested", "acknowledged")


async def close_all(session: AsyncSession, account_id: str, ticket_id: str, now: datetime) -> None:
    """Close the open escalations of a ticket that is resolved or closed."""
    await session.execute(
        update(EscalationRow)
        .where(
            EscalationRow.account_id == account_id, EscalationRow.ticket_id == ticket_id, EscalationRow.state.in_(OPEN)
        )
        .values(state="closed", ended_at=now)
    )


async def open_one(
    session: AsyncSession, account_id: str, ticket_id: str, kind: str, reason: str
) -> EscalationRow | None:
    """The open escalation of this kind for this reason; there is at most one that people asked for."""
    where = (
        EscalationRow.account_id == account_id,
        EscalationRow.ticket_id == ticket_id,
        EscalationRow.state.in_(OPEN),
    )
    return await session.scalar(
        select(EscalationRow).where(*where, EscalationRow.kind == kind, EscalationRow.reason == reason)
    )


async def find(session: AsyncSession, escalation_id: str) -> EscalationRow:
    """An escalation by its id. 404 when there is none."""
    found = await session.scalar(select(EscalationRow).where(EscalationRow.id == escalation_id))
    if found is None:
        raise NotFound
    return found


async def of_ticket(session: AsyncSession, account_id: str, ticket_id: str, page: Page) -> Sequence[EscalationRow]:
    """A page of a ticket's escalations, the oldest first, and one more."""
    query = select(EscalationRow).where(EscalationRow.account_id == account_id, EscalationRow.ticket_id == ticket_id)
    if place := page.place(int, str):
        query = query.where(tuple_(EscalationRow.sequence, EscalationRow.id) > place)
    return (await session.scalars(query.order_by(EscalationRow.sequence, EscalationRow.id).limit(page.limit + 1))).all()


def escalation_document(escalation: EscalationRow, *, internal: bool) -> Row:
    """An escalation as the API shows it to support (``internal``) or to customers."""
    by = escalation.requested_by
    return {
        "id": escalation.id,
        "ticket_id": escalation.ticket_id,
        "kind": escalation.kind,
        "reason": escalation.reason,
        "state": escalation.state,
        "requested_by": by if internal else for_customers(by),
        "justification": escalation.justification,
        "requested_priority": escalation.requested_priority,
        "business_impact": escalation.business_impact,
        "breach_verified": escalation.breach_verified,
        "breaches": escalation.breaches,
        "breach_count": escalation.breach_count,
        "requested_at": escalation.requested_at,
        "acknowledged_at": escalation.acknowledged_at,
        "ended_at": escalation.ended_at,
        "decision": escalation.decision,
    }
