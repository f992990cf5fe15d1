"""The outbox of pages: filled in the transaction that alerts, claimed under a lease, outcomes recorded by claim."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeAlias

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.engine import Sessions
from app.core.db.session import driver
from app.core.db.statements.bulk import Write
from app.core.db.statements.housekeeping import forget
from app.core.db.tables import Row
from app.core.ids import new_id
from app.core.outgoing.via import read_via, write_via
from app.core.text.messages import Message, both, from_stored
from app.events.log import VIA, VIA_FROM
from app.events.upcast import upcast
from app.notices.outbox.claims import ABOUT, ABOUT_FROM, plan_of
from app.paging.models import PageRow
from app.plans.document.naming import NO_NAMES, Names, names_of

Lane: TypeAlias = Literal["mail", "http"]
LEASE: Final = timedelta(seconds=60)
RETENTION: Final = timedelta(days=30)
_FILL: Final = """
INSERT INTO pages (account_id, alert_id, rule_id, event_id, engineer_id, method_id, kind, lane, due_at, next_attempt_at)
SELECT r.account_id, r.alert_id, n.id, r.event_id, r.engineer_id, m.id, m.kind,
       CASE m.kind WHEN 'email' THEN 'mail' ELSE 'http' END, d.at, d.at
FROM jsonb_to_recordset($1::jsonb)
     AS r (account_id text, alert_id text, event_id text, engineer_id text, urgency text)
JOIN notification_rules AS n ON n.engineer_id = r.engineer_id AND n.urgency = r.urgency
JOIN contact_methods AS m ON m.id = n.method_id
CROSS JOIN LATERAL (SELECT now() + n.after_seconds * interval '1 second' AS at) AS d
"""
_ACCOUNTS: Final = """
WITH RECURSIVE found AS (
    (SELECT account_id FROM pages WHERE lane = $3 AND account_id > $1 AND next_attempt_at <= statement_timestamp()
     ORDER BY account_id LIMIT 1)
    UNION ALL
    SELECT (SELECT p.account_id FROM pages AS p
            WHERE p.lane = $3 AND p.account_id > found.account_id AND p.next_attempt_at <= statement_timestamp()
            ORDER BY p.account_id LIMIT 1)
    FROM found WHERE found.account_id IS NOT NULL
)
SELECT account_id FROM found WHERE account_id IS NOT NULL LIMIT $2
"""
_CLAIM: Final = f"""
WITH due AS MATERIALIZED (
    SELECT account_id, alert_id, rule_id FROM pages
    WHERE lane = $1 AND account_id = $2 AND next_attempt_at <= statement_timestamp()
    ORDER BY next_attempt_at LIMIT $3 FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE pages AS p SET claim_id = $4, next_attempt_at = clock_timestamp() + $5::interval,
        attempts = p.attempts + CASE p.state WHEN 'pending' THEN 1 ELSE 0 END
    FROM due WHERE p.account_id = due.account_id AND p.alert_id = due.alert_id AND p.rule_id = due.rule_id
    RETURNING p.*
)
SELECT c.account_id, c.alert_id, c.rule_id, c.claim_id, c.kind, c.state, c.attempts, c.engineer_id,
       m.target, m.service_region,
       CASE WHEN a.state = 'alerted' AND a.accept_by <= clock_timestamp() THEN 'expired' ELSE a.state
       END AS alert_state,
       coalesce(greatest(a.ended_at, a.accept_by) < clock_timestamp() - interval '1 hour', true) AS long_over,
       e.ticket_id, e.type, e.timestamp, e.data,
       jsonb_build_object('role', 'expert', 'name', g.name, 'email', g.email,
           'locale', (SELECT string_agg(language, ',') FROM jsonb_array_elements_text(g.languages) AS language),
           'time_zone', g.time_zone
       ) AS recipient,
       {VIA},
       {ABOUT}
FROM claimed AS c
LEFT JOIN contact_methods AS m ON m.id = c.method_id
LEFT JOIN alerts AS a ON a.account_id = c.account_id AND a.id = c.alert_id
LEFT JOIN engineers AS g ON g.id = c.engineer_id
LEFT JOIN events AS e ON e.account_id = c.account_id AND e.id = c.event_id
{VIA_FROM}
{ABOUT_FROM}
"""  # noqa: S608  our own text
_RECORD: Final = """
UPDATE pages SET state = $5::text, error = $6, error_message = $8::jsonb, claim_id = NULL,
    next_attempt_at = clock_timestamp() + $7::interval,
    sent_at = CASE WHEN $5::text = 'sent' THEN coalesce(sent_at, clock_timestamp()) END
WHERE account_id = $1 AND alert_id = $2 AND rule_id = $3 AND claim_id = $4
"""
_SHOWN: Final = 1_000
_FAILED: Final = f"""
SELECT count(*) FROM (
    SELECT FROM pages WHERE state = 'failed' AND created_at > now() - interval '24 hours' LIMIT {_SHOWN + 1}
) AS p
"""  # noqa: S608  a number of ours
# An engineer without rules gets the event's own notice, by e-mail.
_RESULTS: Final = """
SELECT p.alert_id, p.method_id, p.kind, p.due_at, p.sent_at, p.attempts, p.error, p.error_message,
       CASE WHEN p.state = 'pending' AND a.state <> 'alerted' THEN 'skipped' ELSE p.state END AS state
FROM pages AS p JOIN alerts AS a ON a.account_id = p.account_id AND a.id = p.alert_id
WHERE p.account_id = ANY ($1::text[]) AND p.alert_id = ANY ($2::text[])
UNION ALL
SELECT a.id, NULL, 'email', n.created_at, CASE n.state WHEN 'sent' THEN n.finished_at END, n.attempts, n.error,
       n.error_message,
       CASE n.state WHEN 'no_channel' THEN 'failed' ELSE n.state END
FROM alerts AS a
JOIN events AS e ON e.account_id = a.account_id AND e.ticket_id = a.ticket_id AND e.sequence = a.sequence
JOIN notices AS n ON n.account_id = e.account_id AND n.event_id = e.id
WHERE a.account_id = ANY ($1::text[]) AND a.id = ANY ($2::text[])
    AND n.recipient ->> 'role' = 'expert' AND n.recipient ->> 'email' IS NOT NULL
ORDER BY due_at, kind, method_id
"""
_OVER: Final = "t.created_at < now() - $1::interval"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A page to be sent, or one that was sent by a service that is to be told when the alert is over.

    ``target`` is None where the method was deleted; ``alert_state`` is ``alerted`` while the alert is not answered.
    """

    account_id: str
    alert_id: str
    rule_id: str
    claim_id: str
    kind: str
    state: str
    attempts: int
    engineer_id: str
    target: str | None
    service_region: str | None
    alert_state: str | None
    long_over: bool
    ticket_id: str
    type: str
    timestamp: datetime
    data: dict[str, Any]
    recipient: dict[str, Any]
    ticket: dict[str, Any]
    via: str | None
    installation: str
    names: Names = NO_NAMES
    """those of the ticket's plan"""

    @property
    def id(self) -> str:
        """As logs name it."""
        return f"{self.alert_id} {self.rule_id}"

    @property
    def way(self) -> str:
        """The installations that the page has come through, this one last, as a header names them."""
        return write_via((*read_via(self.via), self.installation))

    @property
    def is_to_own_mailbox(self) -> bool:
        """Whether it is an e-mail to the address by which the engineer is known: a reply from there is theirs."""
        own = str(self.recipient.get("email") or "").lower()
        return self.kind == "email" and bool(own) and (self.target or "").lower() == own


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has become of a claimed page; ``wait``: until it is looked at again."""

    page: Claimed
    state: str
    error: Message | None = None
    wait: timedelta | None = None


def paged(events: Sequence[Row]) -> Write:
    """The write of the pages that the rules of alerted engineers ask for. A sandbox pages nobody."""
    rows = [
        {
            "account_id": event["account_id"],
            "alert_id": event["data"]["alert_id"],
            "event_id": event["id"],
            "engineer_id": event["data"]["engineer_id"],
            "urgency": event["data"]["urgency"],
        }
        for event in events
        if event["type"] == "expert.alerted" and not event["sandbox"]
    ]
    return Write(_FILL, rows)


_NEXT: Final = """
SELECT next_attempt_at FROM pages WHERE lane = $1 AND next_attempt_at IS NOT NULL ORDER BY next_attempt_at LIMIT 1
"""


async def accounts_due(session: AsyncSession, lane: Lane, after: str, limit: int) -> list[str]:
    """Accounts that have pages due, in the order of their ids, after this one."""
    return [row["account_id"] for row in await (await driver(session)).fetch(_ACCOUNTS, after, limit, lane)]


async def claim(session: AsyncSession, lane: Lane, account_id: str, limit: int) -> list[Claimed]:
    """Claim an account's pages that are due; nobody else gets them before the lease ends."""
    rows = await (await driver(session)).fetch(_CLAIM, lane, account_id, limit, new_id("clm"), LEASE)
    claimed = [Claimed(**dict(row) | {"data": upcast(row["type"], row["data"] or {})}) for row in rows]
    return [await _named(session, page) for page in claimed]


async def _named(session: AsyncSession, page: Claimed) -> Claimed:
    plan = await plan_of(session, page.ticket)
    return replace(page, names=names_of(plan)) if plan else page


async def record_outcomes(session: AsyncSession, outcomes: Sequence[Outcome]) -> None:
    """Write what became of pages, where the claims still hold."""
    rows = [
        (page.account_id, page.alert_id, page.rule_id, page.claim_id, one.state, error, one.wait, message)
        for one in outcomes
        for page, (error, message) in ((one.page, both(one.error)),)
    ]
    await (await driver(session)).executemany(_RECORD, rows)


async def next_due(session: AsyncSession, lane: Lane) -> datetime | None:
    """When the next page of a lane is due, by the database's clock."""
    due: datetime | None = await (await driver(session)).fetchval(_NEXT, lane)
    return due


async def results(session: AsyncSession, alerts: Sequence[tuple[str, str]]) -> dict[str, list[dict[str, Any]]]:
    """How engineers were paged about alerts (account and id), by the alert's id: its ``pages``, the earliest first."""
    found: dict[str, list[dict[str, Any]]] = {alert_id: [] for _, alert_id in alerts}
    if alerts:
        accounts, ids = zip(*alerts, strict=True)
        for row in await (await driver(session)).fetch(_RESULTS, list(accounts), list(ids)):
            document = dict(row)
            error, message = document["error"], document.pop("error_message")
            document["error"] = None if error is None else from_stored(error, message)
            found[document.pop("alert_id")].append(document)
    return found


async def trouble(session: AsyncSession) -> str | None:
    """How many pages of the last day nobody got, in words for ``/readyz``; None when there is none."""
    count = await (await driver(session)).fetchval(_FAILED)
    if not count:
        return None
    number = f"More than {_SHOWN:,}" if count > _SHOWN else f"{count:,}"
    return f"Pages to engineers that could not be sent in the last 24 hours: {number}"


async def forget_pages(sessions: Sessions) -> None:
    """Drop pages past their retention; the alerts and events stay."""
    await forget(sessions, PageRow, _OVER, RETENTION)
