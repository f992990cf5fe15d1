"""A text is read in the charset that is meant by a name, whoever uses that name for it."""

from email import message_from_bytes
from typing import Final

import pytest
from webencodings import LABELS, lookup

from app.inbound.mail.parts import text_of
from tests.inbound.mail.letters import letter

_UNREAD: Final = {"replacement", "x-user-defined"}
"""What browsers know, and do not read either."""
_HAN: Final = "版本 3.2"


def _read(content: bytes, charset: str) -> str:
    return text_of(message_from_bytes(letter("", Content_Type=f"text/plain; charset={charset}") + content))


def _in(label: str) -> tuple[bytes, str]:
    """Bytes in a charset, and what browsers read in them: Han where it has any, else its letters, as far as they go."""
    encoding = lookup(label)
    codec = encoding.codec_info
    try:
        return codec.encode(_HAN)[0], _HAN
    except UnicodeError:
        letters = codec.decode(bytes(range(0xE0, 0xFF)), "ignore")[0]
        return codec.encode(letters)[0], letters


def test_each_name_that_browsers_know_is_known() -> None:
    labels = [label for label, name in LABELS.items() if name not in _UNREAD]
    assert len(labels) > 200
    for label in labels:
        content, text = _in(label)
        assert (_read(content, label), _read(content, label.upper())) == (text, text), label


@pytest.mark.parametrize(
    ("charset", "content", "text"),
    [
        ("hz-gb-2312", _HAN.encode("hz"), _HAN),
        ("iso-2022-kr", _HAN.encode("iso2022_kr"), _HAN),
        ("iso885916", "ț".encode("iso8859-16"), "ț"),
        ("win-1251", "Сбой".encode("cp1251"), "Сбой"),
        ("latin-1", b"\x93\xe9\x94", "“é”"),
        ("iso-8859-8", b"\x93\xe0\xa4\x94", "“א₪”"),
        ("unicode", b"It is 3.2.", "It is 3.2."),
        ("csunicode", "Größe".encode(), "Größe"),
        ("iso-10646-ucs-2", "Größe ".encode("cp1252"), "Größe "),
        ("unicode", "版本".encode("utf-16"), "版本"),
        ("utf-8", "Störung ö".encode()[:-1], "Störung "),
        ("cp1251", "Störung ö".encode()[:-1], "Störung "),
        ("utf-8", "Café".encode("latin-1"), "Café"),
        ("gb2312", "版本".encode("gbk")[:-1], "版"),
        ("euc-jp", "障害".encode("euc_jp")[:-1], "障"),
        ("euc-jp", b"\xad\xa1\xad", "①"),
    ],
)
def test_other_names_and_what_is_wrongly_named_or_breaks_off(charset: str, content: bytes, text: str) -> None:
    assert _read(content, charset) == text
