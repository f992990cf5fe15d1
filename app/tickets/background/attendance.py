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
from app.calls.polls import Poll
from app.calls.providers.provider import CallFailed, Participant, Provider, Rooms
from app.calls.schedule import end_in, poll_in
from app.core.auth import SERVICE
from app.core.db.engine import Sessions
from app.core.db.session import run, transaction
from app.core.jobs.apart import apart
from app.core.metrics import Metrics
from app.roster.models import EngineerRow
from app.tickets.editing import calls
from app.tickets.editing.load import lock
from app.tickets.save import staff_and_save

_BATCH: Final = 20

_log = structlog.get_logger(__name__)


class Watcher:
    """Polls the rooms of those ``providers`` that can tell. Any number of processes may: a poll has a lease."""

    def __init__(self, sessions: Sessions, providers: Mapping[str, Provider], metrics: Metrics | None = None) -> None:
        self._sessions, self._metrics = sessions, metrics
        self._rooms = {name: provider for name, provider in providers.items() if isinstance(provider, Rooms)}

    async def run_pass(self) -> int:
        """Poll the rooms that are due; their number. What fails is polled again later, and ends no other poll."""
        if not self._rooms:
            return 0
        async with transaction(self._sessions) as session:
            claimed = await polls.claim(session, _BATCH)
        ended = await asyncio.gather(*(self._poll(poll) for poll in claimed), return_exceptions=True)
        for error in ended:
            if error is not None:
                raise error  # an outage: all have come to their end
        return len(claimed)

    async def _poll(self, poll: Poll) -> None:
        rooms = self._rooms.get(poll.provider)
        with apart("watch calls", self._metrics, call=poll.id, provider=poll.provider):
            wait = await self._asked(rooms, poll) if rooms else None
            async with transaction(self._sessions) as session:
                await polls.record_outcome(session, poll, wait)

    async def _asked(self, rooms: Rooms, poll: Poll) -> timedelta | None:
        """Do what the poll is for; the wait before the next one."""
        try:
            if poll.ended:
                await rooms.end(poll.room)
                return None
            if participants := await rooms.participants(poll.room):
                await run(self._sessions, partial(_came, poll=poll, participants=participants))
        except CallFailed as failed:
            _log.warning("a room could not be polled", call=poll.id, provider=poll.provider, error=str(failed))
        return end_in(poll.late_by) if poll.ended else poll_in(poll.late_by)


async def _came(session: AsyncSession, *, poll: Poll, participants: Sequence[Participant]) -> None:
    """Let the call be joined, when the customer is among the participants and is still waited for."""
    if not customer_among(participants, await session.scalars(select(EngineerRow.name))):
        return
    edit = await lock(session, poll.ticket_id)
    call = await calls.joinable(session, edit) if edit else None
    if edit and call and call["id"] == poll.id and call["state"] in calls.WAITING:
        await calls.join(session, edit, SERVICE, "customer")
        await staff_and_save(session, [edit])
