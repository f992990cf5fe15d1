"""What the customers of a problem's tickets are told of it. Pure."""

from collections.abc import Mapping
from typing import Final

from app.core.text.language import Language
from app.core.text.messages import Message, _

_RESOLVED: Final = _("The problem behind this ticket, {number}, is resolved: {title}")
_WORKAROUND: Final = _("There is a workaround for the problem behind this ticket, {number}: {title}")


def resolved(number: str, title: str, resolution: str, language: Language) -> str:
    """That the problem is resolved, and how."""
    return _told(_RESOLVED, number, title, resolution, language)


def workaround(number: str, title: str, text: str, language: Language) -> str:
    """That there is a workaround, and which."""
    return _told(_WORKAROUND, number, title, text, language)


def in_language(text: str, translations: Mapping[str, str], language: Language) -> str:
    """What an engineer has written, in the language of whom it is told, where they have written it in that too."""
    return translations.get(language, text)


def _told(sentence: Message, number: str, title: str, text: str, language: Language) -> str:
    return f"{sentence.to(language, number=number, title=title)}\n\n{text}"
