"""PURE: what a key may hand on: nobody makes a key with more rights than their own."""

from collections.abc import Iterator

from app.accounts.key_schemas import NewKey
from app.core.auth import Principal
from app.core.problems import Fault
from app.core.text.messages import _, verbatim


def beyond(maker: Principal, command: NewKey) -> list[Fault]:
    """The members by which the key that is asked for would exceed its maker's: in scopes, or in how long it lives.

    Its role cannot: only owners and admins make keys. Its account is the maker's (``api/keys.py``).
    """
    return [*_beyond_scopes(maker, command), *_beyond_expiry(maker, command)]


def _beyond_scopes(maker: Principal, command: NewKey) -> Iterator[Fault]:
    if not maker.scopes:
        return
    if command.kind == "hook":
        if "hooks:write" not in maker.scopes:
            yield Fault(pointer="/kind", detail=_("Only a key with the scope hooks:write can create keys of hooks"))
    elif command.scopes is None:
        detail = _("A key with scopes can only create keys with scopes")
        yield Fault(pointer="/scopes", detail=detail, hint=verbatim(", ".join(maker.scopes)))
    else:
        for index, scope in enumerate(command.scopes):
            if scope not in maker.scopes:
                yield Fault(
                    pointer=f"/scopes/{index}",
                    detail=_("This key does not have the scope {scope}, so it cannot grant it", scope=scope),
                )


def _beyond_expiry(maker: Principal, command: NewKey) -> Iterator[Fault]:
    if maker.expires_at and (command.expires_at is None or command.expires_at > maker.expires_at):
        last = f"{maker.expires_at.isoformat(timespec='seconds').removesuffix('+00:00')}Z"
        yield Fault(
            pointer="/expires_at",
            detail=_("This key expires at {last}, so it cannot create one that is valid for longer", last=last),
        )
