"""The outbox: claim, renew, settle. Each is one or two round trips, whatever the number of deliveries.

``next_attempt_at`` is both the schedule and the lease: a claim moves it ahead by the lease, and a delivery whose
sender died is simply due again. All of it compares with the database's clock, so that a sender whose own clock is
wrong can neither steal nor starve. ``claim_id`` fences: what a sender settles after it lost its claim is ignored.

The first attempts at the events of one ticket are made in turn, endpoint by endpoint: a delivery before its turn is
*parked*, without a ``next_attempt_at``, so that it costs no claim anything. Whoever ends a first attempt lets the next
one go. A claim that parks holds the row's lock and looks after it got it; whoever lets it go waits for that lock, and
so never misses what is being parked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import monotonic
from app.core.db import Row, Sessions, driver, ring_after_commit, to_json, transaction
from app.core.ids import new_id
from app.webhooks.formats.bodies import Form
from app.webhooks.schemas import DeliveryState

ATTEMPTS_KEPT: Final = 40
"""How many attempts of a delivery its log keeps, the newest: ten, and those of three times that it was sent again."""

_EARLY: Final = """EXISTS (
        SELECT FROM deliveries AS earlier
        WHERE earlier.endpoint_id = d.endpoint_id AND earlier.ticket_id = d.ticket_id AND earlier.sequence < d.sequence
          AND earlier.state = 'pending' AND earlier.attempts = 0
    )"""
CLAIM: Final = f"""
WITH moment AS MATERIALIZED (
    SELECT coalesce($1::timestamptz, clock_timestamp()) AS now
), due AS MATERIALIZED (
    SELECT account_id, id, endpoint_id, ticket_id, sequence, attempts, next_attempt_at FROM deliveries
    WHERE next_attempt_at <= (SELECT now FROM moment) AND endpoint_id <> ALL ($2::text[])
    ORDER BY next_attempt_at LIMIT $3 FOR UPDATE SKIP LOCKED
), turn AS MATERIALIZED (
    SELECT account_id, id, endpoint_id, next_attempt_at, attempts = 0 AND {_EARLY} AS early FROM due AS d
), fair AS (
    SELECT account_id, id, endpoint_id, row_number() OVER (PARTITION BY endpoint_id ORDER BY next_attempt_at) AS place
    FROM turn WHERE NOT early
), claimed AS (
    UPDATE deliveries AS d SET claim_id = $6, next_attempt_at = moment.now + $7::interval
    FROM fair, moment
    WHERE d.account_id = fair.account_id AND d.id = fair.id
      AND fair.place <= CASE WHEN fair.endpoint_id = ANY ($4::text[]) THEN 1 ELSE $5::int END
    RETURNING d.account_id, d.id, d.endpoint_id, d.event_id, d.attempts, moment.now
)
SELECT t.early, t.account_id, t.id AS delivery_id, t.endpoint_id, c.attempts, c.now, w.url, w.secrets,
       w.secrets_until, w.failing_since, coalesce(w.enabled, false) AS enabled, w.format, w.locale,
       w.projection, k.number, k.title,
       e.id, e.type, e.timestamp, e.ticket_id, e.sequence, e.actor, e.audience, e.sandbox, e.data
FROM turn AS t
LEFT JOIN claimed AS c ON c.account_id = t.account_id AND c.id = t.id
LEFT JOIN events AS e ON e.account_id = c.account_id AND e.id = c.event_id
LEFT JOIN webhook_endpoints AS w ON w.id = c.endpoint_id
LEFT JOIN tickets AS k ON w.format <> 'standard' AND k.account_id = e.account_id AND k.id = e.ticket_id
WHERE t.early OR c.id IS NOT NULL
"""  # noqa: S608  a condition of ours
_PARK: Final = f"""
UPDATE deliveries AS d SET next_attempt_at = NULL
FROM unnest($1::text[], $2::text[]) AS mine (account_id, id)
WHERE d.account_id = mine.account_id AND d.id = mine.id AND {_EARLY}
"""  # noqa: S608  a condition of ours
_RENEW: Final = """
UPDATE deliveries AS d SET next_attempt_at = greatest(d.next_attempt_at, clock_timestamp() + $4::interval)
FROM unnest($1::text[], $2::text[], $3::text[]) AS mine (account_id, id, claim_id)
WHERE d.account_id = mine.account_id AND d.id = mine.id AND d.claim_id = mine.claim_id
"""
_SETTLE: Final = f"""
UPDATE deliveries AS d
SET state = r.state, attempts = r.attempts, next_attempt_at = r.next_attempt_at, last_attempt = r.last_attempt,
    earlier_attempts = CASE WHEN d.last_attempt IS NULL THEN d.earlier_attempts ELSE jsonb_path_query_array(
        coalesce(d.earlier_attempts, '[]') || d.last_attempt, '$[last - {ATTEMPTS_KEPT - 2} to last]') END,
    claim_id = NULL, finished_at = CASE WHEN r.state <> 'pending' THEN clock_timestamp() END
FROM jsonb_to_recordset($1::jsonb) AS r (account_id text, id text, claim_id text, state text, attempts int,
                                         next_attempt_at timestamptz, last_attempt jsonb, first boolean)
WHERE d.account_id = r.account_id AND d.id = r.id AND d.claim_id = r.claim_id
RETURNING d.endpoint_id, d.ticket_id, r.first AND d.sequence IS NOT NULL AS opens
"""  # noqa: S608  a number of ours
# The row is written even where it is due already: that is what waits for a claim that is about to park it.
_LET_GO: Final = """
UPDATE deliveries AS d SET next_attempt_at = coalesce(d.next_attempt_at, clock_timestamp())
FROM unnest($1::text[], $2::text[]) AS s (endpoint_id, ticket_id) CROSS JOIN LATERAL (
    SELECT n.account_id, n.id FROM deliveries AS n
    WHERE n.endpoint_id = s.endpoint_id AND n.ticket_id = s.ticket_id AND n.sequence IS NOT NULL
      AND n.state = 'pending' AND n.attempts = 0
    ORDER BY n.sequence LIMIT 1
) AS next
WHERE d.account_id = next.account_id AND d.id = next.id
"""
_HEALTH: Final = """
WITH mine AS (SELECT id FROM webhook_endpoints WHERE id = ANY ($1::text[] || $2::text[]) ORDER BY id FOR UPDATE)
UPDATE webhook_endpoints AS w
SET failing_since = CASE WHEN w.id = ANY ($1::text[]) THEN NULL ELSE coalesce(failing_since, clock_timestamp()) END
FROM mine WHERE w.id = mine.id
"""
_NEXT: Final = """
SELECT min(next_attempt_at) FROM deliveries WHERE next_attempt_at IS NOT NULL AND endpoint_id <> ALL ($1::text[])
"""

_FORGET: Final = "DELETE FROM deliveries WHERE finished_at < now() - $1::interval"
RETENTION: Final = timedelta(days=30)
"""How long an ended delivery can be looked up and sent again."""


@dataclass(frozen=True, slots=True, eq=False)
class Claimed:
    """A delivery that this sender holds until its lease ends, with all that sending it needs.

    ``event`` has the columns of the event's row, and for a chat its ticket's ``number`` and ``title``. ``now`` is the
    database's instant of the claim, and ``read_at`` this machine's monotonic one; ``attempts`` counts those before this
    one. Where the endpoint is disabled or gone, ``enabled`` is false.
    """

    account_id: str
    id: str
    endpoint_id: str
    claim_id: str
    now: datetime
    read_at: float
    attempts: int
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
class Settlement:
    """What has become of a claimed delivery. ``disable``: why its endpoint is to get no more, or None."""

    delivery: Claimed
    state: DeliveryState
    attempts: int
    last_attempt: Row
    next_attempt_at: datetime | None = None
    disable: str | None = None

    def row(self) -> Row:
        """The values that the statement needs."""
        return {
            "account_id": self.delivery.account_id,
            "id": self.delivery.id,
            "claim_id": self.delivery.claim_id,
            "state": self.state,
            "attempts": self.attempts,
            "next_attempt_at": self.next_attempt_at,
            "last_attempt": self.last_attempt,
            "first": self.delivery.attempts == 0,
        }


@dataclass(frozen=True, slots=True)
class Share:
    """How much one claim may take: ``limit`` deliveries, of one endpoint no more than ``per_endpoint``.

    ``busy`` endpoints get nothing, ``throttled`` ones a single delivery.
    """

    limit: int
    per_endpoint: int
    busy: Sequence[str] = ()
    throttled: Sequence[str] = ()


async def claim(session: AsyncSession, share: Share, *, lease: timedelta, now: datetime | None = None) -> list[Claimed]:
    """Claim deliveries that are due, the longest due first; others' claims are passed over, not waited for.

    Those before their turn are parked. ``now`` stands in for the database's clock.
    """
    claim_id = new_id("clm")
    connection = await driver(session)
    while True:
        rows = await connection.fetch(
            CLAIM, now, share.busy, share.limit, share.throttled, share.per_endpoint, claim_id, lease
        )
        read_at = monotonic()
        early = [(row["account_id"], row["delivery_id"]) for row in rows if row["early"]]
        if early:
            await connection.execute(_PARK, *zip(*early, strict=True))
        claimed = [_claimed(row, claim_id, read_at) for row in rows if not row["early"]]
        if claimed or not early:
            return claimed


def _claimed(row: Any, claim_id: str, read_at: float) -> Claimed:
    return Claimed(
        account_id=row["account_id"],
        id=row["delivery_id"],
        endpoint_id=row["endpoint_id"],
        claim_id=claim_id,
        now=row["now"],
        read_at=read_at,
        attempts=row["attempts"],
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


async def settle(session: AsyncSession, settlements: Sequence[Settlement]) -> None:
    """Write what became of deliveries, where the claim still holds, and since when their endpoints have failed.

    Where a first attempt ended, the next event of the ticket has its turn; the sender is woken after the commit.
    """
    connection = await driver(session)
    settled = await connection.fetch(_SETTLE, to_json([one.row() for one in settlements]))
    turns = {(row["endpoint_id"], row["ticket_id"]) for row in settled if row["opens"]}
    if turns and await connection.execute(_LET_GO, *zip(*sorted(turns), strict=True)) != "UPDATE 0":
        ring_after_commit(session, "deliveries")
    delivered = {one.delivery.endpoint_id for one in settlements if one.state == "delivered"}
    recovered = {one.delivery.endpoint_id for one in settlements if one.delivery.failing_since} & delivered
    unsuccessful = [one for one in settlements if one.state != "skipped" and not one.delivery.failing_since]
    failing = {one.delivery.endpoint_id for one in unsuccessful} - delivered
    if recovered or failing:
        await connection.execute(_HEALTH, list(recovered), list(failing))


async def next_due(session: AsyncSession, busy: Sequence[str]) -> datetime | None:
    """When the next delivery of an endpoint that is not ``busy`` is due; may have passed. None: nothing waits."""
    due: datetime | None = await (await driver(session)).fetchval(_NEXT, busy)
    return due


async def forget_deliveries(sessions: Sessions) -> None:
    """Drop deliveries that ended longer ago than the retention; their events stay for ever."""
    async with transaction(sessions) as session:
        await (await driver(session)).execute(_FORGET, RETENTION)
