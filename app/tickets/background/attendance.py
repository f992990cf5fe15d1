"""The background pass that asks who has come to the calls (G6), and ends the rooms of those that are over."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Final

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.calls import polls
from app.calls.attendance import customer_among
from app.calls.polls import Look
from app.calls.providers.provider import CallFailed, Participant, Provider, Rooms
from app.calls.schedule import end_in, look_in
from app.core.apart import apart
from app.core.auth import SERVICE
from app.core.db.engine import Sessions
from app.core.db.session import run, transaction
from app.core.metrics import Metrics
from app.roster.models import Engineer
from app.tickets.editing import calls
from app.tickets.editing.load import lock
from app.tickets.save import save

_BATCH: Final = 20

_log = structlog.get_logger(__name__)


class Watcher:
    """Looks at the rooms of those ``providers`` that can tell. Any number of processes may: a look has a lease."""

    def __init__(self, sessions: Sessions, providers: Mapping[str, Provider], metrics: Metrics | None = None) -> None:
        self._sessions, self._metrics = sessions, metrics
        self._rooms = {name: provider for name, provider in providers.items() if isinstance(provider, Rooms)}

    async def run_pass(self) -> int:
        """Look at the rooms that are due; their number. What fails is looked at again later, and ends no other look."""
        if not self._rooms:
            return 0
        async with transaction(self._sessions) as session:
            claimed = await polls.claim(session, _BATCH)
        ended = await asyncio.gather(*(self._look(look) for look in claimed), return_exceptions=True)
        for error in ended:
            if error is not None:
                raise error  # an outage: all have come to their end
        return len(claimed)

    async def _look(self, look: Look) -> None:
        rooms = self._rooms.get(look.provider)
        with apart("watch calls", self._metrics, call=look.id, provider=look.provider):
            wait = await self._asked(rooms, look) if rooms else None
            async with transaction(self._sessions) as session:
                await polls.settle(session, look, wait)

    async def _asked(self, rooms: Rooms, look: Look) -> timedelta | None:
        """Do what the look is for; the wait before the next one."""
        try:
            if look.ended:
                await rooms.end(look.room)
                return None
            if participants := await rooms.participants(look.room):
                await run(self._sessions, partial(_came, look=look, participants=participants))
        except CallFailed as failed:
            _log.warning("a room could not be looked at", call=look.id, provider=look.provider, error=str(failed))
        return end_in(look.late_by) if look.ended else look_in(look.late_by)


async def _came(session: AsyncSession, *, look: Look, participants: Sequence[Participant]) -> None:
    """Let the call be joined, when the customer is among the participants and is still waited for."""
    if not customer_among(participants, await session.scalars(select(Engineer.name))):
        return
    work = await lock(session, look.ticket_id)
    call = await calls.active(session, work) if work else None
    if work and call and call["id"] == look.id and call["state"] in calls.WAITING:
        await calls.join(session, work, SERVICE, "customer")
        await save(session, [work])
