"""The background pass that gets links for requested calls: claim, ask the provider, settle on the ticket."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.calls import provision
from app.calls.provider import Link, Provider
from app.core.db import Sessions, transaction
from app.tickets import calls
from app.tickets.settle import lock
from app.tickets.work import save

_BATCH: Final = 20


@dataclass(frozen=True, slots=True)
class Provisioner:
    """Makes links with the configured ``providers``."""

    sessions: Sessions
    providers: Mapping[str, Provider]

    async def run_pass(self) -> int:
        """Provide for every call that waits; the number provided for. A crash in between leaves it to the lease."""
        done = 0
        while True:
            async with transaction(self.sessions) as session:
                claimed = await provision.claim(session, _BATCH)
            if not claimed:
                return done
            for call in claimed:
                made = await provision.make_link(self.providers, call)
                async with transaction(self.sessions) as session:
                    await _settle(session, call, made)
            done += len(claimed)


async def _settle(session: AsyncSession, claimed: provision.ClaimedCall, made: Link | str) -> None:
    """Write what came of a call, unless the claim was lost or the call is no longer wanted meanwhile."""
    work = await lock(session, claimed.request.ticket_id)
    if work is None:
        return
    call = await calls.active(session, work)
    if call is None or call["id"] != claimed.request.call_id or call["claim_id"] != claimed.claim_id:
        return
    work.calls.append(call)
    if isinstance(made, Link):
        calls.make_ready(work, call, made)
    else:
        calls.make_failed(work, call, made)
    await save(session, [work])
