"""What the alerts of a payload are, and what is to be done about them: the same for what came and for what is tried."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.inbound.decisions import Decision, Setting, decide
from app.inbound.formats.signal import Signal
from app.inbound.incidents import Remembered, recall
from app.inbound.maintenance.kept import Came, held_back
from app.inbound.maintenance.silence import Held


@dataclass(frozen=True, slots=True)
class Judged:
    """What was remembered of some signals, which of them a maintenance window holds back, and what the others mean."""

    remembered: Remembered
    window_id: str | None
    """the maintenance window that is open for the hook"""
    held: Held
    decision: Decision


async def judge(
    session: AsyncSession, came: Came, signals: Sequence[Signal], setting: Setting, *, lock: bool = True
) -> Judged:
    """Judge signals by what was heard before. Writes nothing.

    ``lock``: what is remembered is held until the transaction ends, for whoever acts on the decision.
    """
    place = (came.account_id, came.hook_id)
    remembered = await recall(session, *place, signals, by_group=setting.by_group, lock=lock)
    window_id, held = await held_back(session, came, signals, remembered.known, setting)
    return Judged(remembered, window_id, held, decide(held.passed, remembered.known, setting))
