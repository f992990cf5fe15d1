"""What an account has open, at risk and missed: read, and recorded as its digest."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver, memory_of
from app.core.db.tables import Row
from app.core.process.cooperative import in_turns
from app.digests.weeks import WEEK, Managed
from app.events.types.digests import AccountDigest
from app.plans.document.naming import priority_name
from app.plans.store import current_documents, document
from app.sla.clock.terms import PLAN_METRICS

_SHOWN: Final = 10
_SOON: Final = timedelta(hours=24)
"""What is due within it is at risk."""
_OPEN: Final = """
SELECT priority, count(*) FILTER (WHERE NOT unconfirmed) AS number, count(*) FILTER (WHERE unconfirmed) AS unconfirmed
FROM tickets
WHERE account_id = $1 AND status NOT IN ('resolved', 'closed') GROUP BY priority ORDER BY priority
"""
_TICKET: Final = "t.id AS ticket_id, t.number, t.title, t.priority, d.metric, d.due_at, count(*) OVER () AS of_all"
_AT_RISK: Final = f"""
SELECT {_TICKET} FROM tickets AS t
JOIN deadlines AS d ON d.account_id = t.account_id AND d.ticket_id = t.id AND d.live
WHERE t.account_id = $1 AND t.status NOT IN ('resolved', 'closed') AND NOT t.unconfirmed
  AND d.state = 'running' AND d.due_at <= $2 AND d.metric = ANY ($3::text[])
ORDER BY d.due_at, d.id LIMIT {_SHOWN}
"""  # noqa: S608  our own names
# A miss is written with its ticket, so no other tickets need be looked at.
_MISSED: Final = f"""
SELECT {_TICKET} FROM tickets AS t
JOIN deadlines AS d ON d.account_id = t.account_id AND d.ticket_id = t.id
WHERE t.account_id = $1 AND NOT t.unconfirmed AND (t.updated_at >= $2 OR t.missed) AND d.metric = ANY ($3::text[])
  AND (d.missed_at >= $2 OR d.missed_at IS NOT NULL AND d.ended_at IS NULL)
ORDER BY d.due_at DESC, d.id LIMIT {_SHOWN}
"""  # noqa: S608  our own names
_PLANS: Final = "SELECT id, plan_key, plan_version FROM tickets WHERE account_id = $1 AND id = ANY ($2::text[])"
MANAGED: Final = "account_id, name, time_zone, locale, tam, plan, product_plans, addons"
"""The columns that ``served`` takes."""


async def served(session: AsyncSession, rows: Sequence[Row]) -> list[Managed]:
    """Those of these accounts, which name a technical account manager, that have bought one."""
    keys = {key async for row in in_turns(rows) for key in _plans(row)}
    plans = await current_documents(session, memory_of(session), keys)
    return [
        Managed(row["account_id"], row["name"], row["time_zone"], row["locale"], row["tam"])
        async for row in in_turns(rows)
        if any(plans[key].tells_tam(row["addons"]) for key in _plans(row) if key in plans)
    ]


def _plans(row: Row) -> tuple[str, ...]:
    return (row["plan"], *row["product_plans"].values())


async def digest_of(session: AsyncSession, account: Managed, now: datetime) -> AccountDigest | None:
    """The account's digest as of ``now``; None where there is nothing to tell.

    Anybody can open tickets as a guest: those with which nobody has dealt are counted apart.
    """
    connection, metrics, since = await driver(session), list(PLAN_METRICS), now - WEEK
    rows = await connection.fetch(_OPEN, account.account_id)
    priorities = {row["priority"]: row["number"] for row in rows if row["number"]}
    at_risk = await connection.fetch(_AT_RISK, account.account_id, now + _SOON, metrics)
    missed = await connection.fetch(_MISSED, account.account_id, since, metrics)
    if not priorities and not missed:
        return None
    return AccountDigest(
        since=since,
        until=now,
        open=sum(priorities.values()),
        open_by_priority=priorities,
        at_risk=_number(at_risk),
        missed=_number(missed),
        unconfirmed=sum(row["unconfirmed"] for row in rows),
        tickets_at_risk=[_ticket(row) for row in at_risk],
        tickets_missed=[_ticket(row) for row in missed],
        notified=[{"role": "tam", **account.tam}],
    )


async def priority_names(session: AsyncSession, account_id: str, digest: AccountDigest) -> dict[str, dict[str, str]]:
    """What the priorities of the digest's tickets are called, by ticket, in each language of their plans."""
    tickets = {each.ticket_id: each.priority for each in (*digest.tickets_at_risk, *digest.tickets_missed)}
    rows = await (await driver(session)).fetch(_PLANS, account_id, list(tickets))
    memory = memory_of(session)
    plans = {row["id"]: await document(session, memory, row["plan_key"], row["plan_version"]) for row in rows}
    return {ticket_id: dict(priority_name(plan, tickets[ticket_id]).texts) for ticket_id, plan in plans.items()}


def _number(rows: Sequence[Row]) -> int:
    return rows[0]["of_all"] if rows else 0


def _ticket(row: Row) -> Any:
    return {name: row[name] for name in ("ticket_id", "number", "title", "priority", "metric", "due_at")}
