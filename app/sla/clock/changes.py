"""What can happen to a ticket's clock, and what the clock tells in return. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

from app.sla.clock.deadline import Deadline
from app.sla.clock.terms import Terms


@dataclass(frozen=True, slots=True)
class Message:
    """A message. Only a public one of an engineer answers, only a public one of a customer waits (C07)."""

    at: datetime
    author: Literal["engineer", "customer", "automation"]
    public: bool = True


@dataclass(frozen=True, slots=True)
class Status:
    """A status set by somebody (``by`` is an actor's kind)."""

    at: datetime
    status: str
    by: str = "engineer"


@dataclass(frozen=True, slots=True)
class Priority:
    """A priority set by somebody."""

    at: datetime
    priority: str
    by: str = "engineer"


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier set by somebody; a tier set to itself is nothing (C13)."""

    at: datetime
    tier: int
    by: str = "engineer"


@dataclass(frozen=True, slots=True)
class Reopen:
    """A resolved ticket was reopened (C13)."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Close:
    """Closed by hand, withdrawn or merged: everything ends (C13)."""

    at: datetime
    reason: str = "closed"


@dataclass(frozen=True, slots=True)
class Apply:
    """Another plan version is applied (C14); ``mapping`` names what a vanished priority becomes."""

    at: datetime
    terms: Terms
    mapping: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ask:
    """An escalation, alert or call starts to wait for its answer (``escalation_ack``, ``alert_ack``, ``call_join``)."""

    at: datetime
    metric: str
    subject: str
    within: timedelta | None = None
    """None: the time that the plan gives for an acknowledgement; where it gives none, nothing waits"""
    remind: timedelta | None = None
    """how long after ``at`` whoever owes the answer is reminded of it"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an ``Ask`` waited for has come; ``cancel``: it is no longer waited for."""

    at: datetime
    metric: str
    subject: str
    by: str = "engineer"
    cancel: str = ""


Change: TypeAlias = Message | Status | Priority | Tier | Reopen | Close | Apply | Ask | Answer


@dataclass(frozen=True, slots=True)
class ClockEvent:
    """Something that the clock did, in order; the shell makes events of it.

    ``kind`` is ``deadline.*``, ``reminder`` or ``managed``, which is an escalation to the account's manager (with the
    deadline as it was then), ``status``, ``priority``, ``tier`` (with ``before`` and ``after``), ``waiting_reminder``
    (``before``: which one it is; ``after``: when the ticket is resolved), or ``effect`` (``reassign``,
    ``notify_manager``, ``notify_tam``, ``open_escalation`` in ``reason``, with the missed deadline that caused it).
    """

    kind: str
    at: datetime
    deadline: Deadline | None = None
    before: Any = None
    after: Any = None
    reason: str = ""
    by: str = "service"
