"""What the words of a query are worth."""

from dataclasses import replace

import pytest

from app.articles.wording import (
    MANY,
    MARKS,
    SAME_MEANING,
    TRANSLATED,
    Kin,
    Span,
    Term,
    Weighed,
    any_of,
    found_in,
    keys_of,
    marked,
    rarest,
    slug_of,
    spans,
    weigh,
)


def test_a_rare_word_is_worth_more_than_a_common_one() -> None:
    terms = [Term("en", "export", False, 1, {"export": 2}), Term("en", "fail", False, 2, {"fail": 50})]
    rare, common = weigh(terms, {"en": 100})
    assert rare.weight > 2 * common.weight > 0


def test_a_single_rare_word_is_worth_a_half_and_three_that_an_article_has_are_worth_more() -> None:
    terms = [Term("en", name, False, 1, {name: 1}) for name in ("pdf", "csv", "xls")]
    assert [each.weight for each in weigh(terms[:1], {"en": 100})] == [pytest.approx(0.5)]
    assert 0.5 < sum(each.weight for each in weigh(terms, {"en": 100})) < 1


def test_words_that_no_article_has_make_the_others_worth_less_but_not_as_much_less_as_they_are_many() -> None:
    term = Term("en", "pdf", False, 1, {"pdf": 1})
    unknown = [Term("en", f"x{n}", False, n + 2) for n in range(9)]
    (alone,) = weigh([term], {"en": 100})
    (among,) = weigh([term, *unknown], {"en": 100})
    assert alone.weight / 5.5 < among.weight < alone.weight / 2


def test_a_word_of_the_title_is_worth_more_and_one_in_its_place_less() -> None:
    terms = [
        Term("en", "pdf", True, 1, {"pdf": 5}),
        Term("en", "csv", False, 2, {"csv": 5}),
        Term("en", "fial", False, 3),
    ]
    titled, text, spelt = weigh(terms, {"en": 100}, {2: {"fail": Kin(0.7, 5)}})
    assert titled.weight > text.weight > spelt.weight > 0


def test_words_are_looked_for_by_what_they_mean_and_strange_ones_by_their_beginnings() -> None:
    known = Term("en", "invoic", True, 1, {"invoic": 3})
    strange = Term("es", "facturation", True, 1)
    found = spans([known, strange], {"en", "fr"})
    assert Span(0, "en", "bill", "bill", SAME_MEANING) in found
    assert Span(1, "es", "factur", "factur~", TRANSLATED) in found
    assert Span(1, "es", "facturat", "facturat~", 0.6) in found
    assert {each.worth for each in found if each.number == 0} == {SAME_MEANING}, "what articles have is not cut"


def test_of_a_long_text_few_words_are_looked_for_by_what_they_mean() -> None:
    terms = [Term("en", "invoic", False, n, {"invoic": 1}) for n in range(500)]
    assert len({each.number for each in spans(terms, {"en"})}) == 40


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
    assert rarest(words) == {"en": ["b", "a"]}
    assert rarest(words[:1]) == {"en": ["the"]}, "one word always does"


def test_a_word_is_as_rare_as_it_is_in_its_language() -> None:
    english, french = (Weighed(language, "report", 0, 1, MANY - 1) for language in ("en", "fr"))
    words = rarest([replace(french, rarity=1), english, Weighed("fr", "rapport", 1, 1, 2), english])
    assert words == {"fr": ["report", "rapport"]}
    assert keys_of(words, ("public", "internal")) == ["fr.preport", "fr.prapport", "fr.ireport", "fr.irapport"]


def test_a_query_is_quoted() -> None:
    assert any_of(["it's", "a\\b", "it's"]) == "'it''s' | 'a\\\\b'"


def test_what_is_marked_is_escaped() -> None:
    begin, end = MARKS
    assert marked(f"<b> {begin}a&b{end}") == "&lt;b&gt; <mark>a&amp;b</mark>"
    assert found_in((f"{begin}PDF{end} x {begin}export{end}", f"{begin}pdf{end}")) == ["PDF", "export"]


def test_a_title_suggests_a_slug() -> None:
    assert slug_of("  ¿Łódź: no   funciona?") == "lodz-no-funciona"
    assert slug_of("???") == "article"
