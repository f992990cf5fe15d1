"""How an event is told: one envelope for webhooks, the stream and the timeline. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from app.events.people import for_customers
from app.events.upcast import upcast

MEMBERS: Final = (
    "id",
    "type",
    "timestamp",
    "account_id",
    "ticket_id",
    "ticket",
    "sequence",
    "actor",
    "audience",
    "sandbox",
    "data",
)
NO_ACCOUNT: Final = "-"
"""Stands for the account in the row of an event that belongs to none: told as null."""


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC with ``Z``, always to the microsecond."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def envelope(row: Mapping[str, Any], *, internal: bool) -> dict[str, Any]:
    """An event's row as it is told, to support (``internal``) or to customers.

    ``row`` has the columns of the events table, JSON columns as Python values, its ``data`` as whichever version wrote
    it. The result also has the ``{type, timestamp, data}`` that Standard Webhooks asks for.
    """
    members = {name: row[name] for name in MEMBERS}
    account_id = None if row["account_id"] == NO_ACCOUNT else row["account_id"]
    data = upcast(row["type"], row["data"])
    told = members | {"timestamp": instant(row["timestamp"]), "account_id": account_id, "data": data}
    return told if internal else for_customers(told)
