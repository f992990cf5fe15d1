"""The words by which senders say that an alert is over, or was seen. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final

from app.inbound.formats.signal import Status, cleaned

RESOLVED: Final = (
    *("resolved", "resolve", "solved", "ok", "okay", "good", "healthy", "up", "online", "available", "operational"),
    *("normal", "back to normal", "green", "clear", "cleared", "closed", "close", "inactive", "recovered", "recovery"),
    *("restored", "fixed", "repaired", "success", "successful", "succeeded", "passed", "pass", "passing"),
    *("completed", "complete", "finished", "done", "ended", "false"),
)
ACKNOWLEDGED: Final = ("acknowledged", "acknowledge", "ack")
_KNOWN: Final[Mapping[str, Status]] = {
    **dict.fromkeys(RESOLVED, "resolved"),
    **dict.fromkeys(ACKNOWLEDGED, "acknowledged"),
}
_BETWEEN: Final = re.compile(r"[\s_-]+")
_MAX_WORD: Final = 60


def plain(word: str) -> str:
    """A word as words are compared: in lower case, with single spaces for whatever stands between its parts."""
    return _BETWEEN.sub(" ", word).strip().lower()


def status_of(value: Any, words: Mapping[str, Status]) -> Status:
    """The state of an alert whose status has this value: by the hook's own ``words``, else by those that all know.

    Whatever no word says fires: an alert too many is seen, one too few is not.
    """
    word = plain(cleaned(value, _MAX_WORD))
    return words.get(word) or _KNOWN.get(word, "firing")
