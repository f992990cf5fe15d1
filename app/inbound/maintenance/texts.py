"""What a ticket says of alerts that a maintenance window has held back. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from app.core.text.language import Language
from app.inbound.formats.instants import nanoseconds_of

_SHOWN: Final = 20
_SECOND: Final = 1_000_000_000
_HELD: Final[Mapping[Language, str]] = {
    "en": "A maintenance window held this back. It has been firing since:",
    "es": "Una ventana de mantenimiento lo había retenido. Está activo desde:",
    "fr": "Une fenêtre de maintenance l'avait retenu. L'alerte est active depuis :",
    "pl": "Zgłoszenie wstrzymywało okno serwisowe. Alarm trwa od:",
}
_MORE: Final[Mapping[Language, str]] = {
    "en": "and {} more",
    "es": "y {} más",
    "fr": "et {} autres",
    "pl": "i jeszcze {}",
}


def since_of(starts_at: str | None, held_since: datetime) -> datetime:
    """Since when an alert fires: what its sender says, or when it was first heard of."""
    said = nanoseconds_of(starts_at)
    try:
        return datetime.fromtimestamp(said // _SECOND, UTC) if said is not None else held_since
    except (OverflowError, ValueError):
        return held_since


def held_back(alerts: Sequence[tuple[str, datetime]], language: Language) -> str:
    """That alerts, by title, were held back, and since when each has been firing."""
    lines = [f"{since.astimezone(UTC):%Y-%m-%d %H:%M} UTC · {title}" for title, since in alerts[:_SHOWN]]
    more = len(alerts) - _SHOWN
    return "\n".join([_HELD[language], *lines, *([_MORE[language].format(more)] if more > 0 else [])])
