"""E-mail messages as they are sent: what people have written arrives as exactly those characters. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.header import Header
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import formataddr, parseaddr
from textwrap import wrap
from typing import Any, Final

from email_validator import EmailNotValidError

from app.core.schemas.mailboxes import parsed

_ENCODED_WORD: Final = "=?"
_ON_ONE_LINE: Final = 60
"""Longer headers are folded, which can add a blank that a reader keeps; encoded words are folded without a trace."""
_COLUMNS: Final = 76
_SAFE_ID: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.:-]{1,120}@[A-Za-z0-9.:\[\]_-]{1,120}")
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class _Ids(Header):
    """Ids of messages, each on a line of its own, however long it is: some servers lose one below an empty line."""

    def encode(self, splitchars: str = "", maxlinelen: int | None = None, linesep: str = "\n") -> str:
        """The value as it is sent."""
        del splitchars, maxlinelen
        return f"{linesep} ".join(str(self).split())


_OF_IDS: Final = frozenset({"In-Reply-To", "References"})


@dataclass(frozen=True, slots=True)
class Letter:
    """What a message says: its subject, its text and, for readers that show it, the same as HTML."""

    title: str
    text: str
    html: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """further header fields, of ASCII and of ours alone"""


def id_about(own_id: str, ticket_id: str | None) -> str:
    """The id of a mail with that of its ticket, which a reply finds by it for as long as a mailbox keeps the mail."""
    return f"{own_id}.{ticket_id}" if ticket_id else own_id


def message_id_of(own_id: str, sender: str) -> str:
    """The Message-ID of what has this id among those of the ``sender``."""
    return f"<{own_id}@{parseaddr(sender)[1].rpartition('@')[2]}>"


def in_columns(text: str) -> str:
    """A text without lines that are too long, as far as they can be broken between words.

    A line that begins with a blank or with ``>`` stays as it is: it is a quote, or a part of a list or of a program.
    """
    return "\n".join(row for line in text.split("\n") for row in _rows(line))


def _rows(line: str) -> list[str]:
    if len(line) <= _COLUMNS or line.startswith((" ", "\t", ">")):
        return [line]
    return wrap(line, _COLUMNS, break_long_words=False, break_on_hyphens=False)


def of_a_thread(ticket_id: str, sender: str, links: Mapping[str, str], answers: str | None = None) -> dict[str, str]:
    """The header fields of a mail about a ticket: readers show all of them as one thread, and offer to end it.

    Of the ``links``, ``reply`` is where an answer goes to, and a POST to ``mute`` ends the mails (RFC 8058). What all
    of them answer was never sent: it stands for the ticket (RFC 5322, 3.6.4).
    """
    root = message_id_of(ticket_id, sender)
    fields = {"In-Reply-To": root, "References": root, "X-Auto-Response-Suppress": "All"}
    if answers and _SAFE_ID.fullmatch(answers):
        fields |= {"In-Reply-To": f"<{answers}>", "References": f"<{answers}> {root}"}
    if "reply" in links:
        fields["Reply-To"] = links["reply"]
    if "mute" in links:
        fields["List-Unsubscribe"] = f"<{links['mute']}>"
        fields["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return fields


def message_of(own_id: str, sender: str, address: str, letter: Letter) -> Message:
    """A message with headers that readers decode to exactly these texts (RFC 2047); none can begin another header.

    ``sender`` is like ``Support <support@example.com>``. Raises ``ValueError`` for an address that no mail can be
    sent to.
    """
    message = _content(letter)
    name, own = parseaddr(sender)
    message["From"] = formataddr((name, own), "utf-8") if name else own
    message["To"] = _raw(envelope_address(address))
    message["Subject"] = header(letter.title)
    message["Message-ID"] = _Ids(message_id_of(own_id, sender))
    message["Auto-Submitted"] = "auto-generated"
    for field_name, value in letter.headers.items():
        message[field_name] = _Ids(value) if field_name in _OF_IDS else value
    return message


def _content(letter: Letter) -> "Message[Any, Any]":
    """The text alone or, with HTML, both, the preferred one last (RFC 2046, 5.1.4)."""
    text = MIMEText(in_columns(_storable(letter.text)), "plain", "utf-8")
    if letter.html is None:
        return text
    both = MIMEMultipart("alternative")
    both.attach(text)
    both.attach(MIMEText(_storable(letter.html), "html", "utf-8"))
    return both


def header(text: str) -> str:
    """A text as the value of a header: as it is, or in encoded words where a reader would take it for something else.

    Python's own policy decodes what looks like an encoded word, and leaves ASCII as it is; a reader would then decode
    what somebody has written so.
    """
    line = one_line(_storable(text))
    plain = line.isascii() and _ENCODED_WORD not in line and len(line) <= _ON_ONE_LINE
    return line if plain else Header(line, "utf-8", header_name="Subject").encode()


def one_line(text: str) -> str:
    """The text without line breaks and other control characters."""
    return _CONTROLS.sub(" ", text).strip()


def envelope_address(address: str) -> str:
    """The address for a mail server: in ASCII where the part before the ``@`` allows it (the domain as in IDNA).

    Other addresses need a server with SMTPUTF8. Raises ``ValueError`` for one that no mail can be sent to.
    """
    try:
        found = parsed(address)
    except EmailNotValidError as error:
        raise ValueError(f"No mail can be sent to this address: {error}") from error
    return found.ascii_email or found.normalized


def is_sender(sender: str) -> bool:
    """Whether this can be the sender of all messages: an address in ASCII, perhaps with a name."""
    address = parseaddr(sender)[1]
    return "@" in address and address.isascii() and one_line(sender) == sender.strip()


def _raw(address: str) -> str:
    """An address that is not in ASCII goes out in UTF-8 (RFC 6532), and not as an encoded word."""
    return address.encode().decode("ascii", "surrogateescape")


def _storable(text: str) -> str:
    return text.encode(errors="replace").decode()
