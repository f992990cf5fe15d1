from typing import Final

import pytest

from app.problems.alike.meanings import meaning_of
from app.problems.alike.reading import kind_of, terms_of

_SAME: Final = {
    "forms": ("exportación", "exportaciones", "Exporting", "eksport"),
    "accents": ("Łączność", "LACZNOSC"),
    "invoices": ("rechnungen", "faktury", "factures", "invoices"),
    "cannot": ("It doesn't work", "no funciona", "ne marche plus", "nie działa", "funktioniert nicht", "doesnt work"),
    "everybody": ("nobody", "tous", "ninguno", "wszyscy", "alle"),
    "login": ("sign-in", "log in", "inicio de sesión", "zalogować", "SSO"),
}


@pytest.mark.parametrize("texts", _SAME.values(), ids=_SAME)
def test_words_that_mean_the_same_are_one_term(texts: tuple[str, ...]) -> None:
    terms = [frozenset(terms_of(text)) for text in texts]
    assert frozenset.intersection(*terms)


def test_a_code_is_only_itself_and_hours_and_counts_are_nothing() -> None:
    assert terms_of("E-5041 at 9:40, E-5042 in v2.1, 38.000 records of 12h").keys() >= {"e-5041", "e-5042", "v2.1"}
    assert not {"9", "40", "38.000", "12h"} & terms_of("E-5041 at 9:40, 38.000 records of 12h").keys()


def test_greetings_say_nothing() -> None:
    assert not terms_of("Hello, thanks, best regards. Bonjour, merci. Dzień dobry, pozdrawiam. Hola, saludos")


def test_a_phrase_is_read_before_its_words_and_spelt_as_written() -> None:
    terms = terms_of("No puedo exportar")
    said = {term: word for term, word in terms.items() if kind_of(term) != "topic"}
    assert said == {"sign:unable": "no puedo", "thing:export": "exportar"}


def test_kinds_are_told_apart() -> None:
    terms = terms_of("How do I export nv-5030 for one user of everybody, it fails, zzyzx")
    assert {kind_of(term) for term in terms} == {
        "asking",
        "thing",
        "code",
        "narrow",
        "everybody",
        "sign",
        "word",
        "topic",
    }
    assert meaning_of("zzyzx") is None


def test_what_words_mean_in_the_thesaurus_of_the_articles_is_compared_too() -> None:
    one, other = ({term for term in terms_of(text) if kind_of(term) == "topic"} for text in ("invoices", "facturas"))
    assert one & other


@pytest.mark.parametrize(
    "text", ["down since 14:05", "depuis 14h", "desde las 2", "od ok. 14:10", "à partir de 14 h", "seit 14 Uhr"]
)
def test_hours_of_the_clock_are_read_in_every_language(text: str) -> None:
    assert "hour:2" in terms_of(text)
