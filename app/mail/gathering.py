"""The background pass that makes mails of what has gathered on tickets: one for each reader of a ticket."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import monotonic
from app.core.db.engine import Sessions
from app.core.db.session import driver, glance, memory_of, ring_after_commit, transaction
from app.core.db.statements.bulk import insert_rows
from app.core.db.tables import Row
from app.core.ids import new_id
from app.core.jobs.apart import apart
from app.core.metrics import Metrics
from app.events.upcast import upcast
from app.mail.letters import Gathered, letters
from app.notices.content.telling import TOLD_TYPES
from app.notices.models import NoticeRow
from app.notices.outbox.mailings import next_mailing
from app.plans import store

BUDGET: Final = 5.0
"""Seconds of a pass: then it ends, and the next one goes on."""
_SHARE: Final = 20
"""Mailings of one account in a round over all that have some."""
_LATER: Final = timedelta(minutes=10)
"""When a mailing is tried again of which no mail could be made."""
_MOST_EVENTS: Final = 200
_DUE: Final = """
WITH RECURSIVE accounts AS (
    (SELECT account_id FROM mailings WHERE due_at <= statement_timestamp() ORDER BY account_id LIMIT 1)
    UNION ALL
    SELECT (SELECT m.account_id FROM mailings AS m
            WHERE m.account_id > accounts.account_id AND m.due_at <= statement_timestamp()
            ORDER BY m.account_id LIMIT 1)
    FROM accounts WHERE accounts.account_id IS NOT NULL
)
SELECT due.account_id, due.ticket_id FROM accounts CROSS JOIN LATERAL (
    SELECT account_id, ticket_id FROM mailings AS m
    WHERE m.account_id = accounts.account_id AND m.due_at <= statement_timestamp() ORDER BY m.due_at LIMIT $1
) AS due
"""
_TAKE: Final = """
DELETE FROM mailings WHERE (account_id, ticket_id) IN (
    SELECT account_id, ticket_id FROM mailings
    WHERE account_id = $1 AND ticket_id = $2 AND due_at <= statement_timestamp() FOR UPDATE SKIP LOCKED
) RETURNING since
"""
# After the mailing is taken: whatever is written from then on begins another one.
_READ: Final = f"""
SELECT t.requester, t.address_unconfirmed, t.plan_key, t.plan_version,
       (SELECT coalesce(jsonb_agg(w.value ORDER BY w.place), '[]')
        FROM jsonb_array_elements(coalesce(t.watchers, '[]')) WITH ORDINALITY AS w (value, place)
        WHERE NOT EXISTS (
            SELECT FROM former_addresses AS f WHERE f.account_id = t.account_id AND f.email = w.value ->> 'email'
                AND NOT EXISTS (SELECT FROM people AS p WHERE p.account_id = f.account_id AND p.id = f.person_id)
        )) AS watchers,
       (SELECT coalesce(jsonb_agg(m.email), '[]') FROM ticket_mutes AS m
        WHERE m.account_id = t.account_id AND m.ticket_id = t.id) AS muted,
       (SELECT coalesce(jsonb_object_agg(p.email, p.id), '{{}}') FROM people AS p
        WHERE p.account_id = t.account_id AND p.email IN (
            SELECT t.requester ->> 'email' UNION ALL
            SELECT w ->> 'email' FROM jsonb_array_elements(coalesce(t.watchers, '[]')) AS w
        )) AS people,
       EXISTS (SELECT FROM events AS e
               WHERE e.account_id = t.account_id AND e.ticket_id = t.id AND e.sequence < $3
                   AND e.type = 'message.posted' AND e.audience = 'public'
                   AND e.data -> 'author' ->> 'kind' = 'engineer') AS answered,
       (SELECT coalesce(jsonb_agg(to_jsonb(e) ORDER BY e.sequence), '[]') FROM (
            SELECT id, type, audience, actor, "timestamp", data, sequence FROM events AS e
            WHERE e.account_id = t.account_id AND e.ticket_id = t.id AND e.sequence >= $3
                AND e.audience = 'public' AND e.type = ANY ($4::text[])
            ORDER BY e.sequence LIMIT {_MOST_EVENTS}
       ) AS e) AS events
FROM tickets AS t WHERE t.account_id = $1 AND t.id = $2
"""  # noqa: S608  a number of ours
_POSTPONE: Final = """
UPDATE mailings SET due_at = clock_timestamp() + $3::interval WHERE account_id = $1 AND ticket_id = $2
"""


@dataclass(frozen=True, slots=True)
class Gathering:
    """Makes the mails that are due; any number of replicas may. Notices send them."""

    sessions: Sessions
    metrics: Metrics | None = None

    async def run_pass(self) -> int:
        """See to all tickets that are due, an account's share at a time; the number of tickets seen to."""
        done, ends = 0, monotonic() + BUDGET
        while monotonic() < ends:
            async with glance(self.sessions) as session:
                due = await (await driver(session)).fetch(_DUE, _SHARE)
            number = sum([await self._make(row["account_id"], row["ticket_id"]) for row in due])
            if not number:  # nothing is due, or other replicas are at it
                break
            done += number
        return done

    async def next_instant(self) -> datetime | None:
        """When the next mail is due."""
        async with glance(self.sessions) as session:
            return await next_mailing(session)

    async def _make(self, account_id: str, ticket_id: str) -> bool:
        """Make the mails of one ticket; False where another replica does. What goes wrong is its own failure."""
        taken: list[bool] = []
        with apart("mailings", self.metrics, ticket_id=ticket_id):
            async with transaction(self.sessions) as session:
                since = await (await driver(session)).fetchval(_TAKE, account_id, ticket_id)
                if since is not None:
                    await _write(session, account_id, ticket_id, since)
            taken.append(since is not None)
        if not taken:
            async with transaction(self.sessions) as session:
                await (await driver(session)).execute(_POSTPONE, account_id, ticket_id, _LATER)
        return all(taken)


async def _write(session: AsyncSession, account_id: str, ticket_id: str, since: int) -> None:
    """Write a notice for each reader of the ticket to whom its events from this one on are to be told."""
    connection = await driver(session)
    found = await connection.fetchrow(_READ, account_id, ticket_id, since, list(TOLD_TYPES))
    if found is None:
        return
    plan = await store.document(session, memory_of(session), found["plan_key"], found["plan_version"])
    notices: list[dict[str, Any]] = [
        {
            "account_id": account_id,
            "id": new_id("ntc"),
            "event_id": each.event_id,
            "recipient": each.recipient,
            "letter": each.letter,
        }
        for each in letters(_gathered(account_id, found), plan.mails)
    ]
    if notices:
        now = await connection.fetchval("SELECT clock_timestamp()")
        await insert_rows(session, NoticeRow, [notice | {"next_attempt_at": now} for notice in notices])
        ring_after_commit(session, "notices")


def _gathered(account_id: str, found: Row) -> Gathered:
    return Gathered(
        account_id,
        None if found["address_unconfirmed"] else found["requester"],
        found["watchers"],
        [event | {"data": upcast(event["type"], event["data"])} for event in found["events"]],
        found["answered"],
        found["people"],
        found["muted"],
    )
