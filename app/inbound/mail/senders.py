"""Whether the gateway has found that a message is from the domain that it says it is from (RFC 8601). Pure."""

from collections.abc import Sequence
from typing import Final

import authres

from app.core.schemas.mailboxes import one_spelling

_ALIGNED: Final = {"dkim": ("header", "d"), "spf": ("smtp", "mailfrom")}
_MOST: Final = 100
"""Results in one field: gateways write one for each method and signature."""
_MOST_FIELDS: Final = 5
"""Fields that are read: of the gateway, and of others that name it somewhere."""
_UNDECIDED: Final = frozenset({"none", "bestguesspass"})


def is_authentic(fields: Sequence[str], authserv_id: str | None, domain: str) -> bool:
    """Whether a message is known to come from the ``domain`` of its ``From``.

    ``fields``: its ``Authentication-Results``, from the top. The first one of the gateway counts, and no other: those
    below may be the sender's own. DMARC decides; where the domain has none, DKIM or SPF do, if they are of the domain
    or of one above it.
    """
    if authserv_id is None or not domain:
        return False
    found = _of_gateway(fields, authserv_id)
    if found is None:
        return False
    verdicts = [each for each in found.results or () if each.method == "dmarc"]
    decided = [each for each in verdicts if each.result not in _UNDECIDED]
    if decided:
        return all(each.result == "pass" and _domain(_value(each, "header", "from")) == domain for each in decided)
    return any(each.result == "pass" and _is_above(each, domain) for each in found.results or ())


def _of_gateway(fields: Sequence[str], authserv_id: str) -> authres.AuthenticationResultsHeader | None:
    """The gateway's first field. One that cannot be read, for whatever a sender has put into it, vouches for nobody."""
    naming = [field for field in fields if authserv_id.lower() in field.lower()]
    for field in naming[:_MOST_FIELDS]:
        parsed = _parsed(field) if field.count(";") <= _MOST else None
        if parsed is None or _is(parsed.authserv_id, authserv_id):
            return parsed
    return None


def _parsed(field: str) -> authres.AuthenticationResultsHeader | None:
    try:
        return authres.AuthenticationResultsHeader.parse(f"Authentication-Results: {' '.join(field.split())}")
    except (authres.AuthResError, ValueError, IndexError, AttributeError, RecursionError):
        return None


def _is(one: str | None, other: str) -> bool:
    return (one or "").lower() == other.lower()


def _is_above(result: authres.AuthenticationResult, domain: str) -> bool:
    place = _ALIGNED.get(result.method)
    if place is None:
        return False
    signed = _domain(_value(result, *place))
    return "." in signed and (domain == signed or domain.endswith(f".{signed}"))


def _domain(value: str | None) -> str:
    """The domain of an address, or a domain, in the spelling of ``Person.email``: as people read it."""
    return one_spelling(f"x@{(value or '').rpartition('@')[2].lower()}").rpartition("@")[2]


def _value(result: authres.AuthenticationResult, kind: str, name: str) -> str | None:
    values = (each.value for each in result.properties or () if (each.type, each.name) == (kind, name))
    return next(values, None)
