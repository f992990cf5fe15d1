"""Escalation records: made by the service on a miss, acknowledged by support, closed with their ticket."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import SERVICE
from app.core.db.tables import Row
from app.core.ids import new_id
from app.core.problems import NotFound
from app.core.web.paging import Page
from app.escalations.models import Escalation
from app.sla.clock.clock import miss_subject
from app.sla.clock.deadline import Deadline

OPEN: Final = ("requested", "acknowledged")
_REASONS: Final = {"first_response": "no_update", "next_response": "no_update", "update": "no_update"}


def by_service(account_id: str, ticket_id: str, cause: Deadline, at: datetime) -> dict[str, Any]:
    """The record of an escalation that a miss made: its breach is a fact (W4, C15)."""
    return {
        "account_id": account_id,
        "id": new_id("esc"),
        "ticket_id": ticket_id,
        "kind": "service",
        "subject": miss_subject(cause),
        "reason": _REASONS.get(cause.metric, "resolution_time"),
        "state": "requested",
        "breach_verified": True,
        "requested_by": SERVICE.document(),
        "requested_at": at,
        "ended_at": None,
    }


async def close_all(session: AsyncSession, account_id: str, ticket_id: str, now: datetime) -> None:
    """Close the open escalations of a ticket that is resolved or closed."""
    await session.execute(
        update(Escalation)
        .where(Escalation.account_id == account_id, Escalation.ticket_id == ticket_id, Escalation.state.in_(OPEN))
        .values(state="closed", ended_at=now)
    )


async def open_one(session: AsyncSession, account_id: str, ticket_id: str, kind: str, reason: str) -> Escalation | None:
    """The open escalation of this kind for this reason; there is at most one that people asked for."""
    where = (Escalation.account_id == account_id, Escalation.ticket_id == ticket_id, Escalation.state.in_(OPEN))
    return await session.scalar(select(Escalation).where(*where, Escalation.kind == kind, Escalation.reason == reason))


async def find(session: AsyncSession, escalation_id: str) -> Escalation:
    """An escalation by its id. 404 when there is none."""
    found = await session.scalar(select(Escalation).where(Escalation.id == escalation_id))
    if found is None:
        raise NotFound
    return found


async def of_ticket(session: AsyncSession, account_id: str, ticket_id: str, page: Page) -> Sequence[Escalation]:
    """A page of a ticket's escalations, the oldest first, and one more."""
    query = select(Escalation).where(Escalation.account_id == account_id, Escalation.ticket_id == ticket_id)
    if place := page.place(int, str):
        query = query.where(tuple_(Escalation.sequence, Escalation.id) > place)
    return (await session.scalars(query.order_by(Escalation.sequence, Escalation.id).limit(page.limit + 1))).all()


def escalation_document(escalation: Escalation) -> Row:
    """An escalation as the API shows it."""
    return {
        "id": escalation.id,
        "ticket_id": escalation.ticket_id,
        "kind": escalation.kind,
        "reason": escalation.reason,
        "state": escalation.state,
        "requested_by": escalation.requested_by,
        "justification": escalation.justification,
        "requested_priority": escalation.requested_priority,
        "business_impact": escalation.business_impact,
        "breach_verified": escalation.breach_verified,
        "requested_at": escalation.requested_at,
        "acknowledged_at": escalation.acknowledged_at,
        "ended_at": escalation.ended_at,
        "decision": escalation.decision,
    }
