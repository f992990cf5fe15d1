from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from app.notices.sending.letters import Letter, is_sender, message_of, of_a_thread


def read(title: str, text: str = "Text", sender: str = "Zażółć <support@helpers.example>") -> EmailMessage:
    """The message as a reader of mail sees it."""
    raw = message_of("ntc_1", sender, "mia@example.com", Letter(title, text)).as_bytes()
    parsed = message_from_bytes(raw, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


@pytest.mark.parametrize(
    "title",
    ["Re: =?utf-8?q?Caf=E9?= is down", "=?utf-8?b?R290?=", "Plain", "Zażółć · gęślą", "a" * 150, "ż" * 150, "a: b"],
    ids=["bytes", "base64", "ascii", "other", "long", "long other", "colon"],
)
def test_a_title_is_read_as_it_was_written(title: str) -> None:
    assert read(title)["Subject"] == title


@pytest.mark.parametrize("control", ["\r\nBcc: all@example.com", "\n\nbody", "\x00", "\x7f", "\x85", "\u2029"])
def test_nothing_of_a_title_becomes_another_header(control: str) -> None:
    message = read(f"Down{control}")
    assert message.keys() == ["Content-Type", "MIME-Version", "Content-Transfer-Encoding", *_OURS]
    assert message["Subject"].startswith("Down")
    assert message.get_content() == "Text"


def test_texts_and_names_are_read_as_they_were_written() -> None:
    message = read("Title", "Gęś =?utf-8?q?x?=\n\ud800")
    assert message.get_content() == "Gęś =?utf-8?q?x?=\n?"
    assert message["From"] == "Zażółć <support@helpers.example>"
    assert message["Message-ID"] == "<ntc_1@helpers.example>"


def test_an_id_stands_on_the_line_of_its_field_however_long_it_is() -> None:
    fields = of_a_thread("tkt_1", "a@b.example", {}, f"{'a' * 100}@c.example")
    raw = message_of("n" * 100, "a@b.example", "mia@example.com", Letter("T", "T", headers=fields)).as_string()
    assert f"\nMessage-ID: <{'n' * 100}@b.example>\n" in raw
    assert f"\nReferences: <{'a' * 100}@c.example>\n <tkt_1@b.example>\n" in raw


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("Support <support@example.com>", True),
        ("desk@mail_host", True),
        ("Support", False),
        ("zażółć@example.com", False),
        ("Support\r\nBcc: a <support@example.com>", False),
    ],
)
def test_a_sender_has_an_address_in_ascii_and_one_line(sender: str, *, expected: bool) -> None:
    assert is_sender(sender) is expected


@pytest.mark.parametrize(
    ("line", "rows"),
    [
        ("x" * 77, ["x" * 77]),
        ("a" * 40 + " " + "b" * 40, ["a" * 40, "b" * 40]),
        ("See https://example.com/" + "c" * 70, ["See", "https://example.com/" + "c" * 70]),
        ("  " + "a b " * 30, ["  " + "a b " * 30]),
        ("> " + "a b " * 30, ["> " + "a b " * 30]),
        ("a  b", ["a  b"]),
    ],
    ids=["one word", "words", "link", "program", "quote", "short"],
)
def test_long_lines_of_a_text_are_broken_between_words_and_no_others(line: str, rows: list[str]) -> None:
    assert read("Title", f"Before\n\n{line}\nAfter").get_content().split("\n") == ["Before", "", *rows, "After"]


_OURS = ["From", "To", "Subject", "Message-ID", "Auto-Submitted"]
