"""What happens to a ticket, in hours from its opening."""

from typing import Literal

from app.sla.clock.changes import Close, Message, Priority, Status, Tier
from tests.sla.kit import at


def engineer(hours: float, *, public: bool = True) -> Message:
    return Message(at(hours), "engineer", public)


def customer(hours: float, *, public: bool = True) -> Message:
    return Message(at(hours), "customer", public)


def status(hours: float, name: str, by: str = "engineer") -> Status:
    return Status(at(hours), name, by)


def waiting(hours: float) -> Status:
    return status(hours, "waiting_on_customer")


def priority(hours: float, name: str) -> Priority:
    return Priority(at(hours), name)


def tier(hours: float, number: int) -> Tier:
    return Tier(at(hours), number)


def close(hours: float, reason: Literal["closed", "withdrawn", "merged"] = "closed") -> Close:
    return Close(at(hours), reason)
