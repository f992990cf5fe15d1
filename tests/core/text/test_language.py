import pytest

from app.core.text.language import choose_language


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("pl", "pl"),
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("de, fr;q=0.5, en;q=0.7", "en"),
        ("de, FR;q=0.5", "fr"),
        ("de", "en"),
        ("*", "en"),
        ("pl;q=0, es;q=0.1", "es"),
        ("pl;q=x", "en"),
        (";;;,,q=,=", "en"),
    ],
)
def test_the_preferred_language_is_chosen(header: str | None, language: str) -> None:
    assert choose_language(header) == language
