"""What the words of a query are worth."""

import pytest

from app.articles.wording import MANY, MARKS, Term, Weighed, any_of, found_in, marked, rarest, slug_of, weigh


def test_all_terms_of_a_language_are_worth_one_and_a_rare_one_more_than_a_common_one() -> None:
    terms = [Term("en", "export", False, 1, {"export": 2}), Term("en", "fail", False, 2, {"fail": 50})]
    rare, common = weigh(terms, {"en": 100}, {})
    assert rare.weight + common.weight == pytest.approx(1)
    assert rare.weight > 2 * common.weight


def test_a_word_of_the_title_is_worth_more_and_another_spelling_less() -> None:
    terms = [
        Term("en", "pdf", True, 1, {"pdf": 5}),
        Term("en", "csv", False, 2, {"csv": 5}),
        Term("en", "fial", False, 3),
    ]
    titled, text, spelt = weigh(terms, {"en": 100}, {2: {"fail": 5}})
    assert titled.weight > text.weight > spelt.weight > 0


@pytest.mark.parametrize(
    ("language", "lexeme", "bounds"),
    [
        ("es", "exportacion", ("exportacion", "exportacion")),
        ("pl", "lacznosci", ("laczno", "laczno~")),
        ("pl", "blad", ("blad", "blad")),
        ("pl", "2fa-kodem", ("2fa-kodem", "2fa-kodem")),
    ],
)
def test_forms_of_a_word_begin_alike_where_there_are_no_stems(
    language: str, lexeme: str, bounds: tuple[str, str]
) -> None:
    assert Term(language, lexeme, False, 1).bounds == bounds


def test_the_rarest_words_lead_to_articles_as_long_as_these_are_few() -> None:
    words = [
        Weighed("en", name, n, 1.0, rarity) for n, (name, rarity) in enumerate([("the", MANY), ("a", 2), ("b", 1)])
    ]
    assert rarest(words) == ["b", "a"]
    assert rarest(words[:1]) == ["the"], "one word always does"


def test_a_query_is_quoted() -> None:
    assert any_of(["it's", "a\\b", "it's"]) == "'it''s' | 'a\\\\b'"


def test_what_is_marked_is_escaped() -> None:
    begin, end = MARKS
    assert marked(f"<b> {begin}a&b{end}") == "&lt;b&gt; <mark>a&amp;b</mark>"
    assert found_in((f"{begin}PDF{end} x {begin}export{end}", f"{begin}pdf{end}")) == ["PDF", "export"]


def test_a_title_suggests_a_slug() -> None:
    assert slug_of("  ¿Łódź: no   funciona?") == "lodz-no-funciona"
    assert slug_of("???") == "article"
