import pytest

from app.core.text.language import choose_language, language_for

_LONG = ",".join(f"x{number:05d}" for number in range(2_000))


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("pl", "pl"),
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("xx, fr;q=0.5, en;q=0.7", "en"),
        ("xx, FR;q=0.5", "fr"),
        ("xx", "en"),
        ("*", "en"),
        ("pl;q=0, es;q=0.1", "es"),
        ("fr;Q=0.3, es ; q=0.8", "es"),
        ("en;q=0, de;q=0, *", "es"),
        ("en;q=0", "en"),
        ("xx, *;q=0.5", "en"),
        ("es;q=0.2, *;q=0.1", "es"),
        ("es, fr", "es"),
        ("pl;q=x", "en"),
        ("pl;q=nan", "en"),
        ("pl;q=2", "en"),
        (";;;,,q=,=", "en"),
        (_LONG[:600] + ",pl", "pl"),
        (_LONG + ",pl", "pl"),
        (_LONG[:987] + ",es;q=0.9", "es"),
        (_LONG + ",en;q=0,*", "de"),
        ("es" + " " * 50_000 + "x", "en"),
        ("-".join(["es"] * 5000), "en"),
    ],
    ids=lambda text: str(text)[:20],
)
def test_the_preferred_language_is_chosen(header: str | None, language: str) -> None:
    assert choose_language(header) == language


@pytest.mark.parametrize(
    ("wanted", "others", "language"),
    [
        (None, ("es-MX", "fr"), "es"),
        ("xx", (None, "fr"), "fr"),
        ("*", ("xx", "pl,es"), "pl"),
        ("es;q=0", ("es", "fr"), "fr"),
        ("pl", ("es",), "pl"),
    ],
)
def test_where_nothing_wanted_is_spoken_the_next_one_who_may_say_decides(
    wanted: str | None, others: tuple[str | None, ...], language: str
) -> None:
    assert choose_language(wanted, *others) == language


@pytest.mark.parametrize(
    ("known", "wanted", "language"),
    [
        (("en", "es"), ("es-MX", "fr"), "es"),
        (("en", "es"), ("xx", "es"), "es"),
        (("es", "en"), ("pl",), "en"),
        (("pl",), ("es",), "pl"),
        (("xx",), ("es",), "en"),
        ((), (None, "fr"), "fr"),
    ],
    ids=str,
)
def test_a_reader_gets_the_wanted_language_if_they_know_it(
    known: tuple[str, ...], wanted: tuple[str | None, ...], language: str
) -> None:
    assert language_for(known, *wanted) == language
