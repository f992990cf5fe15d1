"""Texts that can be said in every language: written in English in the code, looked up in a catalogue. Pure.

``pybabel extract`` finds the calls of ``_``, ``pgettext`` and ``ngettext`` by their names, so each is given literals.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Self

from babel.lists import format_list
from babel.numbers import format_decimal

from app.core.text.catalogues import SOURCE, translations
from app.core.text.language import Language


class Message(str):
    """A text in English, which knows how it is said in other languages.

    Placeholders are named: ``_("At most {most} bytes", most=5)``. Numbers and lists among the facts are written as the
    language writes them, messages are translated, and everything else stands as it is.
    """

    __slots__ = ("context", "facts", "form", "plural", "quantity")

    form: str
    context: str | None
    plural: str | None
    quantity: int
    facts: Mapping[str, Any]

    def __new__(
        cls,
        form: str,
        facts: Mapping[str, Any] | None = None,
        *,
        context: str | None = None,
        plural: str | None = None,
        count: int = 1,
    ) -> Self:
        """``form`` is the English text with its placeholders, ``plural`` its plural for a ``count``."""
        chosen = form if plural is None or count == 1 else plural
        self = super().__new__(cls, _filled(chosen, facts or {}, SOURCE))
        self.form, self.facts, self.context, self.plural, self.quantity = form, facts or {}, context, plural, count
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """It can be sent to another process."""
        return _restored, (self.form, self.facts, self.context, self.plural, self.quantity)

    def given(self, **facts: Any) -> "Message":
        """The same message with these facts beside its own."""
        return _restored(self.form, {**self.facts, **facts}, self.context, self.plural, self.quantity)

    def to(self, language: Language, **facts: Any) -> str:
        """The text in this language, with these facts beside its own."""
        return _filled(self._found(language), {**self.facts, **facts}, language)

    def _found(self, language: Language) -> str:
        catalogue = translations(language)
        if self.plural is not None:
            return catalogue.ngettext(self.form, self.plural, self.quantity)
        if self.context is not None:
            return catalogue.pgettext(self.context, self.form)
        return catalogue.gettext(self.form) if self.form else ""


class Authored(Message):
    """A text that its author has written in several languages, English among them."""

    __slots__ = ("texts",)

    texts: Mapping[str, str]

    def __reduce__(self) -> tuple[Any, ...]:
        """It can be sent to another process."""
        return authored, (dict(self.texts),)

    def to(self, language: Language, **facts: Any) -> str:
        """The author's text in this language, else in English."""
        del facts
        return self.texts.get(language) or self.texts.get(language.partition("-")[0]) or self.texts[SOURCE]


def authored(texts: Mapping[str, str]) -> Authored:
    """Somebody else's text in several languages, English among them."""
    message = Authored("{text}", {"text": texts[SOURCE]})
    message.texts = texts
    return message


def _restored(form: str, facts: Mapping[str, Any], context: str | None, plural: str | None, count: int) -> Message:
    return Message(form, facts, context=context, plural=plural, count=count)


def _(form: str, /, **facts: Any) -> Message:
    """A message by its English text."""
    return Message(form, facts)


def pgettext(context: str, form: str, /, **facts: Any) -> Message:
    """A message whose English text alone does not say which translation is meant; the context does."""
    return Message(form, facts, context=context)


def ngettext(form: str, plural: str, count: int, /, **facts: Any) -> Message:
    """A message that counts; ``{n}`` is the count."""
    return Message(form, {"n": count, **facts}, plural=plural, count=count)


def verbatim(text: str) -> Message:
    """Somebody else's text, which no catalogue has: it is the same in every language."""
    return Message("{text}", {"text": text})


def joined(texts: Iterable[str], separator: str = "; ") -> Message:
    """Several texts one after the other, each in the reader's language where it is a message."""
    facts = {f"text{number}": text for number, text in enumerate(texts)}
    return Message(separator.join(f"{{{name}}}" for name in facts), facts)


def to_stored(text: str | None) -> dict[str, Any] | None:
    """What is stored beside a text in English so that it can be said in other languages later: JSON.

    None for what is no message, which is the same in every language.
    """
    if not isinstance(text, Message):
        return None
    facts = {name: _stored_fact(value) for name, value in text.facts.items()}
    if isinstance(text, Authored):
        return {"texts": dict(text.texts)}
    parts = {"context": text.context, "plural": text.plural, "count": text.quantity if text.plural else None}
    return {"form": text.form, "facts": facts} | {name: part for name, part in parts.items() if part is not None}


def both(text: str | None) -> tuple[str | None, str | None]:
    """The parameters of a statement that stores a text: in English, and as JSON what ``to_stored`` makes of it."""
    stored = to_stored(text)
    return text, None if stored is None else json.dumps(stored)


def from_stored(text: str, stored: Mapping[str, Any] | None = None) -> Message:
    """A text that was stored in English, as a message.

    ``stored`` is what ``to_stored`` made of it. Without it, the text itself is looked up: one without facts is in the
    catalogues, and somebody else's is in none.
    """
    if stored is None:
        return Message(text)
    if "texts" in stored:
        return authored(stored["texts"])
    facts = {name: _fact(value) for name, value in stored["facts"].items()}
    plural, count = stored.get("plural"), stored.get("count", 1)
    return Message(stored["form"], facts, context=stored.get("context"), plural=plural, count=count)


def _stored_fact(value: Any) -> Any:
    if isinstance(value, Message):
        return to_stored(value)
    if isinstance(value, list | tuple):
        return [_stored_fact(each) for each in value]
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _fact(value: Any) -> Any:
    if isinstance(value, list):
        return [_fact(each) for each in value]
    return from_stored("", value) if isinstance(value, dict) else value


def in_language(text: str, language: Language) -> str:
    """A text as a reader of this language gets it; one that is not a message stays as it is."""
    return text.to(language) if isinstance(text, Message) else text


def locale_of(language: Language) -> str:
    """A language as Babel names it."""
    return language.replace("-", "_")


def _filled(form: str, facts: Mapping[str, Any], language: Language) -> str:
    if not facts:
        return form
    return form.format_map({name: _written(value, language) for name, value in facts.items()})


def _written(value: Any, language: Language) -> Any:
    if isinstance(value, str):
        return in_language(value, language)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(value, language)
    if isinstance(value, Sequence):
        return format_list([_written(each, language) for each in value], locale=locale_of(language))
    return value


@lru_cache(maxsize=1024)
def number(value: float, language: Language) -> str:
    """A number with the separators of the language."""
    return format_decimal(value, locale=locale_of(language))
