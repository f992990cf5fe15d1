"""The background pass that sends notices: claim, send outside any transaction, settle."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from app.core.db import Sessions, transaction
from app.notices.channels import Channel, NotSent
from app.notices.outbox import Claimed, Settled, claim, next_due, settle

_BATCH: Final = 20
DELAYS: Final = tuple(timedelta(seconds=seconds) for seconds in (0, 10, 60, 300, 900, 1800))
"""The wait before each attempt: what is to be told in an hour's time has lost its meaning."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Notifier:
    """Sends through the configured channels."""

    sessions: Sessions
    channels: Sequence[Channel]

    async def run_pass(self) -> int:
        """Send what is due; the number of notices tried. A crash in between leaves them to their lease."""
        done = 0
        while True:
            async with transaction(self.sessions) as session:
                claim_id, claimed = await claim(session, _BATCH)
            if not claimed:
                return done
            settled = [await self._send(notice) for notice in claimed]
            async with transaction(self.sessions) as session:
                await settle(session, claim_id, settled)
            done += len(claimed)

    async def next_instant(self) -> datetime | None:
        """When the next notice is due, by the database's clock."""
        async with self.sessions() as session:
            return await next_due(session)

    async def _send(self, notice: Claimed) -> Settled:
        """Send through each channel that has not taken it yet."""
        if not self.channels:
            return Settled(notice, "no_channel", notice.sent_by)
        sent_by, errors = list(notice.sent_by), list[str]()
        for channel in self.channels:
            if channel.name in sent_by:
                continue
            try:
                await channel.send(notice)
            except NotSent as error:
                errors.append(f"{channel.name}: {error}")
            else:
                sent_by.append(channel.name)
        return _concluded(notice, sent_by, "; ".join(errors))


def _concluded(notice: Claimed, sent_by: list[str], error: str) -> Settled:
    if not error:
        return Settled(notice, "sent", sent_by)
    _log.warning("a notice was not sent", notice=notice.id, attempt=notice.attempts, error=error)
    if notice.attempts >= len(DELAYS):
        return Settled(notice, "failed", sent_by, error)
    return Settled(notice, "pending", sent_by, error, DELAYS[notice.attempts])
