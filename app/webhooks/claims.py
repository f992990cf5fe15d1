"""Claims on the outbox: which deliveries a sender holds, and until when.

``next_attempt_at`` is both the schedule and the lease: a claim moves it ahead by the lease, and a delivery whose
sender died is simply due again. All of it compares with the database's clock, so that a sender whose own clock is
wrong can neither steal nor starve. ``claim_id`` fences: what a sender settles after it lost its claim is ignored.

What is due twice over goes first: a retry has an instant to keep, a first attempt only its order. Before its turn, a
delivery is parked (``outbox.py``). An endpoint with a ``rate`` is sent to evenly: what is due for it gets a place in
its queue, once, and is due then; ``paced_until`` is where its queue ends. So what waits costs no claim anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import monotonic
from app.core.db import Row, driver
from app.core.ids import new_id
from app.webhooks.formats.bodies import Form

_EARLY: Final = """EXISTS (
        SELECT FROM deliveries AS earlier
        WHERE earlier.endpoint_id = d.endpoint_id AND earlier.ticket_id = d.ticket_id AND earlier.sequence < d.sequence
          AND earlier.state = 'pending' AND earlier.attempts = 0
    )"""
_DUE: Final = """
    SELECT account_id, id, endpoint_id, ticket_id, sequence, attempts, paced, next_attempt_at FROM deliveries
    WHERE next_attempt_at <= (SELECT now FROM moment) AND {which} AND endpoint_id <> ALL ($2::text[])
    ORDER BY next_attempt_at LIMIT {limit} FOR UPDATE SKIP LOCKED
"""
CLAIM: Final = f"""
WITH moment AS MATERIALIZED (
    SELECT coalesce($1::timestamptz, clock_timestamp()) AS now, set_config('synchronous_commit', 'off', true) AS hurry
), retries AS MATERIALIZED ({_DUE.format(which="attempts > 0", limit="$3")}
), firsts AS MATERIALIZED ({_DUE.format(which="attempts = 0", limit="$10")}
), due AS (
    SELECT * FROM retries UNION ALL SELECT * FROM firsts
), looked_at AS MATERIALIZED (
    SELECT d.account_id, d.id, d.endpoint_id, d.attempts = 0 AS first, d.next_attempt_at,
           CASE WHEN d.endpoint_id = ANY ($4::text[]) THEN 1 ELSE coalesce(w.concurrency, $5::int) END AS allowed,
           CASE WHEN d.attempts = 0 AND {_EARLY} THEN 'turn'
                WHEN w.rate IS NOT NULL AND w.enabled AND NOT d.paced THEN 'place' END AS waits_for
    FROM due AS d LEFT JOIN webhook_endpoints AS w ON w.id = d.endpoint_id
), fair AS (
    SELECT *, row_number() OVER (PARTITION BY endpoint_id ORDER BY first, next_attempt_at) AS number
    FROM looked_at WHERE waits_for IS NULL
), chosen AS (
    SELECT f.account_id, f.id FROM fair AS f
    LEFT JOIN unnest($8::text[], $9::int[]) AS h (endpoint_id, in_flight) ON h.endpoint_id = f.endpoint_id
    WHERE f.number <= f.allowed - coalesce(h.in_flight, 0) ORDER BY f.first, f.next_attempt_at LIMIT $3
), claimed AS (
    UPDATE deliveries AS d SET claim_id = $6, next_attempt_at = moment.now + $7::interval
    FROM chosen, moment WHERE d.account_id = chosen.account_id AND d.id = chosen.id
    RETURNING d.account_id, d.id, d.endpoint_id, d.event_id, d.attempts
)
SELECT moment.now, l.waits_for, l.account_id, l.id AS delivery_id, l.endpoint_id, c.attempts, l.allowed,
       w.url, w.secrets, w.secrets_until, w.failing_since, coalesce(w.enabled, false) AS enabled,
       w.format, w.locale, w.projection, k.number, k.title,
       e.id, e.type, e.timestamp, e.ticket_id, e.sequence, e.actor, e.audience, e.sandbox, e.data
FROM looked_at AS l CROSS JOIN moment
LEFT JOIN claimed AS c ON c.account_id = l.account_id AND c.id = l.id
LEFT JOIN events AS e ON e.account_id = c.account_id AND e.id = c.event_id
LEFT JOIN webhook_endpoints AS w ON w.id = c.endpoint_id
LEFT JOIN tickets AS k ON w.format <> 'standard' AND k.account_id = e.account_id AND k.id = e.ticket_id
WHERE l.waits_for IS NOT NULL OR c.id IS NOT NULL ORDER BY l.next_attempt_at
"""  # noqa: S608  conditions of ours
_PARK: Final = f"""
UPDATE deliveries AS d SET next_attempt_at = NULL
FROM unnest($1::text[], $2::text[]) AS mine (account_id, id)
WHERE d.account_id = mine.account_id AND d.id = mine.id AND {_EARLY}
"""  # noqa: S608  a condition of ours
# What is due gets its place at the endpoint's rate: they follow each other by 1 / rate, whichever replica sends them.
_PLACE: Final = """
WITH mine AS (
    SELECT *, row_number() OVER (PARTITION BY endpoint_id ORDER BY line) AS number
    FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS m (account_id, id, endpoint_id, line)
), paces AS MATERIALIZED (
    SELECT id, greatest(paced_until, $4) AS free_at, interval '1 second' / rate AS step
    FROM webhook_endpoints WHERE id = ANY ($3::text[]) AND rate IS NOT NULL ORDER BY id FOR UPDATE
), taken AS (
    UPDATE webhook_endpoints AS w SET paced_until = p.free_at + p.step * m.number
    FROM paces AS p, (SELECT endpoint_id, max(number) AS number FROM mine GROUP BY endpoint_id) AS m
    WHERE w.id = p.id AND m.endpoint_id = p.id
)
UPDATE deliveries AS d SET paced = true, next_attempt_at = p.free_at + p.step * (m.number - 1)
FROM mine AS m JOIN paces AS p ON p.id = m.endpoint_id
WHERE d.account_id = m.account_id AND d.id = m.id
"""
# What is locked is being settled at this moment: waiting for it, in another order than its own, would be a deadlock.
_RENEW: Final = """
WITH held AS MATERIALIZED (
    SELECT d.account_id, d.id FROM deliveries AS d
    JOIN unnest($1::text[], $2::text[], $3::text[]) AS mine (account_id, id, claim_id)
      ON d.account_id = mine.account_id AND d.id = mine.id AND d.claim_id = mine.claim_id
    FOR UPDATE OF d SKIP LOCKED
)
UPDATE deliveries AS d SET next_attempt_at = greatest(d.next_attempt_at, clock_timestamp() + $4::interval)
FROM held WHERE d.account_id = held.account_id AND d.id = held.id
"""
_NEXT_OF: Final = """
SELECT min(next_attempt_at) FROM deliveries
WHERE next_attempt_at IS NOT NULL AND {which} AND endpoint_id <> ALL ($1::text[])
"""
_NEXT: Final = f"""
SELECT least(({_NEXT_OF.format(which="attempts > 0")}), CASE WHEN $2 THEN ({_NEXT_OF.format(which="attempts = 0")}) END)
"""


@dataclass(frozen=True, slots=True, eq=False)
class Claimed:
    """A delivery that this sender holds until its lease ends, with all that sending it needs.

    ``event`` has the columns of the event's row, and for a chat its ticket's ``number`` and ``title``. ``now`` is the
    database's instant of the claim, and ``read_at`` this machine's monotonic one; ``attempts`` counts those before this
    one, ``allowed`` is how many the endpoint takes at once. Where it is disabled or gone, ``enabled`` is false.
    """

    account_id: str
    id: str
    endpoint_id: str
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

    def present(self) -> datetime:
        """The instant by the database's clock: this machine's own may be wrong by a year."""
        return self.now + timedelta(seconds=monotonic() - self.read_at)


@dataclass(frozen=True, slots=True)
class Share:
    """How much one claim may take: ``limit`` deliveries, of one endpoint no more than ``per_endpoint`` at once.

    All but ``reserved`` of them may be first attempts: a retry finds a slot at its instant, whatever the backlog is.
    ``in_flight`` is how many each has already, ``busy`` who has all that it takes, ``throttled`` who takes only one.
    """

    limit: int
    per_endpoint: int
    in_flight: Mapping[str, int] = field(default_factory=dict)
    busy: Sequence[str] = ()
    throttled: Sequence[str] = ()
    reserved: int = 0

    @property
    def firsts(self) -> int:
        """How many of them may be first attempts."""
        return max(0, self.limit - self.reserved)


async def claim(session: AsyncSession, share: Share, *, lease: timedelta, now: datetime | None = None) -> list[Claimed]:
    """Claim deliveries that are due: retries first, then the longest due.

    Others' claims are passed over, not waited for. ``now`` stands in for the database's clock.
    """
    while True:
        claimed, more = await look(session, share, lease=lease, now=now)
        if claimed or not more:
            return claimed


async def look(
    session: AsyncSession, share: Share, *, lease: timedelta, now: datetime | None = None
) -> tuple[list[Claimed], bool]:
    """One look of ``claim``; and whether it put something off, so that there may be more behind it.

    What comes before its turn is parked, and what has no place at its endpoint's rate yet is given one.
    """
    claim_id = new_id("clm")
    connection = await driver(session)
    held = (list(share.in_flight), list(share.in_flight.values()))
    limits = (share.busy, share.limit, share.throttled, share.per_endpoint)
    rows = await connection.fetch(CLAIM, now, *limits, claim_id, lease, *held, share.firsts)
    read_at = monotonic()
    early = [(row["account_id"], row["delivery_id"]) for row in rows if row["waits_for"] == "turn"]
    if early:
        await connection.execute(_PARK, *zip(*early, strict=True))
    fast = [(row["account_id"], row["delivery_id"], row["endpoint_id"]) for row in rows if row["waits_for"] == "place"]
    if fast:
        await connection.execute(_PLACE, *zip(*fast, strict=True), rows[0]["now"])
    return [_claimed(row, claim_id, read_at) for row in rows if not row["waits_for"]], bool(early or fast)


def _claimed(row: Any, claim_id: str, read_at: float) -> Claimed:
    return Claimed(
        account_id=row["account_id"],
        id=row["delivery_id"],
        endpoint_id=row["endpoint_id"],
        claim_id=claim_id,
        now=row["now"],
        read_at=read_at,
        attempts=row["attempts"],
        allowed=row["allowed"],
        enabled=row["enabled"],
        url=row["url"] or "",
        secrets=row["secrets"] or [],
        secrets_until=[datetime.fromisoformat(end) for end in row["secrets_until"] or []],
        failing_since=row["failing_since"],
        form=Form(row["format"], row["locale"], row["projection"]),
        event=row,
    )


async def renew(session: AsyncSession, held: Sequence[Claimed], lease: timedelta) -> None:
    """Hold deliveries that are still being sent for another lease; those that were lost stay lost."""
    columns = [[getattr(one, name) for one in held] for name in ("account_id", "id", "claim_id")]
    await (await driver(session)).execute(_RENEW, *columns, lease)


async def next_due(session: AsyncSession, share: Share) -> datetime | None:
    """When the next delivery is due that this share could take; may have passed. None: nothing waits."""
    due: datetime | None = await (await driver(session)).fetchval(_NEXT, share.busy, share.firsts > 0)
    return due
