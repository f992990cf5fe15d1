import pytest

from app.core.body import MAX_BRACKETS, MAX_VALUES, read_json
from app.core.problems import BadRequest, Invalid


def listed(value: str, times: int) -> bytes:
    """A JSON array of so many values."""
    return f"[{','.join([value] * times)}]".encode()


@pytest.mark.parametrize(("value", "most"), [("[]", MAX_BRACKETS - 1), ("{}", MAX_BRACKETS - 1), ("1", MAX_VALUES)])
def test_a_body_holds_a_bounded_number_of_values(value: str, most: int) -> None:
    assert len(read_json(listed(value, most))) == most
    with pytest.raises(Invalid, match="more than 22,000 arrays and objects, or 50,000 values"):
        read_json(listed(value, most + 1))


def test_what_holds_too_many_values_is_not_even_read() -> None:
    with pytest.raises(Invalid):
        read_json(b"[" * (MAX_BRACKETS + 1))
    with pytest.raises(BadRequest):
        read_json(b"[" * MAX_BRACKETS)
