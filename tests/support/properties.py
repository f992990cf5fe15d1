"""How often a property is tried."""

from hypothesis import settings


def examples(number: int) -> int:
    """So many examples; a tenth of them in `make check`."""
    return max(1, number // 10) if settings.get_current_profile_name() == "quick" else number
