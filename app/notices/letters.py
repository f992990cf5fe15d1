"""E-mail messages as they are sent: what people have written arrives as exactly those characters. Pure."""

import re
from email.header import Header
from email.message import Message
from email.mime.text import MIMEText
from email.utils import formataddr, parseaddr
from typing import Final

from email_validator import EmailNotValidError

from app.core.schemas.mailboxes import parsed

_ENCODED_WORD: Final = "=?"
_ON_ONE_LINE: Final = 60
"""Longer headers are folded, which can add a blank that a reader keeps; encoded words are folded without a trace."""
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def letter(message_id: str, sender: str, address: str, title: str, text: str) -> Message:
    """A message with headers that readers decode to exactly these texts (RFC 2047); none can begin another header.

    ``sender`` is like ``Support <support@example.com>``. Raises ``ValueError`` for an address that no mail can be
    sent to.
    """
    message = MIMEText(_storable(text), "plain", "utf-8")
    name, own = parseaddr(sender)
    message["From"] = formataddr((name, own), "utf-8") if name else own
    message["To"] = _raw(envelope_address(address))
    message["Subject"] = header(title)
    message["Message-ID"] = f"<{message_id}@{own.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    return message


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
