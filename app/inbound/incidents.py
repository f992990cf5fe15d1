"""What was heard before of the alerts of a hook, and what is remembered of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver
from app.core.db.statements.bulk import upserted, write
from app.inbound import models
from app.inbound.decisions import Alert, Known, Thread, incident_key
from app.inbound.formats.signal import Signal

_ALERTS: Final = """
SELECT key, incident_key, status, starts_at, digest, heard_at, repeats FROM incident_alerts
WHERE account_id = $1 AND hook_id = $2 AND key = ANY ($3::text[])
"""
_INCIDENTS: Final = """
SELECT i.key, i.ticket_id, i.open, i.told AS messages,
       ARRAY(SELECT a.key FROM incident_alerts AS a WHERE a.account_id = i.account_id AND a.hook_id = i.hook_id
             AND a.incident_key = i.key AND a.status = 'firing') AS firing
FROM incidents AS i WHERE i.account_id = $1 AND i.hook_id = $2 AND i.key = ANY ($3::text[])
"""
# A merged ticket goes on in another one, and that one may have been merged since.
_GO_ON_IN: Final = """
WITH RECURSIVE way AS (
    SELECT t.id AS first, t.id, t.merged_into, 1 AS length FROM tickets AS t
    WHERE t.account_id = $1 AND t.id = ANY ($2::text[])
    UNION ALL
    SELECT w.first, t.id, t.merged_into, w.length + 1
    FROM way AS w JOIN tickets AS t ON t.account_id = $1 AND t.id = w.merged_into WHERE w.length < 10
) SELECT first, id FROM way WHERE merged_into IS NULL
"""
_READ: Final = "SELECT id, status, resolved_at FROM tickets WHERE account_id = $1 AND id = ANY ($2::text[])"
_LOCK: Final = f"{_READ} ORDER BY id FOR UPDATE"  # all at once and in this order, as every lock of several tickets is


@dataclass(frozen=True, slots=True)
class Incident:
    """The incident of some alerts, as it is stored."""

    key: str
    ticket_id: str
    open: bool
    messages: int


@dataclass(frozen=True, slots=True)
class Remembered:
    """What was heard before, for the decision, and the incidents as they are stored."""

    known: Known
    incidents: Mapping[str, Incident]


async def recall(
    session: AsyncSession,
    account_id: str,
    hook_id: str,
    signals: Sequence[Signal],
    *,
    by_group: bool,
    lock: bool = True,
) -> Remembered:
    """What is known of these signals' alerts and incidents; with ``lock`` their tickets' rows are held."""
    connection = await driver(session)
    place = (account_id, hook_id)
    names = {name for signal in signals for name in (signal.key, signal.formerly) if name}
    found = await connection.fetch(_ALERTS, *place, list(names))
    alerts = {row["key"]: Alert(**dict(row)) for row in found}
    keys = {incident_key(signal, alerts.get(signal.key), by_group=by_group) for signal in signals}
    keys |= {alert.incident_key for alert in alerts.values() if alert.status == "firing"}
    rows = await connection.fetch(_INCIDENTS, *place, list(keys))
    incidents = {row["key"]: Incident(row["key"], row["ticket_id"], row["open"], row["messages"]) for row in rows}
    known = Known(
        alerts,
        await _threads(session, account_id, incidents.values(), _LOCK if lock else _READ),
        frozenset(incident.key for incident in incidents.values() if incident.open),
        {row["key"]: frozenset(row["firing"]) for row in rows},
    )
    return Remembered(known, incidents)


async def _threads(
    session: AsyncSession, account_id: str, incidents: Iterable[Incident], statement: str
) -> dict[str, Thread]:
    firsts = {incident.key: incident.ticket_id for incident in incidents}
    if not firsts:
        return {}
    connection = await driver(session)
    found = await connection.fetch(_GO_ON_IN, account_id, list(firsts.values()))
    now_in = {row["first"]: row["id"] for row in found}
    tickets = {row["id"]: row for row in await connection.fetch(statement, account_id, list(now_in.values()))}
    return {
        key: Thread(ticket["id"], ticket["status"], ticket["resolved_at"], own=ticket["id"] == first)
        for key, first in firsts.items()
        if (ticket := tickets.get(now_in.get(first, "")))
    }


async def remember(
    session: AsyncSession,
    account_id: str,
    hook_id: str,
    alerts: Sequence[Alert],
    incidents: Sequence[Incident],
    *,
    now: datetime,
) -> None:
    """Keep what was heard, in one statement; ``now`` is real time."""
    place: dict[str, Any] = {"account_id": account_id, "hook_id": hook_id}
    heard = [place | {name: getattr(alert, name) for name in Alert.__slots__} for alert in alerts]
    stood = [
        place | {"key": one.key, "ticket_id": one.ticket_id, "open": one.open, "told": one.messages, "changed_at": now}
        for one in incidents
    ]
    await write(session, upserted(models.IncidentAlertRow, heard), upserted(models.IncidentRow, stood))
