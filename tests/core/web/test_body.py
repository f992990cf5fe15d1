import orjson
import pytest

from app.core.problems import BadRequest, Invalid
from app.core.web.body import MAX_BRACKETS, MAX_VALUES, read_json


def listed(value: str, times: int) -> bytes:
    """A JSON array of so many values."""
    return f"[{','.join([value] * times)}]".encode()


@pytest.mark.parametrize(("value", "most"), [("[]", MAX_BRACKETS - 1), ("{}", MAX_BRACKETS - 1), ("1", MAX_VALUES)])
def test_a_body_holds_a_bounded_number_of_values(value: str, most: int) -> None:
    assert len(read_json(listed(value, most))) == most
    with pytest.raises(Invalid, match="more than 22,000 lists and objects, or 50,000 values"):
        read_json(listed(value, most + 1))


def test_what_holds_too_many_values_is_not_even_read() -> None:
    with pytest.raises(Invalid):
        read_json(b"[" * (MAX_BRACKETS + 1))
    with pytest.raises(BadRequest):
        read_json(b"[" * MAX_BRACKETS)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (rb'{"a": [1, {"b": "x\u0000"}]}', "/a/1/b"),
        (rb'{"a": {"\u0000": 1}}', "/a"),
        (rb'{"a": "\\\\\u0000"}', "/a"),
        (rb'["\u0000", "\u0000"]', "/0"),
        (b"[" + b"1," * 40_000 + rb'"\u0000"]', ""),
        (b"[" + rb'{"a": ""},' * 20_000 + rb'"\u0000"]', ""),
    ],
    ids=["inside", "name", "behind a backslash", "the first one", "behind many", "behind many objects"],
)
def test_u0000_is_refused_and_its_place_is_named_where_it_is_found_quickly(body: bytes, place: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_json(body)
    assert [fault["pointer"] for fault in refused.value.errors] == [place]


@pytest.mark.parametrize("text", [r"\u0000", r"\\u0000", "\u0001"])
def test_a_backslash_makes_no_u0000(text: str) -> None:
    assert read_json(orjson.dumps([text])) == [text]
