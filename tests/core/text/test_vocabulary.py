"""One word for one thing, in each language of the catalogues and of the shipped plans."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest

from app.core.text import catalogues
from tests.support.documents import PLANS

OTHER_WORDS: Final = {
    "es": r"\btiques?\b|\b(?:el|un) escalado\b|\bgestor|\blabora[bl]|\bnovedad|\bgravedad|Sírvase|admite objeciones"
    r"|\bescalación|\bescalaciones|\bperíodo|\bstreams\b",
    "fr": r"\bobjecter\b|\bgravité|perdre son rang|Attendue à|heures pleines|\bdemande est fermée|\bimpact large"
    r"|[Tt]icket est fermé|suiv\w+ le soleil",
    "pl": r"\bcierpi|Produkcja stoi|treść dzienników|Małe skutki|Jesteś teraz potrzebn|ważnoś"
    r"|opiekuna? (?:Państwa )?konta\b|[Oo]dnośnik",
    "de": r"\bWerktag|Ingenieur|Bearbeiter|\bAnruf|Videoanruf|Zusatzleistung|[Aa]bgemildert",
}
"""What something is called in no text, because it has another name."""


def texts(language: str) -> Iterator[str]:
    for message in catalogues.read(language):
        if message.id:
            yield from [message.string] if isinstance(message.string, str) else message.string or ()
    for plan in PLANS.values():
        yield from _in_language(plan.canonical(), language)


def _in_language(value: Any, language: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            if key == language:
                yield part if isinstance(part, str) else json.dumps(part, ensure_ascii=False)
            else:
                yield from _in_language(part, language)
    elif isinstance(value, list):
        for part in value:
            yield from _in_language(part, language)


@pytest.mark.parametrize("language", OTHER_WORDS)
def test_there_is_one_word_for_one_thing(language: str) -> None:
    other = re.compile(OTHER_WORDS[language])
    assert [text for text in texts(language) if other.search(text)] == []


def test_french_has_no_break_spaces_before_its_marks() -> None:
    assert [text for text in texts("fr") if re.search(r" [:;?!»]|« ", text)] == []


@pytest.mark.parametrize("language", OTHER_WORDS)
def test_no_text_shows_the_key_of_a_shipped_plan(language: str) -> None:
    assert [text for text in texts(language) if any(key in text for key in PLANS)] == []
