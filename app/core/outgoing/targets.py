"""Which addresses can be sent to at all, by how they are written: nothing is looked up. Pure.

Where a URL is stored to be used later it is checked here, so that one that no client could ever use is refused while
its author is still there.
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final
from urllib.parse import SplitResult, urlsplit

import idna

from app.core.text.messages import Message, _

_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER: Final = re.compile(r"\d+|0x[0-9a-f]*")
_LONGEST_NAME: Final = 253
_BROADCAST: Final = IPv4Address("255.255.255.255")


class Unusable(ValueError):
    """No client could send to this URL; the text says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads: ``host`` in the letters that go over the wire, without the brackets of IPv6."""

    scheme: str
    host: str


def read_target(url: str) -> Target:
    """Where an http or https URL leads. Raises ``Unusable``.

    Whether the host exists, and may be reached, is another question.
    """
    if not url.isprintable() or " " in url or "\\" in url:
        raise Unusable(_("An address cannot contain blanks, backslashes or invisible characters"))
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that do not match, or that hold no IPv6 address
        raise Unusable(_("This is not a URL")) from None
    if parts.scheme not in ("http", "https"):
        raise Unusable(_not_the_scheme(parts.scheme))
    if "@" in parts.netloc:
        raise Unusable(_("An address cannot contain a user name or a password"))
    _check_port(parts)
    host = _ascii(parts.hostname or "")
    _check_host(host, bracketed="[" in parts.netloc)
    return Target(parts.scheme, host)


def _not_the_scheme(scheme: str) -> Message:
    if not scheme:
        return _("An address begins with https:// or http://")
    return _("An address begins with https:// or http://, and not with {scheme}:", scheme=scheme)


def _check_port(parts: SplitResult) -> None:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise Unusable(_("A port is a number from 1 to 65535"))


def _ascii(host: str) -> str:
    """The host as clients ask for it (UTS 46): letters of other scripts encoded, spellings of a digit made one."""
    if host.isascii():
        return host
    try:
        return idna.encode(host, uts46=True).decode()
    except idna.IDNAError as error:
        raise Unusable(_("The host is not a valid Internet name: {error}", error=error)) from None


def _check_host(host: str, *, bracketed: bool) -> None:
    if bracketed:
        _check_ipv6(host)
        return
    name = host.removesuffix(".")
    labels = name.split(".")
    if not host:
        raise Unusable(_("An address needs a host, like https://example.com/"))
    if _NUMBER.fullmatch(labels[-1]):  # every client takes that for an IPv4 address (WHATWG URL, 3.5)
        _check_ipv4(host)
        return
    if len(name) > _LONGEST_NAME:
        raise Unusable(_("A host has at most {most} characters", most=_LONGEST_NAME))
    for label in labels:
        _check_label(label)


def _check_ipv6(host: str) -> None:
    if "%" in host:
        raise Unusable(_("An IPv6 address with a zone means something on one machine only"))
    try:
        address = IPv6Address(host)
    except AddressValueError:
        raise Unusable(_("The brackets do not hold an IPv6 address")) from None
    _check_one_machine(address.ipv4_mapped or address)


def _check_ipv4(host: str) -> None:
    try:
        address = IPv4Address(host)
    except AddressValueError:
        raise Unusable(_("An IPv4 address is written as four numbers, like 192.0.2.1")) from None
    _check_one_machine(address)


def _check_one_machine(address: IPv4Address | IPv6Address) -> None:
    if address.is_multicast or address == _BROADCAST:
        raise Unusable(_("No connection can be made to an address that stands for many machines"))


def _check_label(label: str) -> None:
    if not label:
        raise Unusable(_("A host cannot have an empty part"))
    if not _LABEL.fullmatch(label):
        raise Unusable(_("Each part of a host has 1 to 63 letters, digits and hyphens, and no hyphen at its ends"))
    if label.startswith("xn--"):
        try:
            idna.decode(label)
        except idna.IDNAError as error:
            raise Unusable(_("The host is not a valid Internet name: {error}", error=error)) from None
