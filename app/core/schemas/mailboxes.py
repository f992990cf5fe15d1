"""E-mail addresses that mail can be sent to. Pure: nothing is looked up."""

import unicodedata
from collections.abc import Container, Iterator
from functools import lru_cache
from typing import Any, Final

import email_validator
from email_validator import EmailNotValidError, ValidatedEmail, validate_email
from pydantic import ValidationInfo

from app.core.problems import invalid_value
from app.core.text.invisible import unseen_in
from app.core.text.messages import Message, _

_INTERNAL: Final = frozenset({"local", "localhost", "test"})
"""Reserved top-level names under which organisations run mail servers of their own."""


_LONGEST: Final = 320
"""Characters of an address that is looked at: 64 before the ``@``, 255 after it (RFC 3696, 3)."""


class _Everything:
    """Contains whatever is asked for."""

    def __contains__(self, _: object) -> bool:
        return True


STORED: Final[dict[str, Container[object]]] = {"kept": _Everything(), "names": _Everything()}
"""The validation context of what is read from the database: what earlier versions took stays readable."""


for _name in _INTERNAL:
    email_validator.SPECIAL_USE_DOMAIN_NAMES.remove(_name)  # the library's documented way


def parsed(address: str) -> ValidatedEmail:
    """The parts of an address by RFC 5321 and 6531. Raises ``EmailNotValidError``, whose text says what is wrong."""
    return validate_email(address, check_deliverability=False, globally_deliverable=False)


def one_spelling(address: str) -> str:
    """The address as all that look like it are stored, so that nobody has two.

    Letters have their plain width and form (NFKC) and are small, and the domain is as people read it:
    ``Ana@xn--bcher-kva.example`` is ``ana@bücher.example``. An address that no mail can be sent to is left as it is.
    """
    if len(address) > _LONGEST:
        return address
    try:
        return _spelled(address)
    except EmailNotValidError:
        return address


@lru_cache(maxsize=4096)  # most tickets come from people who have opened some before
def _spelled(address: str) -> str:
    plain = _plain(address)
    if unseen := unseen_in(plain):
        raise EmailNotValidError(f"The email address contains unsafe characters: {unseen}.")
    return parsed(plain).normalized.lower()


def _plain(address: str) -> str:
    """Compatible characters made one (UAX 15); small letters can be compatible with others again."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", address).lower())


def sendable(address: str, info: ValidationInfo) -> str:
    """The address in its one spelling, if mail can be sent to it; as it is, if the context says that it is kept.

    (``STORED``, ``kept``.)
    """
    context: dict[str, Container[object]] = info.context or {}
    if address in context.get("kept", ()):
        return address
    try:
        return _spelled(address)
    except EmailNotValidError as error:
        raise invalid_value("email", unsendable(str(error))) from error


def unsendable(reason: str) -> Message:
    """What is said of an address to which no mail can be sent."""
    return _("No mail can be sent to this address: {reason}", reason=reason)


def fault_of(address: str) -> str | None:
    """Why no mail can be sent to the address; None where it can."""
    try:
        parsed(address)
    except EmailNotValidError as error:
        return str(error)
    return None


def kept(document: Any) -> dict[str, Container[object]]:
    """The validation context in which the addresses and names of a stored document stay as they are.

    ``kept`` has the addresses, ``names`` each text with the name of its member.
    """
    texts = frozenset(_texts(document))
    return {"kept": frozenset(text for name, text in texts if name == "email"), "names": texts}


def _texts(document: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(document, str):
        yield name, document
    elif isinstance(document, dict):
        for member, value in document.items():
            yield from _texts(value, member)
    elif isinstance(document, list):
        for value in document:
            yield from _texts(value, name)
