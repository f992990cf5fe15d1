"""From the events of one ticket to what reports count of it. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from app.reports.facts.promises import UPDATE, Promises, Row, Setting, facts

DEADLINES: Final = (
    "deadline.started",
    "deadline.missed",
    "deadline.met",
    "deadline.met_late",
    "deadline.cancelled",
)
TEXTS: Final = ("title", "description", "body", "requester", "business_impact", "priority_reason", "justification")
"""Members of events' ``data`` that need not be read."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The rows of a ticket."""

    facts: list[dict[str, Any]]
    moments: list[dict[str, Any]]


@dataclass(slots=True)
class _Ticket:
    setting: Setting
    product: str | None
    channel: str
    promises: Promises = field(default_factory=Promises)
    moments: list[dict[str, Any]] = field(default_factory=list)
    escalations: dict[str, dict[str, Any]] = field(default_factory=dict)
    undecided: dict[str, dict[str, Any]] = field(default_factory=dict)
    """those of the escalations that are open"""
    answers: list[tuple[datetime, str | None]] = field(default_factory=list)
    """public messages of engineers: when, and whose"""
    reopened: bool = False

    def note(self, event: Row, kind: str, reason: str | None = None, outcome: str | None = None) -> dict[str, Any]:
        """Add a moment."""
        own = {"id": event["id"], "kind": kind, "reason": reason, "outcome": outcome, "at": event["timestamp"]}
        moment = own | self.setting.document() | {"priority": self.setting.priority}
        self.moments.append(moment)
        return moment


class Counting:
    """What is counted of one ticket, as far as its events have been read."""

    _ticket: _Ticket

    def __init__(self, ticket_id: str) -> None:
        self.ticket_id = ticket_id
        self._opening: Row | None = None

    def take(self, event: Row) -> None:
        """Take in the next event by sequence, of the types ``READ``; it has ``id``, ``type``, ``timestamp``, ``data``.

        Raises ``ValueError``, ``KeyError`` or ``TypeError`` when the events are not what the service records.
        """
        if self._opening:
            _READERS[event["type"]](self._ticket, self.ticket_id, event)
            return
        if event["type"] != "ticket.opened":
            raise ValueError(f"the events of {self.ticket_id} begin with {event['type']}")
        self._opening, self._ticket = event, _opened(event)

    def facts(self) -> Iterator[dict[str, Any]]:
        """The rows of its promises."""
        ticket, own = self._ticket, self._own()
        answered = dict(ticket.answers)
        for fact in facts(ticket.promises, ticket.setting):
            # whoever answered is the engineer where nobody was assigned
            engineer_id = fact["engineer_id"] or answered.get(fact["settled_at"])
            yield fact | own | {"id": fact["id"] or self.ticket_id, "engineer_id": engineer_id}

    def moments(self) -> Iterator[dict[str, Any]]:
        """The rows of its moments."""
        _mark_first_contact(self._ticket)
        own = self._own()
        for moment in self._ticket.moments:
            yield moment | own

    def _own(self) -> dict[str, Any]:
        if self._opening is None:
            raise ValueError(f"{self.ticket_id} has no events")
        return {
            "account_id": self._opening["account_id"],
            "ticket_id": self.ticket_id,
            "sandbox": self._opening["sandbox"],
            "product": self._ticket.product,
            "channel": self._ticket.channel,
        }


def count(ticket_id: str, events: Iterable[Row]) -> Counted:
    """The facts and moments of a ticket: a function of its events by sequence. Raises what ``Counting`` does."""
    counting = Counting(ticket_id)
    for event in events:
        counting.take(event)
    return Counted(list(counting.facts()), list(counting.moments()))


def _opened(event: Row) -> _Ticket:
    data = event["data"]
    plan = data["plan"]
    setting = Setting(data["priority"], plan["key"], plan["version"])
    ticket = _Ticket(setting, data["product"], data["channel"])
    ticket.note(event, "opened")
    return ticket


def _deadline(ticket: _Ticket, _: str, event: Row) -> None:
    ticket.promises.take(event, ticket.setting)


def _updated(ticket: _Ticket, _: str, event: Row) -> None:
    ticket.product = event["data"]["fields"].get("product", ticket.product)


def _assigned(ticket: _Ticket, _: str, event: Row) -> None:
    ticket.setting = replace(ticket.setting, engineer_id=event["data"]["to"])


def _handed_over(ticket: _Ticket, _: str, event: Row) -> None:
    ticket.setting = replace(ticket.setting, engineer_id=event["data"]["to"]["engineer_id"])
    ticket.note(event, "handed_over", event["data"]["reason"])


def _tier(ticket: _Ticket, _: str, event: Row) -> None:
    ticket.setting = replace(ticket.setting, tier=event["data"]["to"])


def _priority(ticket: _Ticket, _: str, event: Row) -> None:
    after = event["data"]["to"]
    ticket.setting = replace(ticket.setting, priority=after)
    ticket.promises.change_priority([(None, after)])


def _applied(ticket: _Ticket, _: str, event: Row) -> None:
    plan, names = event["data"]["to"], event["data"]["priorities"]
    priority = names.get(ticket.setting.priority, ticket.setting.priority)
    ticket.setting = replace(ticket.setting, priority=priority, plan_key=plan["key"], plan_version=plan["version"])
    ticket.promises.change_priority(names.items())


def _status(ticket: _Ticket, _: str, event: Row) -> None:
    after = event["data"]["to"]
    if after == "resolved":
        ticket.note(event, "resolved")
    if after in ("resolved", "closed"):
        _end(ticket, event)
    elif after == "mitigated":
        ticket.promises.end(event["timestamp"], "tier_escalation")


def _end(ticket: _Ticket, event: Row) -> None:
    ticket.promises.end(event["timestamp"])
    for escalation in ticket.undecided.values():
        escalation["outcome"] = "closed"
    ticket.undecided.clear()


def _withdrawn(ticket: _Ticket, _: str, event: Row) -> None:
    _end(ticket, event)


def _merged(ticket: _Ticket, ticket_id: str, event: Row) -> None:
    if event["data"]["merged"] == ticket_id:
        _end(ticket, event)


def _reopened(ticket: _Ticket, _: str, event: Row) -> None:
    ticket.reopened = True
    ticket.note(event, "reopened")


def _message(ticket: _Ticket, _: str, event: Row) -> None:
    data = event["data"]
    if data["visibility"] == "public" and data["author"]["kind"] == "engineer":
        ticket.answers.append((event["timestamp"], data["author"].get("id")))
        ticket.promises.come(event["timestamp"], UPDATE)


def _requested(ticket: _Ticket, _: str, event: Row) -> None:
    data = event["data"]
    moment = ticket.note(event, "escalation", data["reason"], "open")
    ticket.escalations[data["escalation_id"]] = ticket.undecided[data["escalation_id"]] = moment


def _automatic(ticket: _Ticket, _: str, event: Row) -> None:
    data = event["data"]
    moment = ticket.note(event, "escalation", data["reason"], "automatic")
    if data["escalation_id"]:
        ticket.escalations[data["escalation_id"]] = moment


def _decided(outcome: str) -> Callable[[_Ticket, str, Row], None]:
    def decide(ticket: _Ticket, _: str, event: Row) -> None:
        data = event["data"]
        if data["escalation_id"] in ticket.escalations:
            ticket.escalations[data["escalation_id"]]["outcome"] = outcome
            ticket.undecided.pop(data["escalation_id"], None)
        if outcome == "withdrawn":
            ticket.promises.end(event["timestamp"], "escalation_ack", data["subject"])

    return decide


def _joined(ticket: _Ticket, _: str, event: Row) -> None:
    if event["data"]["participant"] == "customer":
        ticket.note(event, "call_joined")


def _no_show(ticket: _Ticket, _: str, event: Row) -> None:
    ticket.note(event, "call_no_show")


def _call_ended(ticket: _Ticket, _: str, event: Row) -> None:
    ticket.promises.end(event["timestamp"], "call_join", event["data"]["call_id"])


def _cancelled(ticket: _Ticket, _: str, event: Row) -> None:
    ticket.promises.end(event["timestamp"], "alert_ack", event["data"]["alert_id"])


def _mark_first_contact(ticket: _Ticket) -> None:
    """Mark a resolution that took one public message of an engineer, and was not undone."""
    resolved = next((moment for moment in ticket.moments if moment["kind"] == "resolved"), None)
    if resolved and not ticket.reopened and len([at for at, _ in ticket.answers if at <= resolved["at"]]) == 1:
        resolved["outcome"] = "first_contact"


_READERS: Final[Mapping[str, Callable[[_Ticket, str, Row], None]]] = {
    **dict.fromkeys(DEADLINES, _deadline),
    "ticket.updated": _updated,
    "ticket.assigned": _assigned,
    "ticket.handed_over": _handed_over,
    "ticket.tier_changed": _tier,
    "ticket.priority_changed": _priority,
    "plan.applied": _applied,
    "ticket.status_changed": _status,
    "ticket.withdrawn": _withdrawn,
    "ticket.merged": _merged,
    "ticket.reopened": _reopened,
    "message.posted": _message,
    "escalation.requested": _requested,
    "escalation.automatic": _automatic,
    "escalation.accepted": _decided("accepted"),
    "escalation.declined": _decided("declined"),
    "escalation.withdrawn": _decided("withdrawn"),
    "call.joined": _joined,
    "call.no_show": _no_show,
    "call.ended": _call_ended,
    "expert.cancelled": _cancelled,
}
READ: Final = ("ticket.opened", *_READERS)
"""The types of the events from which a ticket is counted."""
