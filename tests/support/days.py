"""The days of November 2026 on which examples take place."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

ZONE = "America/New_York"
MON, TUE, WED, THU, FRI, SAT, SUN = (f"2026-11-{day}" for day in range(16, 23))
SUN_BACK = "2026-11-01"


def local(text: str) -> datetime:
    """An instant from local time; a trailing ``EST`` is the second of two."""
    fold_ = int(text.endswith(" EST"))
    return datetime.fromisoformat(text.removesuffix(" EST")).replace(tzinfo=ZoneInfo(ZONE), fold=fold_).astimezone(UTC)
