"""The header fields that every answer has, whoever writes it. Pure."""

from typing import Final, TypeAlias

from app.core.web.page import NOTHING

Fields: TypeAlias = list[tuple[bytes, bytes]]

EVERY_ANSWER: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
PRIVATE: Final = (b"cache-control", b"no-store")
"""No cache keeps an answer, unless it says of itself that one may."""
PUBLIC: Final = {"Cache-Control": "public, no-cache"}
"""For what is the same for everybody: it may be kept, and is asked for again before it is used."""
_PAGE: Final = (b"content-security-policy", NOTHING.encode())


def complete(fields: Fields) -> None:
    """Add to an answer's fields those that it lacks; a page that has no policy of its own may load and run nothing."""
    present = {name.lower(): value for name, value in fields}
    fields += [field for field in EVERY_ANSWER if field[0] not in present]
    if PRIVATE[0] not in present:
        fields.append(PRIVATE)
    if present.get(b"content-type", b"").startswith(b"text/html") and _PAGE[0] not in present:
        fields.append(_PAGE)
