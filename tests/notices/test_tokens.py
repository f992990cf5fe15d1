import pytest

from app.core.ids import new_id
from app.notices.tokens import person_mark, person_of_token, person_token, reply_address, reply_token, ticket_of_reply

SECRET = "0123456789abcdef" * 4
TICKET = new_id("tkt")


def test_a_reply_finds_its_ticket_by_an_address_that_every_mail_server_takes() -> None:
    address = reply_address(SECRET, TICKET, "help.example.com")
    local, _, domain = address.partition("@")
    assert (len(local) <= 64, local.isascii(), domain) == (True, True, "help.example.com")
    token = local.removeprefix("support+")
    assert ticket_of_reply(SECRET, token) == TICKET
    assert ticket_of_reply(SECRET, token.upper()) == TICKET


def test_a_link_finds_its_ticket_and_its_person() -> None:
    token = person_token(SECRET, TICKET, "Ana@example.com")
    assert person_of_token(SECRET, token) == (TICKET, person_mark("ana@example.com"))
    assert "ana" not in token


@pytest.mark.parametrize(
    "token",
    [
        "",
        reply_token(SECRET, TICKET)[:-1],
        reply_token(SECRET, TICKET) + "a",
        reply_token("another secret", TICKET),
        reply_token(SECRET, TICKET)[:26] + "a" * 16,
        reply_token(SECRET, new_id("tkt"))[:26] + reply_token(SECRET, TICKET)[26:],
        person_token(SECRET, TICKET, "ana@example.com"),
        person_token(SECRET, TICKET, "ana@example.com")[:42],
        "ż" * 42,
    ],
    ids=["nothing", "short", "long", "secret", "seal", "ticket", "purpose", "cut", "letters"],
)
def test_no_other_token_finds_a_ticket(token: str) -> None:
    assert ticket_of_reply(SECRET, token) is None


def test_a_link_is_of_one_person_alone() -> None:
    token = person_token(SECRET, TICKET, "ana@example.com")
    other = token[:26] + person_mark("tom@example.com") + token[42:]
    assert person_of_token(SECRET, other) is None
    assert person_of_token(SECRET, token[:-1] + ("a" if token[-1] != "a" else "b")) is None
    assert person_of_token(SECRET, reply_token(SECRET, TICKET)) is None
