"""Which changes of a preview the service would refuse of a live ticket, and what the others are to the clock."""

from functools import singledispatch
from typing import Final, TypeAlias

from app.core.text.messages import Message as Text
from app.core.text.messages import _, ngettext
from app.previews.schemas import (
    PreviewChange,
    PreviewMessageChange,
    PreviewPriorityChange,
    PreviewReopening,
    PreviewStatusChange,
    PreviewTierChange,
    PreviewWithdrawal,
)
from app.sla.clock.changes import Change, Close, Message, Priority, Reopen, Status, Tier
from app.sla.clock.clock import Clock
from app.tickets.rules import allowed, status_name

Refusal: TypeAlias = tuple[str, Text]
"""The member of the change that is at fault ("": the change itself), and a sentence."""

_OVER: Final = ("resolved", "closed")


def refusal(clock: Clock, change: PreviewChange) -> Refusal | None:
    """Why a ticket with this clock does not take this change; None when it does."""
    if clock.status == "closed":
        return "", _("A closed ticket cannot change")
    return _refusal(change, clock)


@singledispatch
def _refusal(_change: PreviewChange, clock: Clock) -> Refusal | None:
    del clock
    return None


@_refusal.register
def _status(change: PreviewStatusChange, clock: Clock) -> Refusal | None:
    status = change.status
    if status == clock.status:
        return None
    if status not in allowed(clock.status, "engineer"):
        return "status", _(
            "A ticket that is {status} cannot become {wanted}",
            status=status_name(clock.status),
            wanted=status_name(status),
        )
    if status in ("waiting_on_customer", "resolved") and clock.answered_at is None:
        return "status", _(
            "A ticket becomes {status} only with, or after, a public message from an engineer",
            status=status_name(status),
        )
    return None


@_refusal.register
def _priority(change: PreviewPriorityChange, clock: Clock) -> Refusal | None:
    if clock.status in _OVER:
        return "", _("The priority of a ticket that is {status} cannot change", status=status_name(clock.status))
    if change.priority not in clock.terms.priorities:
        return "priority", _("The plan has the priorities {priorities}", priorities=list(clock.terms.priorities))
    return None


@_refusal.register
def _tier(change: PreviewTierChange, clock: Clock) -> Refusal | None:
    if clock.status in _OVER:
        return "", _("A ticket that is {status} stays in its tier", status=status_name(clock.status))
    if change.tier > clock.terms.tiers:
        return "tier", ngettext("The plan has {n} tier", "The plan has {n} tiers", clock.terms.tiers)
    return None


@_refusal.register
def _reopen(_change: PreviewReopening, clock: Clock) -> Refusal | None:
    return (
        None
        if clock.status == "resolved"
        else ("", _("A ticket that is {status} cannot be reopened", status=status_name(clock.status)))
    )


def as_change(change: PreviewChange) -> tuple[Change, str]:
    """What the clock is given, and the kind of actor who does it."""
    match change:
        case PreviewMessageChange():
            return Message(change.at, change.author, change.visibility == "public"), change.author
        case PreviewStatusChange():
            return Status(change.at, change.status), "engineer"
        case PreviewPriorityChange():
            return Priority(change.at, change.priority), "engineer"
        case PreviewTierChange():
            return Tier(change.at, change.tier), "engineer"
        case PreviewReopening():
            return Reopen(change.at), "engineer"
        case PreviewWithdrawal():
            return Close(change.at, "withdrawn"), "customer"
