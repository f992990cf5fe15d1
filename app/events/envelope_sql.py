"""The envelope of an event, as PostgreSQL writes it: what ``envelope`` makes of the same row."""

from typing import Final

from app.core.db.json_sql import columns, microseconds, object_of
from app.events.envelope import MEMBERS, NO_ACCOUNT
from app.events.models import EventRow

_MEMBERS: Final = columns(EventRow.__table__, "e", MEMBERS) | {
    "timestamp": microseconds("e.timestamp"),
    "account_id": f"nullif(e.account_id, '{NO_ACCOUNT}')",
}


def envelope_sql(**more: str) -> str:
    """The event ``e`` as it is told, as text; ``more`` are further members and the SQL expressions of their values."""
    return f"{object_of(_MEMBERS | more)}::text"
