"""The header fields that every answer has, whoever writes it."""

from typing import Final

EVERY_ANSWER: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
