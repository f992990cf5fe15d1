"""Tickets as the API shows them. Pure: rows in, JSON objects out."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from app.core.auth import Principal
from app.events.types import INTERNAL_METRICS

_MILLISECOND: Final = timedelta(milliseconds=1)
TICKET: Final = (
    "id",
    "number",
    "account_id",
    "title",
    "description",
    "product",
    "requester",
    "channel",
    "environment",
    "status",
    "closed_reason",
    "merged_into",
    "priority",
    "priority_source",
    "assessed_priority",
    "impact",
    "urgency",
    "business_impact",
    "priority_reason",
    "tier",
    "region",
    "region_lock",
    "tags",
    "custom",
    "external_ref",
    "follow_up_of",
    "call_link",
    "opened_at",
    "updated_at",
    "resolved_at",
    "closed_at",
    "next_update_due_at",
    "escalated",
    "review_requested",
    "sandbox",
    "version",
)
DEADLINE: Final = (
    "id",
    "metric",
    "cycle",
    "priority",
    "state",
    "started_at",
    "due_at",
    "missed_at",
    "noticed_at",
    "ended_at",
    "stopped_by",
    "reason",
)
ROUTE: Final = ("state", "since", "alert_id", "reason")
CALL: Final = (
    "id",
    "state",
    "provider",
    "join_url",
    "join_from",
    "join_by",
    "requested_at",
    "ready_at",
    "joined_at",
    "ended_at",
    "decline_reason",
    "failure",
)


def ticket_view(
    ticket: Mapping[str, Any],
    deadlines: Iterable[Mapping[str, Any]],
    call: Mapping[str, Any] | None,
    principal: Principal,
) -> dict[str, Any]:
    """A ticket with its current deadlines and its active call, as far as this caller sees them."""
    view = {name: ticket[name] for name in TICKET}
    view["assignee"] = ticket["assignee_id"]
    view["plan"] = {"key": ticket["plan_key"], "version": ticket["plan_version"]}
    view["deadlines"] = [deadline_view(row, sandbox=ticket["sandbox"]) for row in visible(deadlines, principal)]
    view["routing"] = _routing_view(ticket) if ticket["routing"] and principal.is_support else None
    view["call"] = call_view(call) if call else None
    return view


def _routing_view(ticket: Mapping[str, Any]) -> dict[str, Any]:
    route = ticket["routing"]
    known = {name: route.get(name) for name in ROUTE}
    known["round"] = route.get("round", 1)
    return known | {"queued_at": ticket["queued_at"], "next_at": ticket["route_at"]}


def visible(deadlines: Iterable[Mapping[str, Any]], principal: Principal) -> list[Mapping[str, Any]]:
    """The deadlines that this caller may see: support's own are internal."""
    if principal.is_support:
        return list(deadlines)
    return [row for row in deadlines if row["metric"] not in INTERNAL_METRICS]


def deadline_view(row: Mapping[str, Any], *, sandbox: bool) -> dict[str, Any]:
    """One deadline; ``lag_ms`` is how late its miss was noticed, null on a sandbox's clock."""
    view = {name: row[name] for name in DEADLINE}
    view["subject"] = row["subject"] or None
    noticed = row["noticed_at"] is not None and row["missed_at"] is not None and not sandbox
    view["lag_ms"] = (row["noticed_at"] - row["missed_at"]) / _MILLISECOND if noticed else None
    return view


def call_view(row: Mapping[str, Any]) -> dict[str, Any]:
    """One call."""
    return {name: row[name] for name in CALL}


def message_view(row: Mapping[str, Any]) -> dict[str, Any]:
    """One message."""
    names = ("id", "ticket_id", "author", "visibility", "channel", "body", "created_at")
    return {name: row[name] for name in names}
