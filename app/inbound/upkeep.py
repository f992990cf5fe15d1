"""Dropping what nobody needs any more: old receipts, and alerts of which nothing has been heard for long."""

from datetime import timedelta
from typing import Final

from app.core.db import Sessions, driver, transaction

RETENTION: Final = timedelta(days=30)
SILENCE: Final = timedelta(days=90)
"""Senders repeat what still fires; of an alert that nobody repeats so long, nothing is remembered."""
_RECEIPTS: Final = "DELETE FROM receipts WHERE received_at < now() - $1::interval AND state <> 'pending'"
_WITHOUT_HOOK: Final = """
DELETE FROM receipts AS r WHERE r.state = 'pending' AND NOT EXISTS (
    SELECT FROM hooks AS h WHERE h.account_id = r.account_id AND h.id = r.hook_id
)
"""
_ALERTS: Final = "DELETE FROM incident_alerts WHERE heard_at < now() - $1::interval"
_INCIDENTS: Final = """
DELETE FROM incidents AS i WHERE changed_at < now() - $1::interval AND NOT EXISTS (
    SELECT FROM incident_alerts AS a
    WHERE a.account_id = i.account_id AND a.hook_id = i.hook_id AND a.incident_key = i.key AND a.status = 'firing'
)
"""


async def forget_receipts(sessions: Sessions) -> None:
    """Drop receipts past their retention, and what is remembered of silent alerts; their tickets stay."""
    async with transaction(sessions) as session:
        connection = await driver(session)
        await connection.execute(_RECEIPTS, RETENTION)
        await connection.execute(_WITHOUT_HOOK)
        await connection.execute(_ALERTS, SILENCE)
        await connection.execute(_INCIDENTS, SILENCE)
