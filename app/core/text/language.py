"""The language of texts that a person reads: chosen by ``Accept-Language`` (RFC 9110, 12.5.4). Pure."""

from typing import Final, Literal, TypeAlias

Language: TypeAlias = Literal["en", "es", "fr", "pl"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "es", "fr", "pl")
_MAX_RANGES: Final = 20


def choose_language(header: str | None, default: Language = "en") -> Language:
    """The first of our languages that the header prefers; ``default`` when it wants none of them."""
    ranges = [_weigh(part) for part in (header or "").split(",")[:_MAX_RANGES]]
    for tag, weight in sorted(ranges, key=lambda each: -each[1]):
        for language in LANGUAGES:
            if weight > 0 and tag == language:
                return language
    return default


def _weigh(part: str) -> tuple[str, float]:
    tag, _, rest = part.strip().partition(";")
    name, _, value = rest.strip().partition("=")
    primary = tag.strip().lower().partition("-")[0]
    if name.strip() != "q":
        return primary, 1.0
    try:
        return primary, float(value)
    except ValueError:
        return primary, 0.0
