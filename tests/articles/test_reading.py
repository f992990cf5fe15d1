"""In which language a query is, and which of its words say something."""

from collections.abc import Sequence

import pytest

from app.articles.reading import Lexeme, query_of

_TEXT = ["no", "puedo", "exportar", "el", "informe"]
_ES = {"puedo": "pued", "exportar": "export", "informe": "inform"}


def read_by(
    language: str, words: Sequence[str], says: dict[str, str] | None = None, *, titled: bool = True
) -> list[Lexeme]:
    """Words as a language reads them that knows nothing but these, or all of them."""
    return [
        Lexeme(language, says[word] if says else word, titled, [place])
        for place, word in enumerate(words, 1)
        if says is None or word in says
    ]


def spanish() -> list[Lexeme]:
    english = {word: word for word in _TEXT if word != "no"}
    return [*read_by("es", _TEXT, _ES), *read_by("en", _TEXT, english), *read_by("und", _TEXT)]


@pytest.mark.parametrize("reader", ["", "en", "pl", "ja"])
def test_what_the_language_of_a_query_passes_over_is_left_out_in_every_language(reader: str) -> None:
    query = query_of(spanish(), ["en", "es"], reader)
    said = {language: [term.lexeme for term in query.terms if term.language == language] for language in ("en", "es")}
    assert said == {"en": ["puedo", "exportar", "informe"], "es": ["pued", "export", "inform"]}
    assert set(query.languages) == {"es", reader} - {""}
    assert [term.own for term in query.terms if term.language == "en"] == ["pued", "export", "inform"]


def test_a_word_counts_if_it_says_something_at_any_of_its_places_and_title_and_text_are_apart() -> None:
    words = [Lexeme("en", "is", True, [1, 3]), Lexeme("en", "is", False, [1]), *read_by("es", ["x", "y", "is"])]
    query = query_of([*words, *read_by("und", ["x", "y", "is"])], ["en"], "es")
    assert [(term.lexeme, term.titled) for term in query.terms] == [("is", True)]


def test_polish_has_a_list_of_its_own() -> None:
    words = ["raport", "nie", "jest", "dla", "nas", "gotowy"]
    read = [lexeme for language in ("en", "pl", "und") for lexeme in read_by(language, words)]
    query = query_of(read, ["en", "pl"], "")
    assert {term.lexeme for term in query.terms} == {"raport", "gotowy"}
    assert set(query.languages) == {"pl"}


def test_words_of_which_no_language_passes_over_any_may_be_in_all() -> None:
    words = ["export", "pdf"]
    read = [lexeme for language in ("de", "en", "es", "fr", "und") for lexeme in read_by(language, words)]
    assert set(query_of(read, ["en", "pl"], "fr").languages) == {"fr", "en", "pl"}
    assert set(query_of(read, ["en", "pl"], "").languages) == {"en", "pl"}


@pytest.mark.parametrize(("reader", "order"), [("pl", "es pl de en"), ("en", "es en de pl"), ("", "es de en pl")])
def test_words_of_the_querys_language_come_first_and_then_the_readers(reader: str, order: str) -> None:
    read = [*spanish(), *read_by("de", _TEXT), *read_by("pl", _TEXT)]
    query = query_of(read, ["de", "en", "pl", "es"], reader)
    assert list(dict.fromkeys(term.language for term in query.terms)) == order.split()


def test_nothing_that_is_asked_is_no_word() -> None:
    assert query_of([], ["en"], "en").terms == []
