"""Tickets as the API shows them. Pure: rows in, JSON objects out."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final

import orjson

from app.core.auth import Principal, for_customers
from app.core.text.language import SOURCE, Language
from app.events.failures import stated, why_no_link
from app.events.types import INTERNAL_METRICS
from app.plans.document.links import programme_path
from app.tickets.schemas import Call, Deadline, Message, Ticket

_MILLISECOND: Final = timedelta(milliseconds=1)
_WORKED_OUT: Final = {
    "assignee",
    "assessed_priority",
    "plan",
    "deadlines",
    "routing",
    "call",
    "problem",
    "watchers",
    "attachments",
}
TICKET: Final = tuple(name for name in Ticket.model_fields if name not in _WORKED_OUT)
"""The members of a ticket that its row has under their names; the others are worked out."""
DEADLINE: Final = tuple(name for name in Deadline.model_fields if name not in ("subject", "lag_ms"))
ROUTE: Final = ("state", "since", "alert_id", "reason")
"""The members of a ticket's routing that are stored under their names."""
CALL: Final = tuple(Call.model_fields)
_FAILURES: Final = '"failures":[{'
MESSAGE: Final = tuple(Message.model_fields)


def ticket_view(
    ticket: Mapping[str, Any],
    deadlines: Iterable[Mapping[str, Any]],
    call: Mapping[str, Any] | None,
    principal: Principal,
    problem: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A ticket with its current deadlines, its active call and its problem, as far as this caller sees them."""
    view = {name: ticket[name] for name in TICKET}
    view["watchers"] = ticket["watchers"] or []
    view["attachments"] = ticket["attachments"] or []
    view["assignee"] = ticket["assignee_id"]
    view["assessed_priority"] = ticket["assessed_priority"] if principal.is_support else None
    view["plan"] = _plan_view(ticket["plan_key"], ticket["plan_version"])
    view["deadlines"] = [deadline_view(row, sandbox=ticket["sandbox"]) for row in visible(deadlines, principal)]
    view["routing"] = _routing_view(ticket) if ticket["routing"] and principal.is_support else None
    view["call"] = call_view(call) if call else None
    view["problem"] = problem
    return view


def _plan_view(key: str, version: int) -> dict[str, Any]:
    return {"key": key, "version": version, "programme_url": programme_path(key, version)}


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
    """One call; why it failed is said in its reader's language."""
    failures = stated(row["failures"]) if row["state"] == "failed" else []
    said = why_no_link(failures) if failures else row["failure"]
    return {name: row[name] for name in CALL} | {"failure": said, "failures": failures}


def localizer(language: Language) -> Callable[[str], str]:
    """What makes a ticket as a statement writes it, in JSON and English, one for a reader of this language."""
    return str if language == SOURCE else partial(_localized, language)


def _localized(language: Language, ticket: str) -> str:
    if _FAILURES not in ticket:
        return ticket
    document = orjson.loads(ticket)
    call = document["call"]
    if call and call["failures"]:
        call["failure"] = why_no_link(call["failures"]).to(language)
    return orjson.dumps(document).decode()


def message_view(row: Mapping[str, Any], *, internal: bool) -> dict[str, Any]:
    """One message, as support (``internal``) or customers see it."""
    view = {name: row[name] for name in MESSAGE} | {"attachments": row["attachments"] or []}
    return view if internal else view | {"author": for_customers(view["author"])}
