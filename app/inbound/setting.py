"""What of a hook decides about its signals. Pure."""

from datetime import datetime, timedelta

from app.calendars.durations import parse_duration
from app.inbound.decisions import Setting
from app.inbound.formats.signal import Batch
from app.inbound.schemas import HookFields


def setting_of(fields: HookFields, now: datetime, received_at: datetime, batch: Batch) -> Setting:
    """What of a hook decides."""
    never = fields.grouping_window == "PT0S"
    return Setting(
        now=now,
        heard_at=received_at,
        by_group=fields.ticket_per == "group",
        window=timedelta(0) if never else parse_duration(fields.grouping_window),
        complete=batch.left_out == 0,
    )
