"""Words that mean the same."""

import pytest

from app.articles.thesaurus import LANGUAGES, meanings_of, words_for
from app.core.text.folding import folded


def words(meaning: int, language: str) -> set[str]:
    return {low for low, _ in words_for(meaning, language)}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("en", "bill"), ("en", "invoic")),
        (("en", "encrypt"), ("es", "cifr")),
        (("fr", "sauvegard"), ("pl", "kopia")),
        (("de", "rechnung"), ("fr", "factur")),
        (("pl", "haslo"), ("en", "password")),
    ],
)
def test_words_that_mean_the_same_are_known_by_each_other(one: tuple[str, str], other: tuple[str, str]) -> None:
    (language, lexeme), (found_in, found) = one, other
    meanings = meanings_of(lexeme, [language])
    assert any(low <= found <= high for meaning in meanings for low, high in words_for(meaning, found_in))


def test_a_word_is_read_in_the_languages_of_its_text_alone() -> None:
    assert meanings_of("pago", ["es"])
    assert not meanings_of("pago", ["en", "fr", "pl", "de"])
    assert not meanings_of("xyzzy", LANGUAGES)
    assert not meanings_of("pago", ["ja"])


def test_each_meaning_has_folded_words_in_each_language() -> None:
    meaning = 0
    while words(meaning, "en"):
        for language in LANGUAGES:
            found = words(meaning, language)
            assert found, f"line {meaning + 1} has no word in {language}"
            assert {folded(word) for word in found} == found
        meaning += 1
    assert meaning > 150
