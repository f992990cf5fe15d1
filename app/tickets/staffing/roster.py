"""Seeing to the experts of tickets before they are saved: the roster is locked, read, and given to a dispatcher.

Whoever holds the roster's lock never waits for a ticket: other tickets are only taken when nobody else holds them.
One that was held, and should have been looked at, is looked at when it is saved, or by a timer of the other's.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from asyncpg import Record
from sqlalchemy.ext.asyncio import AsyncSession

from app.calendars.hours import Calendar
from app.core.db.locks import AdvisoryLock, acquire, try_acquire
from app.core.db.session import driver, memory_of, ring_after_commit, wake_ups_of
from app.core.db.statements.bulk import Write, deleted, inserted, updated
from app.core.db.tables import Row
from app.core.process.cooperative import in_turns
from app.events.people import Person
from app.roster import shifts
from app.roster.choose import Cover, Expert
from app.roster.models import ExpertHoldRow
from app.tickets.editing.edit import TicketEdit
from app.tickets.editing.load import SELECT, caught_up, load
from app.tickets.staffing.assigning import Background
from app.tickets.staffing.dispatcher import Dispatcher
from app.tickets.staffing.handover import EXCERPT, Briefing
from app.tickets.staffing.queue import MOST, lock_first
from app.tickets.staffing.route import is_to_do
from app.tickets.staffing.staff import Staff

_SOON: Final = timedelta(seconds=1)
_LOCK: Final = AdvisoryLock("roster", "hashtext('heliodesk roster'), hashtext($1)")
LEFT_FOR: Final = timedelta(seconds=1)
"""A ticket that is left to the pass for experts comes back to the sweep so much later."""
_LEAVE: Final = "UPDATE tickets SET wake_at = clock_timestamp() + $2::interval WHERE id = ANY ($1::text[])"
_NEXT: Final = 20
"""How many overrides to come are looked at of each engineer, covered or covering: the first ones. How far they reach is
``Staff.known_until``: then the roster is looked at again."""
# An override whose substitute is not active does not hold: better the one who was on shift than nobody.
_ROSTER: Final = """
WITH standing AS (
    SELECT coalesce($3::timestamptz, (SELECT sandbox_now FROM accounts WHERE account_id = $1), clock_timestamp()) AS now
), present AS MATERIALIZED (
    SELECT o.* FROM standing AS s CROSS JOIN engineers AS e CROSS JOIN LATERAL (
        SELECT o.since, o.until, o.engineer_id, o.covered_by FROM shift_overrides AS o
        WHERE o.engineer_id = e.id AND o.until > s.now ORDER BY o.until LIMIT 1
    ) AS o
    WHERE e.account_id IS NOT DISTINCT FROM $1 AND o.since <= s.now
)
SELECT clock_timestamp() AS now,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('key', r.key, 'calendar', r.calendar) ORDER BY r.place, r.id), '[]')
     FROM regions AS r WHERE r.account_id IS NOT DISTINCT FROM $1) AS regions,
    (SELECT coalesce(jsonb_agg(to_jsonb(e) || jsonb_build_object(
        'held_for', h.ticket_id, 'held_by', h.account_id, 'load', (
            SELECT count(*) FROM tickets AS t WHERE t.assignee_id = e.id AND t.status NOT IN ('resolved', 'closed')
        ),
        'covered', (SELECT coalesce(jsonb_agg(jsonb_build_array(o.since, o.until, o.covered_by)), '[]') FROM (
            SELECT o.since, o.until, o.covered_by FROM shift_overrides AS o JOIN engineers AS c ON c.id = o.covered_by
            WHERE o.engineer_id = e.id AND o.until > s.now AND c.active AND c.account_id IS NOT DISTINCT FROM $1
            ORDER BY o.until LIMIT $2
        ) AS o),
        'covers', (SELECT coalesce(jsonb_agg(jsonb_build_array(o.since, o.until, o.engineer_id)), '[]') FROM (
            SELECT p.since, p.until, p.engineer_id FROM present AS p WHERE p.covered_by = e.id AND e.active
            UNION ALL (
                SELECT o.since, o.until, o.engineer_id FROM shift_overrides AS o
                WHERE o.covered_by = e.id AND o.since > s.now AND e.active ORDER BY o.since LIMIT $2
            )
        ) AS o)
     )), '[]')
     FROM engineers AS e CROSS JOIN standing AS s LEFT JOIN expert_holds AS h ON h.engineer_id = e.id
     WHERE e.account_id IS NOT DISTINCT FROM $1) AS engineers,
    EXISTS (
        SELECT FROM tickets AS t
        WHERE t.queued_at IS NOT NULL AND t.sandbox = ($1::text IS NOT NULL) AND ($1 IS NULL OR t.account_id = $1)
    ) AS waiting
"""
_WAITING: Final = "SELECT EXISTS (SELECT FROM tickets WHERE queued_at IS NOT NULL AND NOT sandbox)"
_BACKGROUNDS: Final = f"""
SELECT k.id, a.preferred_engineers, left(m.body, {EXCERPT}) AS body, m.created_at, c.join_url
FROM unnest($1::text[], $2::text[]) AS k (account_id, id)
JOIN accounts AS a ON a.account_id = k.account_id
LEFT JOIN LATERAL (
    SELECT m.body, m.created_at FROM messages AS m
    WHERE m.account_id = k.account_id AND m.ticket_id = k.id AND m.visibility = 'public'
    ORDER BY m.sequence DESC LIMIT 1
) AS m ON true
LEFT JOIN LATERAL (
    SELECT c.join_url FROM calls AS c
    WHERE c.account_id = k.account_id AND c.ticket_id = k.id AND c.state IN ('ready', 'joined', 'no_show')
    ORDER BY c.sequence DESC LIMIT 1
) AS c ON true
"""  # noqa: S608  our own number
_SCOPE: Final = "(NOT t.sandbox AND $1::text IS NULL OR t.account_id = $1)"
_OPEN: Final = "t.status NOT IN ('resolved', 'closed')"
_OTHER_WORK: Final = f"""
{SELECT} WHERE t.assignee_id = ANY ($2::text[]) AND {_OPEN} AND {_SCOPE} AND t.id <> ALL ($3::text[])
"""
_ROUTED: Final = f"""
t.account_id = $1 AND (t.queued_at IS NOT NULL OR t.assignee_id IS NOT NULL) AND {_OPEN}
AND EXISTS (SELECT FROM engineers AS e WHERE e.account_id = $1)
"""
ROUTED: Final = f"SELECT t.id FROM tickets AS t WHERE {_ROUTED}"  # noqa: S608  our own conditions
"""The tickets of a sandbox account, ``$1``, whose experts can change."""
_OF_SANDBOX: Final = f"{SELECT} WHERE {_ROUTED} AND t.id <> ALL ($2::text[]) ORDER BY t.id FOR UPDATE"


_DEFERRED: Final = f"{_OTHER_WORK} AND t.queued_at IS NOT NULL"


async def lock_roster(session: AsyncSession, scope: str | None) -> None:
    """Hold the roster, live or a sandbox account's: after the ticket's lock, and until the transaction ends.

    Raises ``Again`` and ``LockNotAvailableError`` as ``locks.acquire`` does.
    """
    await acquire(session, _LOCK, scope or "")


async def open_roster(session: AsyncSession, scope: str | None, edits: Collection[TicketEdit]) -> Dispatcher:
    """Lock the roster (``lock_roster``) and read it as it is then, with the background of these tickets."""
    await lock_roster(session, scope)
    return await read_roster(session, scope, edits)


async def look_ahead(session: AsyncSession, scope: str | None, staff: Staff, now: datetime) -> None:
    """Move a roster's clock on, with the overrides that are to come then: fewer may have been read before."""
    staff.now = now
    if staff.known_until and staff.known_until <= now:
        staff.see_overrides((await read_roster(session, scope, (), at=now)).staff)


async def read_roster(
    session: AsyncSession, scope: str | None, edits: Collection[TicketEdit], *, at: datetime | None = None
) -> Dispatcher:
    """The same without the lock: only to look at. ``at``: with the overrides from then on."""
    found = await (await driver(session)).fetchrow(_ROSTER, scope, _NEXT, at)
    if found is None:
        raise LookupError("a SELECT without FROM gives a row")
    memory = memory_of(session)
    regions = {region["key"]: shifts.compiled(memory, region["calendar"]) for region in found["regions"]}
    rows = {row["id"]: row for row in found["engineers"]}
    calendars = {name: shifts.of_engineer(memory, row["shifts"], row["region"], regions) for name, row in rows.items()}
    experts = {name: _expert(row, calendars, rows) async for name, row in in_turns(rows.items())}
    people = {name: Person(row["name"], row["display_name"]) for name, row in rows.items()}
    known = min((end for row in rows.values() if (end := _known_until(row))), default=None)
    staff = Staff(found["now"], experts, tuple(regions), people, known_until=known)
    dispatcher = Dispatcher(staff, waiting=found["waiting"])
    await _add_backgrounds(session, dispatcher, edits)
    return dispatcher


def _expert(row: Row, calendars: Mapping[str, Calendar], rows: Mapping[str, Row]) -> Expert:
    return Expert(
        id=row["id"],
        calendar=calendars[row["id"]],
        region=row["region"],
        tier=row["tier"],
        languages=frozenset(each.partition("-")[0] for each in row["languages"]),
        products=frozenset(row["products"]),
        capacity=row["capacity"],
        absences=tuple((_instant(away["from"]), _instant(away["to"])) for away in row["absences"]),
        covered=tuple((_instant(since), _instant(until), by) for since, until, by in row["covered"]),
        covers=tuple(
            Cover(_instant(since), _instant(until), calendars[name], rows[name]["region"])
            for since, until, name in row["covers"]
        ),
        active=row["active"],
        load=row["load"],
        held_for=row["held_for"],
        held_by=row["held_by"],
    )


def _known_until(row: Row) -> datetime | None:
    """From when on there may be overrides of an engineer that were not read; None: all were."""
    covered = [_instant(until) for _, until, _ in row["covered"]]
    covers = [_instant(since) for since, _, _ in row["covers"]]
    return min((max(instants) for instants in (covered, covers) if len(instants) >= _NEXT), default=None)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def _add_backgrounds(session: AsyncSession, dispatcher: Dispatcher, edits: Collection[TicketEdit]) -> None:
    if not edits:
        return
    keys = ([edit.ticket.account_id for edit in edits], [edit.ticket.id for edit in edits])
    async for row in in_turns(await (await driver(session)).fetch(_BACKGROUNDS, *keys)):
        briefing = Briefing(row["body"], row["created_at"], row["join_url"])
        dispatcher.backgrounds[row["id"]] = Background(row["preferred_engineers"], briefing)


async def see_to_experts(
    session: AsyncSession, edits: Sequence[TicketEdit], *, standing: bool
) -> tuple[list[TicketEdit], list[Write]]:
    """Decide about the experts of tickets that are to be saved: further tickets that this changed, and the holds.

    Without anything to decide there is no round trip. ``standing``: the tickets' instant was given, and stays.
    """
    others: list[TicketEdit] = []
    writes: list[Write] = []
    todo = [edit for edit in edits if is_to_do(edit)]
    for scope in sorted({scope_of(edit) for edit in todo}):
        own = [edit for edit in todo if scope_of(edit) == scope]
        known = [edit for edit in edits if scope_of(edit) == scope]
        dispatcher = await open_roster(session, scope or None, own)
        if scope or standing:
            dispatcher.staff.now = max(edit.now for edit in own)
        others += await _Round(session, dispatcher, scope or None, known).run(own)
        writes += hold_writes(dispatcher.staff)
    return others, writes


async def see_to_queue(session: AsyncSession) -> tuple[list[TicketEdit], list[Write]]:
    """Give live tickets of the queue to whoever has room for them: the changed tickets, and the holds.

    Without anything in the queue it is one statement.
    """
    if not await (await driver(session)).fetchval(_WAITING):
        return [], []
    dispatcher = await open_roster(session, None, ())
    changed = await _Round(session, dispatcher, None, ()).run(())
    return changed, hold_writes(dispatcher.staff)


async def without_experts(session: AsyncSession, edits: Sequence[TicketEdit]) -> list[TicketEdit]:
    """Those of these locked live tickets that can be saved now, though others may hold the roster.

    If they do, tickets whose experts are to be seen to stay as they were, for the pass that the wake-up ``experts``
    wakes. If that fails, they are due again.
    """
    todo = [edit.ticket.id for edit in edits if is_to_do(edit)]
    if not todo or await try_acquire(session, _LOCK, ""):
        return list(edits)
    await (await driver(session)).execute(_LEAVE, todo, LEFT_FOR)
    wake_ups_of(session).left.update(todo)
    ring_after_commit(session, "experts")
    return [edit for edit in edits if edit.ticket.id not in todo]


def scope_of(edit: TicketEdit) -> str:
    """Whose roster serves the ticket: empty for the live one, else the sandbox account's."""
    return edit.ticket.account_id if edit.ticket.sandbox else ""


@dataclass(slots=True)
class _Round:
    """Tickets that are saved together, and what else is decided because of them."""

    session: AsyncSession
    dispatcher: Dispatcher
    scope: str | None
    known: Sequence[TicketEdit]
    others: list[TicketEdit] = field(default_factory=list)
    queued: int = 0
    """how many of ``others`` come from the queue"""
    skipped: int = 0
    """how many of the queue's tickets somebody else held"""

    async def run(self, todo: Sequence[TicketEdit]) -> list[TicketEdit]:
        """Decide about these tickets and those that wait for the same experts, then about what follows from it.

        Whoever is free is not given to the first who asks, but to the one whose turn it is.
        """
        first = await self._lock_queue()
        await self._decide([*todo, *first])
        while True:
            moves = self.dispatcher.staff.moves
            first = await self._lock_queue() if first or moves.freed else []
            found = [*await self._lock_other_tickets(), *await self._lock_deferred(), *first]
            if not found:
                break
            await self._decide(found, moves.back)
        if self.skipped and self.dispatcher.staff.idle():
            self._poll_again(self.known[:1])
        return [edit for edit in self.others if edit.events]

    async def _decide(self, todo: Sequence[TicketEdit], back: Iterable[str] = ()) -> None:
        async for _ in in_turns(self.dispatcher.run(todo, [*self.known, *self.others], back)):
            pass

    async def _lock_other_tickets(self) -> list[TicketEdit]:
        """The other tickets of engineers who are held now."""
        staff, connection = self.dispatcher.staff, await driver(self.session)
        busy = [name for name in staff.moves.taken if staff.experts[name].load > 1]
        if not busy:
            return []
        values = (self.scope, busy, self._ids())
        seen = await connection.fetch(_OTHER_WORK, *values)
        got = await connection.fetch(f"{_OTHER_WORK} ORDER BY t.id FOR UPDATE SKIP LOCKED", *values)
        if len(got) < len(seen):
            late = {row["assignee_id"] for row in seen}
            self._poll_again(edit for edit in self.known if edit.ticket.routing and edit.ticket.assignee_id in late)
        return await self._add(got)

    async def _lock_deferred(self) -> list[TicketEdit]:
        """The tickets of engineers who are free again that have waited for them; whoever holds one sees to it."""
        staff = self.dispatcher.staff
        free = [name for name in staff.moves.freed if staff.experts[name].held_for is None]
        if not free or not self.dispatcher.waiting:
            return []
        connection = await driver(self.session)
        query = f"{_DEFERRED} ORDER BY t.id FOR UPDATE SKIP LOCKED"
        return await self._add(await connection.fetch(query, self.scope, free, self._ids()))

    async def _lock_queue(self) -> list[TicketEdit]:
        """The tickets that come next in the queue, if anybody is free for them."""
        if not self.dispatcher.waiting or self.queued >= MOST:
            return []
        rows, skipped = await lock_first(self.session, self.dispatcher.staff, self.scope, self._ids())
        self.queued += len(rows)
        self.skipped += skipped
        return await self._add(rows)

    def _ids(self) -> list[str]:
        return [edit.ticket.id for edit in (*self.known, *self.others)]

    async def _add(self, rows: Sequence["Record[Any]"]) -> list[TicketEdit]:
        found, _ = await caught_up(self.session, rows)
        await _add_backgrounds(self.session, self.dispatcher, found)
        self.others += found
        return found

    @staticmethod
    def _poll_again(edits: Iterable[TicketEdit]) -> None:
        """Somebody else holds a ticket that this concerns: check in a moment whether they have dealt with it."""
        for edit in edits:
            soon = edit.now + _SOON
            edit.ticket.route_at = min(edit.ticket.route_at or soon, soon)


def hold_writes(staff: Staff) -> list[Write]:
    """What becomes of the rows of holds: each engineer's row is touched once."""
    new, changed, over = staff.holds
    return [deleted(ExpertHoldRow, over), updated(ExpertHoldRow, changed), inserted(ExpertHoldRow, new)]


async def lock_routed(session: AsyncSession, account_id: str, known: Sequence[TicketEdit]) -> list[TicketEdit]:
    """Lock the other tickets of a sandbox account whose experts can change; not caught up."""
    rows = await (await driver(session)).fetch(_OF_SANDBOX, account_id, [edit.ticket.id for edit in known])
    return await load(session, rows)
