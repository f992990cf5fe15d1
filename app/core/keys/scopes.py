"""PURE: what a key can be limited to, ``<resource>:<read|write>``. Each route declares which one it needs."""

from difflib import get_close_matches
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

from pydantic import BeforeValidator

from app.core.problems import invalid_value
from app.core.text.messages import _

Scope: TypeAlias = Literal[
    "accounts:read",
    "accounts:write",
    "alerts:read",
    "alerts:write",
    "engineers:read",
    "engineers:write",
    "escalations:read",
    "escalations:write",
    "events:read",
    "hooks:read",
    "hooks:write",
    "keys:read",
    "keys:write",
    "maintenance:read",
    "maintenance:write",
    "people:read",
    "people:write",
    "plans:read",
    "plans:write",
    "previews:read",
    "regions:read",
    "regions:write",
    "sandbox:write",
    "tickets:read",
    "tickets:write",
    "webhooks:read",
    "webhooks:write",
]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
_LONG: Final = 50


def _known(value: Any) -> Any:
    if isinstance(value, str) and value not in SCOPES:
        [nearest] = get_close_matches(value[:_LONG].lower(), SCOPES, n=1, cutoff=0)
        raise invalid_value("scope", _("There is no such scope"), hint=_("Did you mean {nearest}?", nearest=nearest))
    return value


KnownScope = Annotated[Scope, BeforeValidator(_known)]
"""A scope of an input model: one that is not known is refused, with the nearest name."""
