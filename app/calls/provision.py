"""Making the links of requested calls: claimed under a lease, made without a transaction, settled by the caller."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.calls.jitsi import Jitsi
from app.calls.models import Call
from app.calls.provider import CallFailed, CallRequest, Link, Provider
from app.core.db import driver
from app.core.ids import new_id
from app.core.settings import Settings

LEASE_SECONDS: Final = 60
_CLAIM: Final = f"""
WITH due AS MATERIALIZED (
    SELECT account_id, id FROM calls WHERE next_attempt_at <= statement_timestamp()
    ORDER BY next_attempt_at LIMIT $1 FOR UPDATE SKIP LOCKED
)
UPDATE calls AS c
SET claim_id = $2, attempts = c.attempts + 1, next_attempt_at = clock_timestamp() + interval '{LEASE_SECONDS} seconds'
FROM due WHERE c.account_id = due.account_id AND c.id = due.id
RETURNING c.account_id, c.id, c.ticket_id, c.providers
"""  # noqa: S608  a constant of ours


@dataclass(frozen=True, slots=True)
class ClaimedCall:
    """A call whose link is to be made, by whoever holds ``claim_id``."""

    request: CallRequest
    providers: tuple[str, ...]
    claim_id: str


def configured(settings: Settings) -> dict[str, Provider]:
    """The providers that this installation can use, by name."""
    return {"jitsi": Jitsi(str(settings.jitsi_base_url))} if settings.jitsi_base_url else {}


async def claim(session: AsyncSession, limit: int) -> list[ClaimedCall]:
    """Claim calls that wait for a link; nobody else gets them before the lease ends."""
    claim_id = new_id("clm")
    rows = await (await driver(session)).fetch(_CLAIM, limit, claim_id)
    return [
        ClaimedCall(CallRequest(row["id"], row["account_id"], row["ticket_id"]), tuple(row["providers"]), claim_id)
        for row in rows
    ]


async def make_link(providers: Mapping[str, Provider], call: ClaimedCall) -> Link | str:
    """The link of the first provider that can make one; else why there is none, as a sentence."""
    reasons = []
    for name in call.providers:
        if name not in providers:
            reasons.append(f"{name} is not configured")
            continue
        try:
            return await providers[name].create(call.request)
        except CallFailed as error:
            reasons.append(f"{name}: {error}")
    return "No link could be made: " + ("; ".join(reasons) or "the plan names no provider")


async def next_instant(session: AsyncSession) -> datetime | None:
    """When the next call waits for a link, by the database's clock."""
    query = (
        select(Call.next_attempt_at).where(Call.next_attempt_at.is_not(None)).order_by(Call.next_attempt_at).limit(1)
    )
    return await session.scalar(query)
