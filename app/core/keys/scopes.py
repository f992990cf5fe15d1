"""PURE: what a key can be limited to, ``<resource>:<read|write>``. Each route declares which one it needs."""

from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

from pydantic import BeforeValidator

from app.core.problems import invalid_value
from app.core.text.messages import _
from app.core.text.nearest import nearest

Scope: TypeAlias = Literal[
    "accounts:read",
    "accounts:write",
    "alerts:read",
    "alerts:write",
    "articles:read",
    "articles:write",
    "backtests:read",
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
    "problems:read",
    "problems:write",
    "regions:read",
    "regions:write",
    "reports:read",
    "reports:write",
    "sandbox:write",
    "tickets:read",
    "tickets:write",
    "webhooks:read",
    "webhooks:write",
]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)


def _known(value: Any) -> Any:
    if isinstance(value, str) and value not in SCOPES:
        hint = _("Did you mean {nearest}?", nearest=nearest(value, SCOPES))
        raise invalid_value("scope", _("There is no such scope"), hint=hint)
    return value


KnownScope = Annotated[Scope, BeforeValidator(_known)]
"""A scope of an input model: one that is not known is refused, with the nearest name."""
