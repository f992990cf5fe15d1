"""What pydantic finds is said in every language."""

from string import Formatter
from typing import Any, Final, get_args

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import PydanticKnownError
from pydantic_core.core_schema import ErrorType

from app.accounts.schemas import NewAccount
from app.core.schemas.shared import Locale
from app.core.schemas.validation import MESSAGES, said_of
from app.core.text.language import Language
from app.core.web.faults import document_faults, request_faults
from app.inbound.schemas import Rule
from app.previews.schemas import PreviewRequest
from app.tickets.schemas import NewTicket

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
        ({}, "en", "This is required"),
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
        ("literal_error", {"expected": "'a', 'b' or 'c'"}, "Musi to być jedna z tych wartości: 'a', 'b', 'c'"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_counts_has_its_plural(kind: str, context: dict[str, Any], said: str) -> None:
    assert said_of({"type": kind, "ctx": context, "msg": ""}).to("pl") == said


def test_what_is_not_known_is_said_by_pydantic() -> None:
    assert said_of({"type": "of a later version", "msg": "Input should be better"}).to("es") == "Input should be better"


@pytest.mark.parametrize(("tag", "usual"), [("pt-br", "pt-BR"), ("zh-hant-tw", "zh-Hant-TW"), ("es-419", "es-419")])
def test_a_language_tag_is_kept_with_the_usual_case(tag: str, usual: str) -> None:
    assert TypeAdapter(Locale).validate_python(tag) == usual


_ACCOUNT: Final = {"name": "Umbrella", "plan": "a", "time_zone": "Europe/Warsaw"}
_AT: Final = "2026-11-20T09:00:00Z"
_PREVIEW: Final = {"plan": "a", "priority": "P1", "time_zone": "Europe/Warsaw", "opened_at": _AT}
_TICKET: Final = {"title": "T", "description": "D", "channel": "web", "requester": {"name": "A", "email": "a@b.pl"}}


@pytest.mark.parametrize(
    ("model", "document", "told"),
    [
        (
            NewAccount,
            {"sandbox": 5},
            {"/sandbox": "This has to be true or false. Or: This has to be an object"},
        ),
        (NewAccount, {"sandbox": {}}, {"/sandbox/starts_at": "This is required"}),
        (NewAccount, {"sandbox": {"starts_at": "soon"}}, {"/sandbox/starts_at": None}),
        (NewAccount, {"sandbox": {"starts_at": "2026-11-20T09:00:00Z", "bool": 1}}, {"/sandbox/bool": None}),
        (NewTicket, {"custom": {"str": []}}, {"/custom/str": None}),
        (NewTicket, {"requester": {"name": "A"}}, {"/requester/email": "This is required"}),
        (NewTicket, {"business_impact": "é" * 5_001}, {"/business_impact": "This has at most 5,000 characters"}),
        (Rule, {"match": {"a": {"str": 1}}}, {"/match/a": None}),
        (Rule, {"match": {"a": [1]}}, {"/match/a/0": "This has to be text"}),
        (PreviewRequest, {"changes": [{"type": "nope"}]}, {"/changes/0/type": None}),
        (PreviewRequest, {"changes": [{"at": _AT}]}, {"/changes/0/type": "This is required"}),
        (PreviewRequest, {"changes": [{"at": _AT, "type": "status"}]}, {"/changes/0/status": "This is required"}),
    ],
    ids=[
        "none",
        "object",
        "inside",
        "unknown",
        "values",
        "missing",
        "length",
        "members",
        "items",
        "tag",
        "no tag",
        "tagged",
    ],
)
def test_a_pointer_leads_into_the_document_that_was_sent(
    model: type[BaseModel], document: dict[str, Any], told: dict[str, str | None]
) -> None:
    base: dict[type[BaseModel], dict[str, Any]] = {NewAccount: _ACCOUNT, NewTicket: _TICKET, PreviewRequest: _PREVIEW}
    sent = base.get(model, {}) | document
    with pytest.raises(ValidationError) as caught:
        model.model_validate(sent)
    found = {fault["pointer"]: fault["detail"] for fault in document_faults(caught.value.errors(), sent)}
    assert set(found) == set(told)
    assert {place: detail for place, detail in told.items() if detail} == {
        place: found[place] for place, detail in told.items() if detail
    }


def test_what_a_value_could_be_is_said_in_the_language_of_the_caller() -> None:
    with pytest.raises(ValidationError) as caught:
        NewAccount.model_validate({**_ACCOUNT, "sandbox": 5})
    [fault] = document_faults(caught.value.errors(), {**_ACCOUNT, "sandbox": 5})
    assert fault["detail"].to("es") == "Tiene que ser true o false. O bien: Tiene que ser un objeto"


def test_a_parameter_is_pointed_at_by_its_name() -> None:
    errors: list[dict[str, Any]] = [
        {"type": "int_parsing", "loc": ("query", "limit", "int"), "ctx": {}},
        {"type": "missing", "loc": ("query", "status", 2, "list[str]")},
        {"type": "missing", "loc": ("body",)},
    ]
    assert [fault["pointer"] for fault in request_faults(errors, None)] == ["#/query/limit", "#/query/status/2", ""]
