"""The envelope of an event, as PostgreSQL writes it: what ``envelope`` makes of the same row."""

from typing import Final

import orjson

from app.core.db.statements.json_sql import columns, microseconds, object_of
from app.events.envelope import MEMBERS, NO_ACCOUNT
from app.events.models import EventRow
from app.events.upcast import OLD_NAMES, upcast

_MEMBERS: Final = columns(EventRow.__table__, "e", MEMBERS) | {
    "timestamp": microseconds("e.timestamp"),
    "account_id": f"nullif(e.account_id, '{NO_ACCOUNT}')",
}


def envelope_sql(**more: str) -> str:
    """The event ``e`` as it is told, as text; ``more`` are further members and the SQL expressions of their values."""
    return f"{object_of(_MEMBERS | more)}::text"


def current(body: str) -> str:
    """An event as ``envelope_sql`` writes it, by today's names."""
    if not OLD_NAMES.search(body):
        return body
    event = orjson.loads(body)
    return orjson.dumps(event | {"data": upcast(event["type"], event["data"])}).decode()
