"""The standing clock of a sandbox account, moved: what is due in between happens in order, by the live code.

Nothing here is external: what is told waits in the outbox, whose clock is the real one.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from heapq import heapify, heappop, heappush
from itertools import repeat
from typing import Any, Final, NamedTuple, TypeAlias

from asyncpg import LockNotAvailableError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import SERVICE
from app.core.db.session import LONG, allow, driver, kept_awake, record_behind_all, ring_after_commit
from app.core.problems import Conflict, Fault, Invalid, NotFound
from app.core.process.cooperative import in_turns
from app.core.text.messages import _
from app.digests.sandboxes import digests_of
from app.events.envelope import instant
from app.inbound.read.windows import held_back
from app.sandbox.schemas import ClockAdvance
from app.sandbox.told import Told
from app.sla.clock.clock import Firing, catch_up
from app.tickets.editing.clock import take_step
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.load import lock_due
from app.tickets.editing.write import write_edits
from app.tickets.staffing.dispatcher import Dispatcher
from app.tickets.staffing.roster import ROUTED, hold_writes, lock_routed, look_ahead, open_roster
from app.tickets.staffing.route import is_to_do

_Move: TypeAlias = Callable[[datetime], Awaitable[None]]
# Before the roster, whose holder never waits for a ticket: the first part of the way locks it for all others.
_HOLD: Final = f"""
SELECT id FROM tickets WHERE account_id = $1 AND id IN (
    (SELECT id FROM tickets WHERE account_id = $1 AND wake_at <= $2 ORDER BY wake_at, id LIMIT $3)
    UNION ALL ({ROUTED})
) ORDER BY id FOR UPDATE
"""  # noqa: S608  our own statement
_LOCK: Final = "SELECT sandbox_now FROM accounts WHERE account_id = $1 FOR NO KEY UPDATE NOWAIT"
_MOVE: Final = "UPDATE accounts SET sandbox_now = $2 WHERE account_id = $1"


@dataclass(frozen=True, slots=True)
class Most:
    """How much one move tells, and how much of it is in memory and in one statement at once.

    Of what is alive, a collection of garbage looks at each object in one go.
    """

    budget: int = 10_000
    tickets: int = 500
    events: int = 1_000


@dataclass(slots=True)
class _Part:
    """A part of the way of an account's clock, up to ``goal``, with so many ``tickets`` and ``events`` at a time.

    ``budget``: how much the whole way may tell. ``done``: those tickets that have nothing left to do by the goal.
    """

    account_id: str
    goal: datetime
    told: Told
    budget: int
    tickets: int
    events: int
    done: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Leg:
    """What was gone of it: where it ended, whether that is as far as it was to go, or as much as may be told."""

    now: datetime
    whole: bool
    spent: bool = False


@dataclass(frozen=True, slots=True)
class Advanced:
    """A clock that was moved: from where to where, and what is left of the way, if any."""

    account_id: str
    before: datetime
    now: datetime
    next: datetime | None

    def document(self, told: Told) -> dict[str, Any]:
        """What is answered."""
        return {
            "account_id": self.account_id,
            "from": instant(self.before),
            "now": instant(self.now),
            "events": told.seen(),
            "next": instant(self.next) if self.next else None,
        }


class _Turn(NamedTuple):
    """A ticket's place in the queue of what happens next."""

    firing: Firing
    ticket_id: str
    edit: TicketEdit


async def advance(
    session: AsyncSession,
    account_id: str,
    command: ClockAdvance,
    told: Told,
    *,
    most: Most = Most(),
) -> Advanced:
    """Move the account's clock, and let everything that is due on the way happen, each at its own instant.

    A deadline due exactly at the goal still runs there (C06); a warning at the goal has been sent. What would be more
    than its budget of events is left for the next call, and so is what comes after the end of a maintenance window that
    holds something back. Of more tickets that are due than are in memory at once, those due first go first.
    ``told`` gets the events as they happen, and they are recorded directly before the commit. It takes as long as the
    machine needs, and locks nothing but the sandbox's own. 404, 409 for a live account or a clock that is being moved,
    422 backwards.
    """
    await allow(session, LONG)
    async with kept_awake(session):
        return await _advance(session, account_id, command, told, most)


async def _advance(session: AsyncSession, account_id: str, command: ClockAdvance, told: Told, most: Most) -> Advanced:
    before = await _lock_clock(session, account_id)
    goal = command.goal(before)
    if goal < before:
        detail = _("The account's clock stands at {before}, and moves only forward", before=instant(before))
        raise Invalid(errors=[Fault(pointer="/to", detail=detail)])
    asked, goal = goal, await _until_a_window_ends(session, account_id, before, goal)
    await (await driver(session)).execute(_HOLD, account_id, goal, most.budget)
    weekly = await digests_of(session, account_id, before, goal)
    leg = _Leg(before, whole=True)
    for stop in (*weekly.due, goal):
        leg = await _go_to(session, _Part(account_id, stop, told, most.budget, most.tickets, most.events), leg.now)
        if stop in weekly.due and leg.now >= stop:
            await told.take(session, await weekly.made(session, stop))
        if not leg.whole:
            break
    record_behind_all(session, partial(told.record, session))  # from then on the feed waits for this transaction
    ring_after_commit(session, "maintenance")
    return Advanced(account_id, before, leg.now, None if leg.whole and goal == asked else asked)


async def _go_to(session: AsyncSession, part: _Part, before: datetime) -> _Leg:
    """Move the clock over a part of the way, with so many tickets and events at a time."""
    leg = _Leg(before, whole=False)
    while not leg.whole and not leg.spent and part.told.count < part.budget:
        leg = await _go(session, part, leg.now)
    return leg


async def _go(session: AsyncSession, part: _Part, before: datetime) -> _Leg:
    """The same with those that are due first."""
    account_id, goal, left = part.account_id, part.goal, part.budget - part.told.count
    most, few = min(left, part.tickets), min(left, part.events)
    due = await lock_due(session, account_id, goal, most, part.done)
    edits = [*due, *await lock_routed(session, account_id, due)]
    roster = await open_roster(session, account_id, edits)
    all_due = len(due) < most
    horizon = goal if all_due else _horizon(due, goal)
    move = partial(look_ahead, session, account_id, roster.staff)
    stopped = await _fire(edits, roster, horizon, few, move, before if part.told.count else None)
    part.done.update(edit.ticket.id for edit in due)
    part.done.difference_update(edit.ticket.id for edit in edits if _is_due(edit, goal))
    part.tickets = max(part.tickets, len(edits) - len(due))  # those whose experts can change come each time
    now = max(before, stopped or horizon)
    changed = [edit for edit in edits if edit.events or edit.touched]
    events = await write_edits(session, changed, beside=hold_writes(roster.staff), recording=False)
    await part.told.take(session, events)
    await (await driver(session)).execute(_MOVE, account_id, now)
    if stopped and not events:
        part.events *= 2  # a single instant tells more than that
    return _Leg(now, whole=all_due and not stopped, spent=stopped is not None and few == left)


async def _lock_clock(session: AsyncSession, account_id: str) -> datetime:
    """Where the clock stands, held until the transaction ends."""
    try:
        found = await (await driver(session)).fetchrow(_LOCK, account_id)
    except LockNotAvailableError as error:
        raise Conflict(_("The account's clock is being moved, or the account changed: try again")) from error
    if found is None:
        raise NotFound
    if found["sandbox_now"] is None:
        raise Conflict(_("Only the clock of a sandbox account can be moved; this account is live"))
    standing: datetime = found["sandbox_now"]
    return standing


async def _until_a_window_ends(session: AsyncSession, account_id: str, before: datetime, goal: datetime) -> datetime:
    """Where the clock goes at most: to the end of a window that holds back what fires.

    409 while what such a window held back is still being opened.
    """
    held = await held_back(session, account_id, before, goal)
    if held.opening:
        detail = _("Alerts that a maintenance window held back are being opened: try again")
        raise Conflict(detail, headers={"Retry-After": "1"})
    return held.ends_at or goal


def _horizon(edits: Sequence[TicketEdit], goal: datetime) -> datetime:
    """How far tickets suffice, when there are more than these: until just past the last of them."""
    return min(goal, max((turn.firing.until for edit in edits if (turn := _turn(edit))), default=goal))


async def _fire(
    edits: Sequence[TicketEdit], roster: Dispatcher, goal: datetime, budget: int, move: _Move, since: datetime | None
) -> datetime | None:
    """Let what is due by ``goal`` happen in order, within the budget; where it stopped because of that, if it did.

    The first of all happens whatever it tells, so that each call gets further: ``since`` is where the clock stands if
    something has happened before, else None. ``move`` moves the roster's clock.
    """
    turns = [turn for edit in edits if (turn := _turn(edit))]
    heapify(turns)
    last: Firing | None = None
    told: dict[str, int] = {}
    async for _pass in in_turns(repeat(None)):
        if not turns or turns[0].firing.until > goal:
            break
        firing, ticket_id, edit = heappop(turns)
        if edit.next_firing() != firing:
            continue  # another ticket's turn has changed this one, which has a newer turn
        step = catch_up(edit.clock, firing.until)
        budget -= 2 * len(step.events)  # a missed join tells a no-show too, and nothing tells more than two
        if budget < 0 and last:
            return firing.at if firing[:2] == last[:2] else last.until
        if budget < 0 and since:
            return since
        edit.now = firing.at
        take_step(edit, step, SERVICE)
        touched = {ticket_id: edit}
        if is_to_do(edit):  # as the live sweep sees to experts directly after what has happened
            await move(firing.until)
            touched |= {each.ticket.id: each async for each in in_turns(roster.run([edit], edits))}
        new = {name: len(each.events) for name, each in touched.items()}
        budget += 2 * len(step.events) - sum(count - told.get(name, 0) for name, count in new.items())
        told |= new
        last = firing
        for each in touched.values():
            if turn := _turn(each):
                heappush(turns, turn)
    return None


def _is_due(edit: TicketEdit, goal: datetime) -> bool:
    """Whether something happens to it by the goal; a deadline that is due exactly there is not missed yet."""
    firing = edit.next_firing()
    return firing is not None and firing.until <= goal


def _turn(edit: TicketEdit) -> _Turn | None:
    firing = edit.next_firing()
    return _Turn(firing, edit.ticket.id, edit) if firing else None
