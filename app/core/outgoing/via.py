"""Which installations a message has come through: how loops of webhooks and hooks end. Pure.

Every webhook says so in a header, as ``Via`` does for proxies (RFC 9110, 7.6.3): the ids of the installations, the
sender's own last. What came in with it hands it on to what follows from it.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from app.core.text.messages import Message, _

HEADER: Final = "heliodesk-via"
MAX_HOPS: Final = 16
"""Longer ways are refused, whichever installations are on them."""
_ID: Final = re.compile(r"[a-z0-9_]{1,40}")


def read_via(header: str | None) -> tuple[str, ...]:
    """The installations that a header names, in the order of the way; what is no id is left out."""
    if not header:
        return ()
    parts = (part.strip() for part in header.split(","))
    return tuple(part for part in parts if _ID.fullmatch(part))


def write_via(installations: Iterable[str]) -> str:
    """The header's value."""
    return ", ".join(installations)


def refusal(via: Sequence[str], own: str) -> Message | None:
    """Why what has come this way is not to have any effect; None where it may.

    Having come through this installation once is fine: a chain to another one and back, or to another account's hook.
    """
    if via.count(own) > 1:
        detail = _("It has come through this installation {times} times: webhooks and hooks form a loop")
        return detail.given(times=via.count(own))
    if len(via) > MAX_HOPS:
        detail = _("It has come through {number} installations, more than {most}: webhooks and hooks form a loop")
        return detail.given(number=len(via), most=MAX_HOPS)
    return None
