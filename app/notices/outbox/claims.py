"""What leaves the outbox of notices: claimed under a lease, and fenced by its claim when the outcome is recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.engine import Sessions
from app.core.db.session import driver, memory_of
from app.core.db.statements.bulk import to_json
from app.core.db.statements.housekeeping import forget
from app.core.db.tables import Row
from app.core.ids import new_id
from app.core.outgoing.via import read_via, write_via
from app.core.text.messages import Message, to_stored
from app.events.log import VIA, VIA_FROM
from app.events.upcast import upcast
from app.notices.content.guests import GUEST, STRANGER
from app.notices.content.reports import READER
from app.notices.content.telling import REQUESTER, WATCHER
from app.notices.models import GuestMailRow, NoticeRow
from app.plans import store
from app.plans.document.model import PlanDocument
from app.plans.document.naming import NO_NAMES, Names

LEASE: Final = timedelta(seconds=60)
RETENTION: Final = timedelta(days=30)
# Without locks, and from one account to the next in the index, however many notices an account has.
_ACCOUNTS: Final = """
WITH RECURSIVE found AS (
    (SELECT account_id FROM notices WHERE account_id > $1 AND next_attempt_at <= statement_timestamp()
     ORDER BY account_id LIMIT 1)
    UNION ALL
    SELECT (SELECT n.account_id FROM notices AS n
            WHERE n.account_id > found.account_id AND n.next_attempt_at <= statement_timestamp()
            ORDER BY n.account_id LIMIT 1)
    FROM found WHERE found.account_id IS NOT NULL
)
SELECT account_id FROM found WHERE account_id IS NOT NULL LIMIT $2
"""
ABOUT: Final = """jsonb_build_object(
    'number', t.number, 'title', t.title, 'priority', t.priority, 'business_impact', t.business_impact,
    'priority_reason', t.priority_reason, 'join_url', calls.join_url,
    'plan_key', t.plan_key, 'plan_version', t.plan_version) AS ticket"""
"""What a message tells of its ticket ``t`` as it is when the message is sent."""
ABOUT_FROM: Final = """
LEFT JOIN tickets AS t ON t.account_id = c.account_id AND t.id = e.ticket_id
LEFT JOIN LATERAL (
    SELECT join_url FROM calls
    WHERE calls.account_id = t.account_id AND calls.ticket_id = t.id AND state IN ('ready', 'joined', 'no_show')
    ORDER BY sequence DESC LIMIT 1
) AS calls ON true"""
"""Where that is read from, by a claimed message ``c`` and its event ``e``."""
_CLAIM: Final = f"""
WITH due AS MATERIALIZED (
    SELECT account_id, id FROM notices WHERE account_id = $1 AND next_attempt_at <= statement_timestamp()
    ORDER BY next_attempt_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE notices AS n SET claim_id = $3, attempts = n.attempts + 1, next_attempt_at = clock_timestamp() + $4::interval
    FROM due WHERE n.account_id = due.account_id AND n.id = due.id
    RETURNING n.account_id, n.id, n.recipient, n.sent_by, n.attempts, n.event_id, n.letter
)
SELECT c.account_id, c.id, $3 AS claim_id, c.sent_by,
       jsonb_build_object('time_zone', a.time_zone) || c.recipient || jsonb_build_object(
           'locale', concat_ws(
               ',', c.recipient ->> 'locale', reader.locale, t.requester ->> 'locale', requester.locale, a.locale
           )
       ) AS recipient,
       c.attempts, e.ticket_id, coalesce(e.type, '') AS type,
       coalesce(e.timestamp, clock_timestamp()) AS timestamp, coalesce(c.letter, e.data) AS data,
       EXISTS (SELECT FROM bounced_addresses AS b
               WHERE b.account_id = c.account_id AND b.email = lower(c.recipient ->> 'email')) AS bounced,
       {VIA},
       {ABOUT}
FROM claimed AS c
LEFT JOIN events AS e ON e.account_id = c.account_id AND e.id = c.event_id
LEFT JOIN accounts AS a ON a.account_id = c.account_id
{VIA_FROM}
{ABOUT_FROM}
LEFT JOIN people AS reader ON reader.account_id = c.account_id AND reader.email = c.recipient ->> 'email'
LEFT JOIN people AS requester ON requester.account_id = c.account_id AND requester.email = t.requester ->> 'email'
"""  # noqa: S608  our own text
_RECORD: Final = """
UPDATE notices AS n
SET state = r.state, sent_by = r.sent_by, error = r.error, error_message = r.error_message, claim_id = NULL,
    next_attempt_at = clock_timestamp() + r.wait_seconds * interval '1 second',
    finished_at = CASE WHEN r.state <> 'pending' THEN clock_timestamp() END
FROM jsonb_to_recordset($1::jsonb)
     AS r (account_id text, id text, claim_id text, state text, sent_by jsonb, error text, error_message jsonb,
           wait_seconds float8)
WHERE n.account_id = r.account_id AND n.id = r.id AND n.claim_id = r.claim_id
"""
CUSTOMERS: Final = frozenset({GUEST, READER, REQUESTER, STRANGER, WATCHER})
"""The roles of those who are no part of support."""
STAFF: Final = frozenset({"expert", "previous_engineer", "next_tier"})
"""The roles of engineers, who answer the customer by a reply."""
_SHOWN: Final = 1_000
_FAILED: Final = f"""
SELECT count(*) FROM (
    SELECT FROM notices WHERE state = 'failed' AND finished_at > now() - interval '24 hours' LIMIT {_SHOWN + 1}
) AS n
"""  # noqa: S608  a number of ours
_OVER: Final = "t.finished_at < now() - $1::interval"
_LONG_AGO: Final = "t.sent_at < now() - interval '1 day'"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A notice to be sent: to whom, of which event, on which ticket. What answers an e-mail of a stranger has neither.

    ``ticket`` has what the texts tell of it: ``number``, ``title``, ``priority``, ``business_impact``,
    ``priority_reason`` and the ``join_url`` of its call, each perhaps None.
    """

    account_id: str
    id: str
    claim_id: str
    recipient: dict[str, Any]
    sent_by: list[str]
    attempts: int
    type: str
    """of the event; empty where there is none"""
    timestamp: datetime
    data: dict[str, Any]
    ticket: dict[str, Any]
    link: str | None = None
    """where the alert is answered that it tells of"""
    names: Names = NO_NAMES
    """those of the ticket's plan"""
    programme_url: str | None = None
    """the page of the ticket's programme, where everybody can read it"""
    ticket_id: str | None = None
    links: Mapping[str, str] = field(default_factory=dict)
    """of a customer's: ``page`` opens the ticket, ``mute`` ends its mails; ``reply`` is where an answer goes to"""
    bounced: bool = False
    """a mail to its address came back, and nobody has lifted the mark"""
    via: str | None = None
    installation: str = ""

    @property
    def way(self) -> str:
        """The installations that it has come through, this one last, as a header names them."""
        return write_via((*read_via(self.via), self.installation))

    @property
    def is_customers(self) -> bool:
        """Whether it tells a customer of their ticket, or of their account's report."""
        return self.recipient.get("role") in CUSTOMERS

    @property
    def is_held(self) -> bool:
        """Whether it waits until its address takes mail again; support is paged all the same."""
        return self.bounced and self.is_customers

    @property
    def alerts(self) -> bool:
        """Whether it asks its recipient, by e-mail, to answer an alert."""
        return self.type == "expert.alerted" and bool(self.recipient.get("email"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has become of a claimed notice; ``wait``: until it is tried again."""

    notice: Claimed
    state: str
    sent_by: list[str]
    error: Message | None = None
    wait: timedelta | None = None

    def row(self) -> Row:
        """The values that the statement needs."""
        return {
            "account_id": self.notice.account_id,
            "id": self.notice.id,
            "claim_id": self.notice.claim_id,
            "state": self.state,
            "sent_by": self.sent_by,
            "error": self.error,
            "error_message": to_stored(self.error),
            "wait_seconds": self.wait.total_seconds() if self.wait is not None else None,
        }


_NEXT: Final = "SELECT next_attempt_at FROM notices WHERE next_attempt_at IS NOT NULL ORDER BY next_attempt_at LIMIT 1"


async def accounts_due(session: AsyncSession, after: str, limit: int) -> list[str]:
    """Accounts that have notices due, in the order of their ids, after this one."""
    return [row["account_id"] for row in await (await driver(session)).fetch(_ACCOUNTS, after, limit)]


async def claim(session: AsyncSession, account_id: str, limit: int) -> list[Claimed]:
    """Claim an account's notices that are due, the longest due first; nobody else gets them before the lease ends."""
    rows = await (await driver(session)).fetch(_CLAIM, account_id, limit, new_id("clm"), LEASE)
    found = [dict(row) for row in sorted(rows, key=lambda row: row["id"])]
    return [Claimed(**row | {"data": upcast(row["type"], row["data"] or {})}) for row in found]


async def plan_of(session: AsyncSession, ticket: Mapping[str, Any]) -> PlanDocument | None:
    """The plan that a message's ticket has; None for a message without a ticket."""
    key, version = ticket.get("plan_key"), ticket.get("plan_version")
    return await store.document(session, memory_of(session), key, version) if key and version else None


async def record_outcomes(session: AsyncSession, outcomes: Sequence[Outcome]) -> None:
    """Write what became of notices, where the claim still holds."""
    await (await driver(session)).execute(_RECORD, to_json([one.row() for one in outcomes]))


async def trouble(session: AsyncSession) -> str | None:
    """How many notices of the last day nobody got, in words for ``/readyz``; None when there is none."""
    count = await (await driver(session)).fetchval(_FAILED)
    if not count:
        return None
    number = f"More than {_SHOWN:,}" if count > _SHOWN else f"{count:,}"
    return f"Notices to people that could not be sent in the last 24 hours: {number}"


async def next_due(session: AsyncSession) -> datetime | None:
    """When the next notice is due, by the database's clock."""
    due: datetime | None = await (await driver(session)).fetchval(_NEXT)
    return due


async def forget_notices(sessions: Sessions) -> None:
    """Drop notices that ended longer ago than the retention, and when guests were written to; their events stay."""
    await forget(sessions, NoticeRow, _OVER, RETENTION)
    await forget(sessions, GuestMailRow, _LONG_AGO)
