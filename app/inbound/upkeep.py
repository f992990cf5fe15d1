"""Dropping what nobody needs any more: old receipts, and alerts of which nothing has been heard for long."""

from datetime import timedelta
from typing import Final

from app.core.db import Sessions
from app.core.housekeeping import forget
from app.inbound.models import Incident, IncidentAlert, Receipt

RETENTION: Final = timedelta(days=30)
SILENCE: Final = timedelta(days=90)
"""Senders repeat what still fires; of an alert that nobody repeats so long, nothing is remembered."""
_OVER: Final = "t.received_at < now() - $1::interval AND t.state <> 'pending'"
_WITHOUT_HOOK: Final = """
t.state = 'pending' AND NOT EXISTS (SELECT FROM hooks AS h WHERE h.account_id = t.account_id AND h.id = t.hook_id)
"""
_SILENT: Final = "t.heard_at < now() - $1::interval"
_ENDED: Final = """
t.changed_at < now() - $1::interval AND NOT EXISTS (
    SELECT FROM incident_alerts AS a
    WHERE a.account_id = t.account_id AND a.hook_id = t.hook_id AND a.incident_key = t.key AND a.status = 'firing'
)
"""


async def forget_receipts(sessions: Sessions) -> None:
    """Drop receipts past their retention, and what is remembered of silent alerts; their tickets stay."""
    await forget(sessions, Receipt, _OVER, RETENTION)
    await forget(sessions, Receipt, _WITHOUT_HOOK)
    await forget(sessions, IncidentAlert, _SILENT, SILENCE)
    await forget(sessions, Incident, _ENDED, SILENCE)
