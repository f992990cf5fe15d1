"""Making and revoking API keys."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.key_schemas import JwtKey, Key, KeyPatch, NewKey
from app.accounts.models import ApiKeyRow
from app.accounts.queries import account_by_id
from app.accounts.usecases.ticket_keys import end_links
from app.core.auth import hash_key, make_key
from app.core.db.statements.housekeeping import keep_newest
from app.core.ids import new_id
from app.core.keys.scopes import SCOPES
from app.core.problems import Fault, Invalid, NotFound
from app.core.text.messages import Message, _

KEPT: Final = 1000
"""Keys of an account that are kept after they were revoked or have expired: those that ended last."""
_ENDED: Final = "(revoked_at IS NOT NULL OR expires_at <= clock_timestamp())"
_END: Final = "least(revoked_at, expires_at)"
_SHOWN: Final = 4
# Their features stand above this one.
_ENGINEER: Final = text("SELECT 1 FROM engineers WHERE id = :id AND active")
# A hook that has the e-mails of all accounts is support's (``app/inbound/read/hooks.py``).
_HOOK: Final = text("""
SELECT 1 FROM hooks WHERE account_id = :account_id AND id = :id
    AND (:by_support OR fields->'mail'->>'accounts' IS DISTINCT FROM 'all')
""")


async def create_key(
    session: AsyncSession, command: NewKey, *, now: datetime, by_support: bool = True
) -> tuple[ApiKeyRow, str]:
    """A new key and its secret, which is stored only as a hash. The account's keys that ended long ago make room.

    422 without the account that the kind needs, or for an account, engineer or hook that does not exist.
    """
    await _check_references(session, command, by_support=by_support)
    secret = make_key(command.kind)
    key = ApiKeyRow(
        id=new_id("key"),
        secret_hash=hash_key(secret),
        hint=secret[: len(f"hd_{command.kind}_") + _SHOWN],
        created_at=now,
        **command.model_dump(exclude={"actor", "role", "scopes", "jwt_keys"}),
        jwt_keys=_stored(command.jwt_keys),
        scopes=[scope for scope in SCOPES if scope in (command.scopes or ())],
        role=(command.role or "editor") if command.kind == "account" else None,
    )
    session.add(key)
    await session.flush()
    if key.account_id:
        await keep_newest(session, ApiKeyRow, _ENDED, _END, KEPT, account_id=key.account_id)
    return key, secret


async def delete_key(session: AsyncSession, key: ApiKeyRow, *, now: datetime) -> None:
    """From now on the key is refused, and so are links that it has made; revoking it again changes nothing."""
    key.revoked_at = key.revoked_at or now
    await session.flush()
    await end_links(session, [key.id], now=now)


async def update_key(session: AsyncSession, key: ApiKeyRow, fields: KeyPatch) -> None:
    """Change how a widget key is set up; from the next request on that holds. 422 for an entry without its key."""
    known = {(each["kid"], each["alg"]): each["key"] for each in key.jwt_keys}
    for number, each in enumerate(fields.jwt_keys):
        each.key = each.key or known.get((each.kid, each.alg))
        if each.key is None:
            said = _("No key for {alg} is stored under this kid, so it has to be given", alg=each.alg)
            raise _fault(f"/jwt_keys/{number}/key", said)
    for name, value in fields.model_dump(exclude={"actor", "jwt_keys"}).items():
        setattr(key, name, value)
    key.jwt_keys = _stored(fields.jwt_keys)
    await session.flush()


def _stored(keys: list[JwtKey]) -> list[dict[str, str | None]]:
    return [{"kid": key.kid, "alg": key.alg, "key": key.key} for key in keys]


def key_document(key: ApiKeyRow, secret: str | None = None) -> dict[str, Any]:
    """The key as the API shows it; the secret only when it was just made."""
    document = Key.model_validate(key).model_dump()
    return document | ({"secret": secret} if secret else {})


async def _check_references(session: AsyncSession, command: NewKey, *, by_support: bool) -> None:
    if command.kind in ("account", "hook") and command.account_id is None:
        raise _fault("/account_id", _("A key of the kind {kind} needs an account", kind=command.kind))
    if command.account_id is not None:
        try:
            await account_by_id(session, command.account_id)
        except NotFound as error:
            raise _fault("/account_id", _("There is no such account")) from error
    if command.engineer_id is not None:
        found = await session.execute(_ENGINEER, {"id": command.engineer_id})
        if found.scalar_one_or_none() is None:
            raise _fault("/engineer_id", _("There is no such active engineer"))
    if command.hook_id is not None:
        wanted = {"account_id": command.account_id, "id": command.hook_id, "by_support": by_support}
        found = await session.execute(_HOOK, wanted)
        if found.scalar_one_or_none() is None:
            raise _fault("/hook_id", _("The account has no such hook"))


def _fault(place: str, detail: Message) -> Invalid:
    return Invalid(errors=[Fault(pointer=place, detail=detail)])
