"""What pydantic finds is said in every language."""

from string import Formatter
from typing import Any, Final, get_args

import pytest
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticKnownError
from pydantic_core.core_schema import ErrorType

from app.core.schemas.validation import MESSAGES, said_of
from app.core.text.language import Language

_FACTS: Final = {"pattern": "a", "expected": "a", "expected_schemes": "a"}


class _Thing(BaseModel):
    name: str
    count: int = 0
    kind: str = ""


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_message_is_of_an_error_of_pydantic() -> None:
    assert set(MESSAGES) <= set(get_args(ErrorType))


@pytest.mark.parametrize("kind", sorted(kind for kind, message in MESSAGES.items() if fields(message)))
def test_every_placeholder_is_one_of_pydantic(kind: str) -> None:
    facts = {name: _FACTS.get(name, 1) for name in fields(MESSAGES[kind])}
    assert fields(MESSAGES[kind]) <= fields(PydanticKnownError(kind, facts).message_template)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "language", "said"),
    [
        ({}, "en", "This is needed"),
        ({}, "es", "Este dato es obligatorio"),
        ({"name": 1}, "pl", "Musi to być tekst"),
        ({"name": "", "count": "x"}, "de", "Muss eine ganze Zahl sein"),
    ],
    ids=["missing", "missing es", "text pl", "number de"],
)
def test_an_error_is_said_by_its_type(value: dict[str, Any], language: Language, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        _Thing.model_validate(value)
    [error] = caught.value.errors()
    assert said_of(error).to(language) == said


@pytest.mark.parametrize(
    ("kind", "context", "said"),
    [
        ("string_too_short", {"min_length": 1}, "Potrzebny jest co najmniej 1 znak"),
        ("string_too_long", {"max_length": 22}, "Dozwolone są najwyżej 22 znaki"),
        ("too_long", {"max_length": 5}, "Dozwolone jest najwyżej 5 elementów"),
        ("too_short", {"min_length": 2}, "Potrzebne są co najmniej 2 elementy"),
        ("literal_error", {"expected": "'a', 'b' or 'c'"}, "Musi to być jedna z wartości: 'a', 'b', 'c'"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_counts_has_its_plural(kind: str, context: dict[str, Any], said: str) -> None:
    assert said_of({"type": kind, "ctx": context, "msg": ""}).to("pl") == said


def test_what_is_not_known_is_said_by_pydantic() -> None:
    assert said_of({"type": "of a later version", "msg": "Input should be better"}).to("es") == "Input should be better"
