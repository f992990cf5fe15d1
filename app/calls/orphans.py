"""Rooms that a provider made, or may have made, and that no call uses: recorded, because nothing takes them back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.calls.models import CallOrphanRow
from app.calls.providers.provider import CallRequest
from app.core.clock import database_now
from app.core.db.statements.bulk import insert_rows
from app.core.ids import new_id
from app.core.metrics import Metrics

INTERRUPTED: Final = "the attempt was cut off"
UNUSED: Final = "the call was no longer wanted"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Orphan:
    """A room of a call; its name is known where the provider's answer is."""

    request: CallRequest
    provider: str
    reason: str
    host: str | None = None
    room: str | None = None


async def record(session: AsyncSession, metrics: Metrics, orphans: Sequence[Orphan]) -> None:
    """Record, log and count them. The operators may look after them by their providers' own means."""
    if not orphans:
        return
    now = await database_now(session)
    rows = [
        {
            "account_id": orphan.request.account_id,
            "id": new_id("orp"),
            "call_id": orphan.request.call_id,
            "provider": orphan.provider,
            "host": orphan.host,
            "room": orphan.room,
            "reason": orphan.reason,
            "noticed_at": now,
        }
        for orphan in orphans
    ]
    await insert_rows(session, CallOrphanRow, rows)
    for row in rows:
        metrics.call_orphans.labels(row["provider"]).inc()
        _log.warning("a room of a call may be left behind", **row)
