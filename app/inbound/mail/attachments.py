"""What an e-mail carries beside its text, on its way to the ticket. Pure."""

from collections.abc import Sequence
from typing import Final

from app.core.text.language import Language
from app.core.text.messages import Message, pgettext
from app.inbound.mail.parts import Part

_LEFT_OUT: Final = pgettext("mail", "Left out: {name} ({type}, {size} bytes)")
_NAMELESS: Final = pgettext("mail", "a part without a name")
_SHOWN: Final = 20


def handed_over(parts: Sequence[Part]) -> tuple[Message, ...]:
    """What of these parts does not reach the ticket: each by its name, type and size.

    They stay in the e-mail as it came (``GET /v1/hooks/{hook_id}/receipts/{receipt_id}``).
    """
    return tuple(
        _LEFT_OUT.given(name=part.name or _NAMELESS, type=part.type, size=part.size) for part in parts[:_SHOWN]
    )


def with_parts(text: str, left_out: Sequence[Message], language: Language) -> str:
    """A text, and below it what was left out."""
    return "\n\n".join(filter(None, (text, "\n".join(each.to(language) for each in left_out))))
