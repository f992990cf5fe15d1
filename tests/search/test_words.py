import pytest

from app.core.text.folding import folded
from app.search import words
from app.search.words import (
    corrected,
    excerpt,
    has_all,
    marked,
    nearest,
    query,
    rarest,
    spelt,
    spelt_out,
    terms,
    vector,
)


@pytest.mark.parametrize(
    ("asked", "beginnings"),
    [
        ("Exportación", ["exportac"]),
        ("exportaciones fallando", ["exportacio", "falla"]),
        ("błąd łączności", ["blad", "laczno"]),
        ("ana@solar-roofs.example", ["ana@solar-roofs.example"]),
        ("INC-4711", ["inc-4711"]),
        ("E504", ["e504"]),
        (" 'quoted':* & | ! (x) ", ["quoted", "x"]),
        ("…", []),
    ],
)
def test_a_search_looks_for_the_beginnings_of_words(asked: str, beginnings: list[str]) -> None:
    assert terms(asked) == beginnings


@pytest.mark.parametrize(
    ("word", "others", "read_as"),
    [
        ("exprotar", ["exporter", "exportar", "expirar"], "exportar"),
        ("invoce", ["invite", "invoice"], "invoice"),
        ("passwrod", ["password"], "password"),
        ("fala", ["falla", "fila"], "falla"),
        ("lacznsci", ["lacznosci"], "lacznosci"),
        ("kraken", ["broken", "marker"], None),
        ("krakem", [], None),
    ],
)
def test_a_mistyped_word_is_read_as_the_one_that_is_nearest(word: str, others: list[str], read_as: str | None) -> None:
    assert nearest(word, others) == read_as


def test_words_of_letters_alone_are_corrected() -> None:
    assert spelt("Exprotar el E504, INC-4711 ana@roofs.example exprotar") == ["exprotar"]
    assert spelt(f"{'x' * 31} {'y' * 30}") == ["y" * 30]
    assert corrected("Exprotar el E504", {"exprotar": "exportar"}) == ["expor", "el", "e504"]


def test_a_query_has_all_words_or_any() -> None:
    assert query(["a", "b"]) == "'a':* & 'b':*"
    assert query(["a", "b"], whole=False) == "'a':* | 'b':*"


def test_a_vector_weighs_titles_references_and_texts() -> None:
    found = vector("Export fails", ["ana@roofs.example"], "export of PDF")
    assert found == ("'export':1A 'fails':2A 'ana@roofs.example':3B 'ana':4B 'roofs':5B 'example':6B 'of':7D 'pdf':8D")


def test_a_vector_is_bounded() -> None:
    found = vector("x" * 5_000, (), " ".join(f"w{number}" for number in range(5_000)))
    assert found.count(":") == 1_000
    assert len(found) < 20_000


def test_what_is_found_is_marked_and_all_else_is_escaped() -> None:
    assert marked("<b>Exportación</b> & export", ["export"]) == (
        "&lt;b&gt;<mark>Exportación</mark>&lt;/b&gt; &amp; <mark>export</mark>"
    )
    assert marked("mail ana@roofs.example now", ["roofs"]) == "mail ana@<mark>roofs</mark>.example now"


def test_an_excerpt_is_around_what_is_found() -> None:
    text = "Many words before. " * 20 + "The kraken <woke> up. " + "Many words after. " * 20
    found = excerpt(text, ["kraken"])
    assert found is not None
    assert found.startswith("…")
    assert found.endswith("…")
    assert "<mark>kraken</mark> &lt;woke&gt; up." in found
    assert len(found) < 260
    assert excerpt(text, ["unicorn"]) is None


def test_a_text_without_what_is_searched_for_is_not_looked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    spelt: list[str] = []

    def noting(text: str) -> str:
        spelt.append(text)
        return folded(text)

    monkeypatch.setattr(words, "folded", noting)
    text = "unicorn " * 2_000
    assert excerpt(text, ["corn", "kraken"]) is None
    assert spelt == [text]


@pytest.mark.parametrize(("asked", "found"), [("prb-k7m-3qp", True), ("export pdf", True), ("export csv", False)])
def test_a_short_text_has_all_that_is_searched_for(asked: str, *, found: bool) -> None:
    assert has_all(spelt_out("PRB-K7M-3QP Exports of PDF"), terms(asked)) is found


@pytest.mark.parametrize(
    ("counts", "whole", "found"),
    [
        ((0, 3, 1, 2), True, ["a", "c"]),
        ((0, 3, 1, 2), False, ["a", "c", "d", "b"]),
        ((99, 4, 100), True, []),
        ((99, 2, 100), False, ["b"]),
    ],
)
def test_an_index_is_asked_for_rare_words_alone(counts: tuple[int, ...], *, whole: bool, found: list[str]) -> None:
    assert rarest([*zip(counts, "abcd", strict=False)], 3, whole=whole) == found
