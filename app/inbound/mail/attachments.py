"""What an e-mail carries beside its text: its first parts become files of the ticket, the others are named. Pure."""

from collections.abc import Sequence
from typing import Final

from app.core.text.language import Language
from app.core.text.messages import Message, pgettext
from app.files.rules import MOST
from app.inbound.mail.parts import WHOLE, Part

_LEFT_OUT: Final = pgettext("mail", "Left out: {name} ({type}, {size} bytes)")
_MORE: Final = pgettext("mail", "Left out: {number} further parts")
_NAMELESS: Final = pgettext("mail", "a part without a name")
_SHOWN: Final = 20
_LETTER: Final = "message/rfc822"
_LETTERS: Final = frozenset({_LETTER, "application/ms-tnef", "application/vnd.ms-tnef", "application/pkcs7-mime"})
_LETTER_NAMES: Final = ("winmail.dat", ".eml", ".msg", ".p7m", *WHOLE)
"""How the names end of what holds an e-mail: another one, or this one as a whole, with all that it quotes."""


def attachable(parts: Sequence[Part], *, known: bool, quotes: bool = False) -> Sequence[Part]:
    """Those of these parts that become files: as many as a message has, of a sender who is ``known``.

    ``quotes``: e-mails among them may be what is answered, and stay out. So does whatever has an engineer's link.
    """
    return [part for part in parts if not (part.has_link or (quotes and _holds_letter(part)))][:MOST] if known else ()


def without(parts: Sequence[Part], others: Sequence[Part]) -> Sequence[Part]:
    """These parts without the ``others``: two that say the same are still two."""
    return [part for part in parts if not any(part is each for each in others)]


def left_out(parts: Sequence[Part], attached: Sequence[Part], *, quotes: bool = False) -> tuple[Message, ...]:
    """Which of these parts are not ``attached``: the first by name, type and size, the others by their number.

    ``quotes``: the subject of an e-mail among them is not said.

    They stay in the e-mail as it came (``GET /v1/hooks/{hook_id}/receipts/{receipt_id}``).
    """
    rest = without(parts, attached)
    names = ["" if part.has_link or (quotes and _holds_letter(part)) else part.name for part in rest]
    said = [
        _LEFT_OUT.given(name=name or _NAMELESS, type=part.type, size=part.size)
        for name, part in zip(names[:_SHOWN], rest, strict=False)
    ]
    return (*said, *([_MORE.given(number=len(rest) - _SHOWN)] if len(rest) > _SHOWN else []))


def _holds_letter(part: Part) -> bool:
    return part.type in _LETTERS or part.name.lower().endswith(_LETTER_NAMES)


def file_name(part: Part) -> str:
    """What a file is called that a part becomes; an e-mail that was forwarded has its subject for a name."""
    return f"{part.name}.eml" if part.type == _LETTER and part.name and not part.name.endswith(".eml") else part.name


def with_parts(text: str, said: Sequence[Message], language: Language) -> str:
    """A text, and below it what was left out."""
    return "\n\n".join(filter(None, (text, "\n".join(each.to(language) for each in said))))
