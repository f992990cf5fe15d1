"""Who calls, and what any caller of a kind may do; what needs a table is in ``app/accounts/principals.py``."""

from typing import Annotated, Final

from fastapi import Depends, Header, Request, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from app.core.auth import Principal
from app.core.db.pool import holder
from app.core.keys.scopes import Scope
from app.core.problems import Forbidden, NotFound
from app.core.text.language import Language
from app.core.text.messages import _
from app.core.web.callers import VISITING, language_of, presume, principal_of
from app.core.web.http import KEY_SCHEME
from app.core.web.kit.visits import visit

_DESCRIPTION: Final = """\
`Authorization: Bearer hd_<kind>_...`, as shown once by `POST /v1/keys`. A key that has scopes needs the one that the \
operation names (`x-required-scope`): 403 says which one it lacks. A key without scopes can do all that its kind and \
role allow. Keys of the kinds `widget` and `ticket` call the operations that name visitors (`x-visitors`)."""


class ApiKey(SecurityBase):
    """Reads the key and finds its principal: one dependency and one statement for both."""

    model = HTTPBearer(description=_DESCRIPTION)
    scheme_name = KEY_SCHEME

    async def __call__(self, request: Request) -> Principal:
        """The caller, whose key may be used here."""
        principal = await self.identify(request)
        if principal.kind in VISITING and principal.visitor is None:
            principal = await visit(request, principal)
        admit(request, principal)
        return principal

    async def identify(self, request: Request) -> Principal:
        """The caller, whatever its key is for."""
        return await principal_of(request)


class PresumedKey(ApiKey):
    """Reads the key and, where the process remembers it, leaves it to the first statement of the work to check it."""

    presumes = True

    async def identify(self, request: Request) -> Principal:
        """The caller as the process remembers it, whatever its key is for."""
        return await presume(request)


def admit(request: Request, principal: Principal) -> None:
    """Let the request work on behalf of this caller. 403 for keys of hooks, and for a scope that is missing."""
    if principal.kind == "hook":
        raise Forbidden(_("A {kind} key is not accepted here", kind=principal.kind))
    require_scope(principal, request.scope["route"].scope)
    holder.set(principal.holder)


PrincipalDep = Annotated[Principal, Security(ApiKey())]
"""The caller by its key: admin, agent or account, or a visitor where those are let in. 401 without a valid key."""


def require_scope(principal: Principal, scope: Scope) -> None:
    """403 unless the key has the scope that an operation declares, and its engineer, if it has one, is active."""
    if principal.scopes and scope not in principal.scopes:
        challenge = {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'}
        raise Forbidden(_("This key lacks the scope {scope}", scope=scope), headers=challenge, missing_scope=scope)
    if not principal.active and scope.endswith(":write"):
        raise Forbidden(_("The engineer of this key is not active, so it can only read"))


def require_support(principal: Principal) -> None:
    """403 unless it is an admin's or an agent's key."""
    if not principal.is_support:
        raise Forbidden(_("Only admin and agent keys can do that"))


def require_admin(principal: Principal) -> None:
    """403 unless it is an admin's key."""
    if principal.kind != "admin":
        raise Forbidden(_("Only admin keys can do that"))


def require_account(principal: Principal, account_id: str) -> None:
    """404 unless resources of this account exist for the caller."""
    if not principal.sees(account_id):
        raise NotFound


async def _language(request: Request, accept_language: Annotated[str | None, Header()] = None) -> Language:
    del accept_language  # declared for the OpenAPI document; there may be several fields of this name
    return language_of(request.scope)


LanguageDep = Annotated[Language, Depends(_language)]
"""The language of texts that a person reads."""
