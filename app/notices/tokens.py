"""Signed tokens in mails: the address that a reply goes to, and the link by which somebody mutes a ticket. Pure.

They are of digits and small letters, so that they survive mail servers which fold the case of addresses, and a reply's
is short enough for the part before the ``@`` (64 characters, RFC 5321, 4.5.3.1.1). They do not expire: who has one can
do nothing with it but write to the ticket, as anybody may who has its address, or end mails about it.
"""

import base64
import hashlib
import hmac
import re
from typing import Final

_TICKET: Final = "tkt_"
_ID: Final = r"(?P<id>[0-7][0-9a-hjkmnp-tv-z]{25})"
_REPLY: Final = re.compile(rf"{_ID}(?P<seal>[a-z2-7]{{16}})")
_PERSON: Final = re.compile(rf"{_ID}(?P<mark>[0-9a-f]{{16}})(?P<seal>[a-z2-7]{{16}})")


def reply_token(secret: str, ticket_id: str) -> str:
    """By what a reply finds its ticket: 42 characters."""
    own = ticket_id.removeprefix(_TICKET)
    return own + _seal(secret, "reply", own)


def reply_address(secret: str, ticket_id: str, domain: str) -> str:
    """Where a reply about this ticket goes to, at the ``domain`` whose mail comes to us."""
    return f"support+{reply_token(secret, ticket_id)}@{domain}"


def ticket_of_reply(secret: str, token: str) -> str | None:
    """The ticket for which this token was made, in whichever case; None for one that was not made with the secret."""
    found = _REPLY.fullmatch(token.lower())
    if found is None or not _is_sealed(secret, "reply", found["id"], found["seal"]):
        return None
    return _TICKET + found["id"]


def person_mark(email: str) -> str:
    """What stands for an address in a link, which may be passed on: a part of its hash."""
    return hashlib.sha256(email.lower().encode()).hexdigest()[:16]


def person_token(secret: str, ticket_id: str, email: str) -> str:
    """By what the person with this address mutes the ticket, and has it speak again."""
    own = ticket_id.removeprefix(_TICKET) + person_mark(email)
    return own + _seal(secret, "person", own)


def person_of_token(secret: str, token: str) -> tuple[str, str] | None:
    """The ticket, and the mark of the address, for which this token was made; None as above."""
    found = _PERSON.fullmatch(token)
    if found is None or not _is_sealed(secret, "person", found["id"] + found["mark"], found["seal"]):
        return None
    return _TICKET + found["id"], found["mark"]


def _seal(secret: str, purpose: str, text: str) -> str:
    """80 bits: each guess is a request or a mail."""
    digest = hmac.digest(secret.encode(), f"{purpose}\n{text}".encode(), "sha256")
    return base64.b32encode(digest[:10]).decode().lower()


def _is_sealed(secret: str, purpose: str, text: str, seal: str) -> bool:
    return hmac.compare_digest(_seal(secret, purpose, text), seal)
