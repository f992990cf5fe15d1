"""What a ticket says of alerts that a maintenance window has held back. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from app.core.text.language import Language
from app.core.text.messages import in_language, pgettext
from app.core.text.phrases import and_more
from app.inbound.formats.instants import nanoseconds_of

_SHOWN: Final = 20
_SECOND: Final = 1_000_000_000
_HELD: Final = pgettext("alert", "A maintenance window held this back. It has been firing since:")


def since_of(starts_at: str | None, held_since: datetime) -> datetime:
    """Since when an alert fires: what its sender says, or when it was first heard of."""
    said = nanoseconds_of(starts_at)
    try:
        return datetime.fromtimestamp(said // _SECOND, UTC) if said is not None else held_since
    except (OverflowError, ValueError):
        return held_since


def held_back(alerts: Sequence[tuple[str, datetime]], language: Language) -> str:
    """That alerts, by title, were held back, and since when each has been firing."""
    lines = [
        f"{since.astimezone(UTC):%Y-%m-%d %H:%M} UTC · {in_language(title, language)}"
        for title, since in alerts[:_SHOWN]
    ]
    more = len(alerts) - _SHOWN
    return "\n".join([_HELD.to(language), *lines, *([and_more(more).to(language)] if more > 0 else [])])
