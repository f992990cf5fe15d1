"""Claims on the outbox: which deliveries a sender holds, and until when.

A claim moves ``next_attempt_at`` ahead by the lease, and a delivery whose sender died is simply due again. All of it
compares with the database's clock, so that a sender whose own clock is wrong can neither steal nor starve. ``claim_id``
fences: what a sender records after it lost its claim is ignored.

A claim first asks, without locks, in which lanes something waits (``lanes.py``); who gets how much is decided
(``sharing.py``), and only that is locked. In a lane retries go first: a retry has an instant to keep, a first attempt
only its order. Before its turn, a delivery is parked (``outcomes.py``). An endpoint with a ``rate`` is sent to evenly:
what is queued for it gets a place, once, and is due then; ``paced_until`` is where its places end. They are given a
second ahead, to the accounts in turn: no flood takes the places of the next hours.
"""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, TypeAlias

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import monotonic
from app.core.db.session import driver, memory_of
from app.core.db.statements.json_sql import object_of
from app.core.db.tables import Row
from app.core.ids import new_id
from app.core.outgoing.via import read_via
from app.core.text.language import Language
from app.events.envelope import NO_ACCOUNT
from app.events.log import VIA, VIA_FROM
from app.events.stub import STUB
from app.plans import store
from app.plans.document.naming import NO_NAMES, Names, names_of
from app.webhooks.formats.bodies import Form, Format
from app.webhooks.outbox.fanout import DELIVERY_ID
from app.webhooks.outbox.lanes import ORDER, PLACES, queue_due, waiting
from app.webhooks.rules.sharing import START, Grant, Key, Lane, Share, granted

_PLACES: Final = 200
"""So many of one lane get their places at once."""
_AHEAD: Final = 5
"""At most so many more of one lane, and half as many, rounded up, are looked at than it may send, where some were found
to be before their turn.

Whatever is looked at is locked, which costs nearly as much as to claim it.
"""
_random: Final = random.Random()  # noqa: S311  whose turn it is among equals: nothing secret
_Plan: TypeAlias = tuple[str, int]
"""A plan's key and version."""
_Run: TypeAlias = tuple[str, str, str, int, int, int, bool, bool]
"""Of a lane, by its key: how many may be claimed, and of first attempts; and how many are looked at, among which."""

_MOMENT: Final = "50 milliseconds"
"""After which a delivery is looked at again whose turn another transaction is about to decide."""
_WHILE: Final = (
    f"greatest(interval '{_MOMENT}', least(($3::timestamptz - d.created_at) / 4, interval '500 milliseconds'))"
)
"""The same where it may take longer: what has waited for long is looked at more rarely, since each look is a write."""

_EARLIER: Final = """
        SELECT FROM deliveries AS earlier
        WHERE earlier.owner_id = d.owner_id AND earlier.endpoint_id = d.endpoint_id AND earlier.state = 'pending'
          AND earlier.ticket_id = d.ticket_id AND earlier.sequence < d.sequence AND earlier.attempts = 0"""
_EARLY: Final = f"EXISTS ({_EARLIER}\n    )"
# An endpoint that has caught up is sent to directly, beside transactions that have not seen that: ``catch_up`` makes
# the deliveries of what they recorded, a moment after those of the ticket's later events. Those right before are
# looked at.
_UNMADE: Final = f"""
    w.enabled AND w.direct AND w.behind_from IS NOT NULL AND EXISTS (
        SELECT FROM (
            SELECT account_id, id, type, audience, position FROM events
            WHERE account_id = d.account_id AND ticket_id = d.ticket_id AND sequence < d.sequence
            ORDER BY sequence DESC LIMIT 100
        ) AS b
        WHERE b.position > w.behind_from AND (w.account_id IS NULL OR b.audience = 'public')
          AND EXISTS (SELECT FROM webhook_subscriptions AS s
                      WHERE s.account_id = d.owner_id AND s.type = b.type AND s.endpoint_id = d.endpoint_id)
          AND NOT EXISTS (SELECT FROM deliveries AS m WHERE m.account_id = b.account_id
                          AND m.id = {DELIVERY_ID.format(event="b.id", endpoint="d.endpoint_id")})
    )"""  # noqa: S608  our own text
# For a chat, of an event that was recorded without its stub: the ticket as it is. A chat also reads what the ticket's
# plan calls its priorities.
_STUB: Final = object_of({name: f"k.{name}" for name in STUB})
# Many endpoints hear of one event: its JSON is sent once for them all, beside the first of them.
_ONCE: Final = "CASE WHEN row_number() OVER of_event = 1 THEN {} END"
CLAIM: Final = f"""
WITH moment AS MATERIALIZED (
    SELECT coalesce($1::timestamptz, clock_timestamp()) AS now, set_config('synchronous_commit', 'off', true) AS hurry
), looked_at AS MATERIALIZED (
    SELECT d.*, l.many, l.firsts, w.concurrency,
           CASE WHEN d.attempts = 0 AND {_EARLY} THEN 'turn'
                WHEN d.attempts = 0 AND {_UNMADE} THEN 'past'
                WHEN w.rate IS NOT NULL AND w.enabled AND NOT d.paced THEN 'place' END AS waits_for
    FROM unnest($4::text[], $5::text[], $6::text[], $7::int[], $8::int[], $9::int[], $10::bool[], $11::bool[])
         AS l (owner_id, endpoint_id, account_id, many, firsts, reach, unplaced, last)
    CROSS JOIN LATERAL (
        SELECT account_id, id, owner_id, endpoint_id, ticket_id, sequence, attempts, paced, next_attempt_at
        FROM deliveries AS q
        WHERE queued AND next_attempt_at IS NOT NULL AND q.owner_id = l.owner_id AND q.endpoint_id = l.endpoint_id
          AND q.account_id = l.account_id AND (NOT q.paced) BETWEEN l.unplaced AND l.last
        ORDER BY {ORDER} LIMIT l.reach FOR UPDATE SKIP LOCKED
    ) AS d
    LEFT JOIN webhook_endpoints AS w ON w.id = d.endpoint_id
), numbered AS (
    SELECT *, row_number() OVER (
        PARTITION BY owner_id, endpoint_id, account_id ORDER BY attempts = 0, next_attempt_at
    ) AS number
    FROM looked_at WHERE waits_for IS NULL
), claimed AS (
    UPDATE deliveries AS d SET claim_id = $2, next_attempt_at = moment.now + $3::interval, queued = false
    FROM numbered AS n, moment
    WHERE d.account_id = n.account_id AND d.id = n.id
      AND n.number <= CASE WHEN n.attempts = 0 THEN n.firsts ELSE n.many END
    RETURNING d.account_id, d.id, d.endpoint_id, d.event_id, d.attempts
)
SELECT moment.now, l.waits_for, l.account_id, l.id AS delivery_id, l.endpoint_id, l.owner_id, c.attempts, l.concurrency,
       w.url, w.secrets, w.secrets_until, w.failing_since, coalesce(w.enabled, false) AS enabled,
       w.format, w.locale, w.projection,
       CASE WHEN k.id IS NOT NULL AND e.ticket IS NULL THEN {_STUB} END AS stub, k.plan_key, k.plan_version,
       c.event_id, w.format <> 'standard' AS chat, {_ONCE.format("e.id")} AS id,
       e.type, e.timestamp, e.ticket_id, {_ONCE.format("e.ticket")} AS ticket, e.sequence,
       {_ONCE.format("e.actor")} AS actor, e.audience, e.sandbox, {_ONCE.format("e.data")} AS data,
       {VIA}
FROM looked_at AS l CROSS JOIN moment
LEFT JOIN claimed AS c ON c.account_id = l.account_id AND c.id = l.id
LEFT JOIN events AS e ON e.account_id = c.account_id AND e.id = c.event_id
{VIA_FROM}
LEFT JOIN webhook_endpoints AS w ON w.id = c.endpoint_id
LEFT JOIN tickets AS k
  ON k.account_id = e.account_id AND k.id = CASE WHEN w.format <> 'standard' THEN e.ticket_id END
WHERE l.waits_for IS NOT NULL OR c.id IS NOT NULL
WINDOW of_event AS (PARTITION BY c.account_id, c.event_id, w.format <> 'standard')
ORDER BY c.attempts = 0, l.next_attempt_at
"""  # noqa: S608  conditions of ours
# Whoever is recording an earlier attempt holds its row, and may have looked for the next one before this one was
# committed. So a delivery is parked behind a row that nobody holds, and that nobody can end before the parking is seen.
_PARK: Final = f"""
UPDATE deliveries AS d
SET queued = false,
    next_attempt_at = CASE WHEN NOT EXISTS ({_EARLIER}
        FOR SHARE OF earlier SKIP LOCKED
    ) THEN $3::timestamptz + interval '{_MOMENT}' END
FROM unnest($1::text[], $2::text[]) AS mine (account_id, id)
WHERE d.account_id = mine.account_id AND d.id = mine.id AND {_EARLY}
"""  # noqa: S608  a condition of ours
_PUT_BACK: Final = f"""
UPDATE deliveries AS d SET queued = false, next_attempt_at = $3::timestamptz + {_WHILE}
FROM unnest($1::text[], $2::text[]) AS mine (account_id, id) WHERE d.account_id = mine.account_id AND d.id = mine.id
"""  # noqa: S608  a number of ours
# They follow each other by 1 / rate, whichever replica sends them. Where a request holds the endpoint, they get none.
# An account that has places in the next second already comes after those that have fewer.
_PLACE: Final = f"""
WITH had AS (
    SELECT endpoint_id, account_id, count(*) AS number FROM deliveries
    WHERE NOT queued AND next_attempt_at > $4 AND next_attempt_at <= $4 + interval '1 second'
      AND paced AND endpoint_id = ANY ($3::text[])
    GROUP BY endpoint_id, account_id
), turns AS (
    SELECT m.*, coalesce(had.number, 0)
                + row_number() OVER (PARTITION BY m.endpoint_id, m.account_id ORDER BY m.line) AS turn
    FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS m (account_id, id, endpoint_id, line)
    LEFT JOIN had ON had.endpoint_id = m.endpoint_id AND had.account_id = m.account_id
), numbered AS (
    SELECT *, row_number() OVER (PARTITION BY endpoint_id ORDER BY turn, random()) AS number FROM turns
), paces AS MATERIALIZED (
    SELECT id, greatest(paced_until, $4) AS free_at, interval '1 second' / rate AS step,
           {PLACES.format(rate="rate", free_at="paced_until", now="$4")} AS places
    FROM webhook_endpoints WHERE id = ANY ($3::text[]) AND rate IS NOT NULL
    ORDER BY id FOR UPDATE SKIP LOCKED
), mine AS (
    SELECT n.* FROM numbered AS n JOIN paces AS p ON p.id = n.endpoint_id WHERE n.number <= p.places
), taken AS (
    UPDATE webhook_endpoints AS w SET paced_until = p.free_at + p.step * m.number
    FROM paces AS p, (SELECT endpoint_id, max(number) AS number FROM mine GROUP BY endpoint_id) AS m
    WHERE w.id = p.id AND m.endpoint_id = p.id
), placed AS (
    UPDATE deliveries AS d SET paced = true, next_attempt_at = p.free_at + p.step * (m.number - 1),
        queued = p.free_at + p.step * (m.number - 1) <= $4
    FROM mine AS m JOIN paces AS p ON p.id = m.endpoint_id
    WHERE d.account_id = m.account_id AND d.id = m.id
    RETURNING d.endpoint_id
)
SELECT id, id IN (SELECT endpoint_id FROM placed) AS placed FROM paces
"""  # noqa: S608  an expression of ours
# The outcome of what is locked is being recorded: waiting for it, in another order than its own, would be a deadlock.
_RENEW: Final = """
WITH held AS MATERIALIZED (
    SELECT d.account_id, d.id FROM deliveries AS d
    JOIN unnest($1::text[], $2::text[], $3::text[]) AS mine (account_id, id, claim_id)
      ON d.account_id = mine.account_id AND d.id = mine.id AND d.claim_id = mine.claim_id
    FOR UPDATE OF d SKIP LOCKED
)
UPDATE deliveries AS d
SET next_attempt_at = greatest(d.next_attempt_at, clock_timestamp() + $4::interval), queued = false
FROM held WHERE d.account_id = held.account_id AND d.id = held.id
"""


@dataclass(slots=True, eq=False)
class Claimed:
    """A delivery that this sender holds until its lease ends, with all that sending it needs; nobody changes it.

    ``event`` has the columns of the event's row, and ``stub`` as ``make_body`` takes it; ``via`` are the installations
    through which its cause has come, this one last. ``names`` are those of its ticket's plan, for a chat. ``now`` is
    the database's instant of the claim, and ``read_at`` this machine's monotonic one; ``attempts`` counts those before
    this one, ``allowed`` is how many the endpoint takes at once. Where it is disabled or gone, ``enabled`` is false.
    """

    account_id: str
    id: str
    endpoint_id: str
    owner_id: str
    claim_id: str
    now: datetime
    read_at: float
    attempts: int
    allowed: int
    enabled: bool
    url: str
    secrets: Sequence[str]
    secrets_until: Sequence[datetime]
    failing_since: datetime | None
    form: Form
    event: Row
    via: Sequence[str]
    names: Names

    def present(self) -> datetime:
        """The instant by the database's clock: this machine's own may be wrong by a year."""
        return self.now + timedelta(seconds=monotonic() - self.read_at)


@dataclass(frozen=True, slots=True)
class Poll:
    """What one poll of the outbox found, among the lanes behind one of them.

    ``put_off``: deliveries were parked, or given a place. ``held`` are endpoints whose deliveries get none, as somebody
    holds their rows. ``after`` is the lane behind which the next poll goes on; ``START`` once all were seen.
    """

    claimed: Sequence[Claimed] = ()
    put_off: bool = False
    held: Collection[str] = ()
    after: Key = START


async def claim(session: AsyncSession, share: Share, *, lease: timedelta, now: datetime | None = None) -> list[Claimed]:
    """Claim deliveries that are due. Others' claims are passed over. ``now`` stands in for the database's clock."""
    await queue_due(session, now=now)
    after, ahead = START, False
    while True:
        seen = await poll(session, share, lease=lease, now=now, after=after, ahead=ahead)
        after, ahead = seen.after, seen.put_off
        if seen.claimed or (after == START and not seen.put_off):
            return list(seen.claimed)


async def poll(
    session: AsyncSession,
    share: Share,
    *,
    lease: timedelta,
    now: datetime | None = None,
    after: Key = START,
    ahead: bool = False,
) -> Poll:
    """Claim from the lanes behind ``after``, as far as a share goes; ``ahead``: the poll before put some off.

    What comes before its turn is parked, and what has no place at its endpoint's rate yet is given one.
    """
    connection = await driver(session)
    lanes, after = await waiting(session, share, after, now=now)
    if lanes:  # of an endpoint's, those that come first in the order of their ids are not to come first each time
        first = _random.randrange(len(lanes))
        lanes = lanes[first:] + lanes[:first]
    lanes.sort(key=lambda lane: lane.endpoint_id in share.held)  # perhaps all that waits there has no place
    busy = set(share.busy)
    grants = granted([lane for lane in lanes if lane.is_open and lane.endpoint_id not in busy], share, _random.random)
    if not grants:
        return Poll(after=after)
    claim_id = new_id("clm")
    mine = [(lane, grants[lane.key]) for lane in lanes if lane.key in grants]
    asked = [run for lane, grant in mine for run in _asked(lane, grant, share, ahead=ahead)]
    rows = await connection.fetch(CLAIM, now, claim_id, lease, *zip(*asked, strict=True))
    read_at = monotonic()
    put_off = await _put_off(session, rows)
    placed, held = await _give_places(session, rows)
    names = await _names(session, rows)
    events = {_event_of(row): row for row in rows if row["id"]}
    claimed = [
        _claimed(row, events.get(_event_of(row), row), claim_id, read_at, share, names)
        for row in rows
        if not row["waits_for"]
    ]
    return Poll(claimed, put_off or placed, held, after)


def _asked(lane: Lane, grant: Grant, share: Share, *, ahead: bool) -> list[_Run]:
    """What of a lane is looked at: all in its order; or at a rate, what has its place apart from what has none."""
    more = min((grant.many + 1) // 2, _AHEAD) if ahead else 0
    has_places = *lane.key, grant.many, grant.firsts, grant.many + more, False, lane.places is None
    if lane.places is None or lane.places <= 0 or lane.endpoint_id in share.held:
        return [has_places]
    return [has_places, (*lane.key, grant.many, grant.firsts, min(_PLACES, lane.places), True, True)]


async def _put_off(session: AsyncSession, rows: Sequence[Any]) -> bool:
    connection = await driver(session)
    put_off = False
    for waits_for, statement in (("turn", _PARK), ("past", _PUT_BACK)):
        waiting_for_it = [(row["account_id"], row["delivery_id"]) for row in rows if row["waits_for"] == waits_for]
        if waiting_for_it:
            await connection.execute(statement, *zip(*waiting_for_it, strict=True), rows[0]["now"])
            put_off = True
    return put_off


async def _give_places(session: AsyncSession, rows: Sequence[Any]) -> tuple[bool, set[str]]:
    """Give what has none a place at its endpoint's rate; whether any got one, and the endpoints that somebody holds."""
    without = [row for row in rows if row["waits_for"] == "place"]
    if not without:
        return False, set()
    columns = [[row[name] for row in without] for name in ("account_id", "delivery_id", "endpoint_id")]
    paces = await (await driver(session)).fetch(_PLACE, *columns, rows[0]["now"])
    return any(row["placed"] for row in paces), set(columns[-1]) - {row["id"] for row in paces}


async def _names(session: AsyncSession, rows: Sequence[Any]) -> dict[_Plan, Names]:
    """What the plans of tickets that a chat is told of are called, and their priorities."""
    plans = {_plan_of(row) for row in rows if row["plan_key"]}
    return {plan: names_of(await store.document(session, memory_of(session), *plan)) for plan in plans}


def _plan_of(row: Any) -> _Plan:
    return row["plan_key"], row["plan_version"]


def _event_of(row: Any) -> tuple[str, str, bool]:
    return row["account_id"], row["event_id"], row["chat"]


def _claimed(
    row: Any, event: Row, claim_id: str, read_at: float, share: Share, names: Mapping[_Plan, Names]
) -> Claimed:
    return Claimed(
        account_id=row["account_id"],
        id=row["delivery_id"],
        endpoint_id=row["endpoint_id"],
        owner_id=row["owner_id"],
        claim_id=claim_id,
        now=row["now"],
        read_at=read_at,
        attempts=row["attempts"],
        allowed=row["concurrency"] or share.per_endpoint,
        enabled=row["enabled"],
        url=row["url"] or "",
        secrets=row["secrets"] or [],
        secrets_until=[datetime.fromisoformat(end) for end in row["secrets_until"] or []],
        failing_since=row["failing_since"],
        form=_form(row["format"], row["locale"], row["projection"], row["owner_id"] == NO_ACCOUNT),
        event=event,
        via=(*read_via(row["via"]), row["installation"]),
        names=names.get(_plan_of(row), NO_NAMES),
    )


@lru_cache(maxsize=256)
def _form(chosen: Format, locale: Language, projection: str | None, internal: bool) -> Form:  # noqa: FBT001
    return Form(chosen, locale, projection, internal)


async def renew(session: AsyncSession, held: Sequence[Claimed], lease: timedelta) -> None:
    """Hold deliveries that are still being sent for another lease; those that were lost stay lost."""
    columns = [[getattr(one, name) for one in held] for name in ("account_id", "id", "claim_id")]
    await (await driver(session)).execute(_RENEW, *columns, lease)
