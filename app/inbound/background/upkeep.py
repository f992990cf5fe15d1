"""Dropping what nobody needs any more: old receipts, and alerts of which nothing has been heard for long."""

from datetime import timedelta
from typing import Final

from app.core.db.engine import Sessions
from app.core.db.statements.housekeeping import forget
from app.inbound.models import HookPayloadsRow, IncidentAlertRow, IncidentRow
from app.inbound.payloads import drop

RETENTION: Final = timedelta(days=30)
SILENCE: Final = timedelta(days=90)
"""Senders repeat what still fires; of an alert that nobody repeats so long, nothing is remembered."""
_OVER: Final = "t.received_at < now() - $1::interval AND t.state <> 'pending'"
_WITHOUT_HOOK: Final = """
t.state = 'pending' AND NOT EXISTS (SELECT FROM hooks AS h WHERE h.account_id = t.account_id AND h.id = t.hook_id)
"""
_OF_NO_HOOK: Final = """
NOT EXISTS (SELECT FROM hooks AS h WHERE h.account_id = t.account_id AND h.id = t.hook_id)
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
    await drop(sessions, _OVER, RETENTION)
    await drop(sessions, _WITHOUT_HOOK)
    await forget(sessions, HookPayloadsRow, _OF_NO_HOOK)
    await forget(sessions, IncidentAlertRow, _SILENT, SILENCE)
    await forget(sessions, IncidentRow, _ENDED, SILENCE)
