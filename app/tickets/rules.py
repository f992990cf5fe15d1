"""What may be done with a ticket: statuses, priorities, channels. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.core.problems import Fault
from app.core.text.messages import Message, _
from app.plans.document.model import PlanDocument
from app.plans.document.names import STATUSES as STATUS_NAMES
from app.plans.document.naming import plan_name, priority_name

STATUSES: Final = ("new", "open", "waiting_on_customer", "mitigated", "resolved", "closed")

_SUPPORT: Final[Mapping[str, tuple[str, ...]]] = {
    "new": ("open", "resolved", "closed"),
    "open": ("waiting_on_customer", "mitigated", "resolved", "closed"),
    "waiting_on_customer": ("open", "resolved", "closed"),
    "mitigated": ("open", "resolved", "closed"),
    "resolved": ("open", "closed"),
    "closed": (),
}
_CUSTOMER: Final[Mapping[str, tuple[str, ...]]] = {
    "new": ("resolved",),
    "open": ("resolved",),
    "waiting_on_customer": ("resolved",),
    "mitigated": ("resolved",),
    "resolved": ("open",),
    "closed": (),
}

_NEEDED: Final[Mapping[str, Message]] = {
    "business_impact": _("A ticket of priority {priority} needs its business impact"),
    "priority_reason": _("A ticket of priority {priority} needs the reason for this priority"),
}
OPEN_CHANNELS: Final = frozenset({"hook", "api"})
"""Ways in that a plan cannot refuse (Z6): they are not people's."""
SUPPORTS_CHANNELS: Final = frozenset({"account_manager"})
"""Ways in that only support takes: for its customers."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """The priority of a new ticket, where it comes from, and what the matrix says beside it (Z1)."""

    priority: str
    source: str
    matrix: str | None


def assess(document: PlanDocument, asked: str | None, impact: str | None, urgency: str | None) -> Assessment:
    """The priority asked for wins, else the matrix, else the plan's default."""
    matrix = document.matrix_priority(impact, urgency)  # type: ignore[arg-type]  # checked by the input model
    if asked is not None:
        return Assessment(asked, "requested", matrix)
    if matrix is not None:
        return Assessment(matrix, "matrix", matrix)
    return Assessment(document.default_priority, "default", None)


def priority_faults(document: PlanDocument, priority: str | None) -> list[Fault]:
    """A fault when the plan does not know this priority."""
    if priority is None or priority in document.priority_keys:
        return []
    known = list(document.priority_keys)
    detail = _("The plan {plan} has the priorities {priorities}", plan=plan_name(document), priorities=known)
    return [{"pointer": "/priority", "detail": detail}]


def missing_texts(document: PlanDocument, priority: str, texts: Mapping[str, str | None]) -> list[Fault]:
    """A fault for each text that the plan asks for at this priority and that is absent or blank (G1)."""
    return [
        {"pointer": f"/{name}", "detail": _NEEDED[name].given(priority=priority_name(document, priority))}
        for name in document.requires.get(priority, [])
        if not (texts.get(name) or "").strip()
    ]


def is_automatic(channel: str, actor_kind: str) -> bool:
    """Whether an alert speaks: nobody is there who could say what a priority asks for (G1)."""
    return channel == "hook" and actor_kind == "automation"


def channel_faults(document: PlanDocument, channel: str) -> list[Fault]:
    """A fault when the plan does not offer this channel (Z6)."""
    if channel in OPEN_CHANNELS or channel in document.channels:
        return []
    offered = list(document.channels)
    detail = _(
        "The plan {plan} takes tickets by these channels only: {channels}", plan=plan_name(document), channels=offered
    )
    return [{"pointer": "/channel", "detail": detail}]


def follows_matrix(source: str, priority: str, matrix: str | None) -> bool:
    """Whether another priority is due by the matrix: nobody has asked for the present one (Z1)."""
    return source in ("matrix", "default") and matrix is not None and matrix != priority


def customer_may_set(document: PlanDocument, before: str, after: str) -> bool:
    """Whether a customer may change its ticket's priority like this (Z2)."""
    may = document.customer_may.priority
    return may == "any" or (may == "raise" and document.rank(after) < document.rank(before))


def allowed(status: str, actor_kind: str) -> tuple[str, ...]:
    """The statuses that this kind of actor can set from ``status``."""
    return (_CUSTOMER if actor_kind == "customer" else _SUPPORT)[status]


def status_name(status: str) -> str:
    """What a status is called."""
    return STATUS_NAMES[status]


def status_table() -> list[dict[str, object]]:
    """The published table: for each status, what support and customers can make of it."""
    return [{"status": name, "support": list(_SUPPORT[name]), "customer": list(_CUSTOMER[name])} for name in STATUSES]
