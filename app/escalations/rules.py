"""Whether a promise that an escalation names is really broken (G5). Pure."""

from collections.abc import Collection
from typing import Final

REPLIES: Final = frozenset({"first_response", "next_response", "update"})


def breach(
    reason: str, *, promised: Collection[str], missed: Collection[str], turns: int, exchanges: int | None
) -> bool | None:
    """Whether the promise behind ``reason`` is broken; None for a reason that names none, or a plan without it.

    ``promised`` are the metrics with a target at the ticket's priority, ``missed`` those with a missed cycle that
    still counts; ``turns`` how often customer and engineer have taken turns, ``exchanges`` how often they may.
    """
    if reason == "too_many_exchanges":
        return None if exchanges is None else turns >= exchanges
    metrics = {"no_update": REPLIES, "resolution_time": frozenset({"resolution"})}.get(reason, frozenset())
    if metrics.isdisjoint(missed):
        return None if metrics.isdisjoint(promised) else False
    return True
