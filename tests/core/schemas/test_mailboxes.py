import pytest
from pydantic import TypeAdapter, ValidationError

from app.core.schemas.mailboxes import STORED, kept
from app.core.schemas.shared import Email, EmailRef, Name, Strict, Word

ADDRESSES: TypeAdapter[str] = TypeAdapter(Email)
REFUSED = (
    "ann@example.com.",
    "ann.@example.com",
    ".ann@example.com",
    "ann..b@example.com",
    "mia@[10.0.0.1",
    "mia@[10.0.0.1]",
    "mia,bob@example.com",
    "mia;bob@example.com",
    "<mia@example.com>",
    "mia(home)@example.com",
    "mia@-example.com",
    "mia@ex_ample.com",
    "mia\u200b@example.com",
    "mia@nowhere.invalid",
    "mia@" + "a" * 64 + ".com",
)


@pytest.mark.parametrize("address", REFUSED, ids=range(len(REFUSED)))
def test_an_address_that_no_mail_can_be_sent_to_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="No mail can be sent to this address"):
        ADDRESSES.validate_python(address)


@pytest.mark.parametrize("kind", [Email, EmailRef])
def test_what_is_no_address_at_all_is_refused_in_words(kind: type[str]) -> None:
    for given in ("", "tom", "@example.com", "tom@", "t om@example.com", "tom@a@b.com"):
        with pytest.raises(ValidationError, match=r"No mail can be sent to this address: [A-Z]"):
            TypeAdapter(kind).validate_python(given)
    for given in (f"tom@{'long.' * 38}example", "t" * 65 + "@example.com"):
        with pytest.raises(ValidationError, match="This is not an e-mail address like ana@example"):
            TypeAdapter(kind).validate_python(given)
    assert "pattern" in TypeAdapter(kind).json_schema()


@pytest.mark.parametrize("address", REFUSED, ids=range(len(REFUSED)))
def test_one_that_is_stored_is_read_named_and_kept(address: str) -> None:
    assert ADDRESSES.validate_python(address, context=STORED) == address
    assert TypeAdapter(EmailRef).validate_python(address) == address
    assert ADDRESSES.validate_python(address, context=kept({"manager": {"email": address}})) == address


@pytest.mark.parametrize(
    ("address", "stored"),
    [
        ("Ana@Example.COM", "ana@example.com"),
        ("o'brien+tag@example.com", "o'brien+tag@example.com"),
        ("żaneta@example.com", "żaneta@example.com"),
        ("z\u0307aneta@example.com", "żaneta@example.com"),
        ("ana@bücher.example", "ana@bücher.example"),
        ("desk@mail.corp.local", "desk@mail.corp.local"),
        ("root@localhost", "root@localhost"),
    ],
)
def test_one_that_mail_can_be_sent_to_has_one_spelling(address: str, stored: str) -> None:
    assert ADDRESSES.validate_python(address) == stored


class _Named(Strict):
    name: Name
    tags: list[Word]
    email: EmailRef


_WRITTEN = {"name": "\ufb2c" * 200, "tags": ["a", "\u0958" * 80], "email": "\u0130" * 40 + "@example.com"}
"""What is short enough as it is written, and not once its letters are taken apart (NFC)."""
_KEPT = {
    "name": "\u05e9\u05bc\u05c1" * 200,
    "tags": ["a", "\u0915\u093c" * 80],
    "email": "i\u0307" * 40 + "@example.com",
}


def test_names_that_are_stored_longer_than_they_are_taken_now_are_read_and_kept() -> None:
    assert _Named.model_validate(_KEPT, context=STORED).model_dump() == _KEPT
    assert _Named.model_validate(_KEPT, context=kept({"team": _KEPT})).model_dump() == _KEPT
    elsewhere = kept({"title": _KEPT["name"], "name": _KEPT["tags"][1], "tags": _KEPT["email"]})
    for given in (_WRITTEN, _KEPT):
        with pytest.raises(ValidationError) as refused:
            _Named.model_validate(given, context=elsewhere)
        assert {fault["loc"][0] for fault in refused.value.errors()} == set(_KEPT)
