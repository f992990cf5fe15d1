"""Stream tokens: for a browser's EventSource, which cannot send a header. Each opens one stream, within a minute."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from asyncpg import Connection
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principals import principal_of_key
from app.core.auth import Principal, Role, Visitor, Widget, hash_key
from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from app.core.problems import Unauthorized
from app.core.text.messages import _
from app.core.web.replies import dump

LIFETIME: Final = timedelta(seconds=60)

_KEEP: Final = """
WITH over AS (DELETE FROM stream_tokens WHERE expires_at <= clock_timestamp())
INSERT INTO stream_tokens (token_hash, key_id, expires_at, visitor) VALUES ($1, $2, $3, $4::jsonb)
"""
_USE: Final = """
DELETE FROM stream_tokens WHERE token_hash = $1 AND expires_at > clock_timestamp() RETURNING key_id, visitor
"""
_PERSON: Final = "SELECT role FROM people WHERE account_id = $1 AND id = $2"
_BOUND: Final = ("email", "name", "person_id", "ticket_id", "ticket_key_id", "locale", "signed_by")


async def make_token(session: AsyncSession, principal: Principal, *, now: datetime) -> tuple[str, datetime]:
    """A token that acts as the caller, and until when; only its hash is kept."""
    token, expires_at = f"hd_stream_{secrets.token_hex(24)}", now + LIFETIME
    bound = dump(_bound(principal, principal.visitor)).decode() if principal.visitor else None
    await (await driver(session)).execute(_KEEP, hash_key(token), principal.key_id, expires_at, bound)
    return token, expires_at


def _bound(principal: Principal, visitor: Visitor) -> dict[str, Any]:
    known = {name: getattr(visitor, name) for name in ("kind", "address", *_BOUND)}
    return known | {"marks": visitor.marks, "until": visitor.until, "account_id": principal.account_id}


async def use_token(sessions: Sessions, token: str) -> Principal:
    """The caller whose token it is, which is used up by this.

    ``Unauthorized`` for one that is unknown, used, or over, and when its key is no longer valid, its visitor's person
    has left the account, or its widget key no longer names the key that signed what the visitor showed.
    """
    async with transaction(sessions) as session:
        connection = await driver(session)
        found = await connection.fetchrow(_USE, hash_key(token))
        principal = await principal_of_key(session, found["key_id"] if found else None)
        if found is None or found["visitor"] is None:
            return principal
        if found["visitor"]["ticket_key_id"]:
            await principal_of_key(session, found["visitor"]["ticket_key_id"])
        return await _as_visitor(connection, principal, found["visitor"])


async def _as_visitor(connection: "Connection[Any]", principal: Principal, bound: Mapping[str, Any]) -> Principal:
    role: Role | None = "editor"
    account_id = bound["account_id"]
    if bound["person_id"]:
        role = await connection.fetchval(_PERSON, account_id, bound["person_id"])
        if role is None:
            raise _over()
    if not _is_named(principal.widget, bound.get("signed_by")):
        raise _over()
    named: dict[str, Any] = {name: bound.get(name) for name in _BOUND}
    visitor = Visitor(
        kind=bound["kind"],
        key=principal,
        address=bound["address"],
        **named,
        marks=tuple(bound["marks"]),
        until=datetime.fromisoformat(bound["until"]) if bound["until"] else None,
    )
    locale = visitor.locale or principal.locale
    return replace(principal, account_id=account_id, name=visitor.name, role=role, locale=locale, visitor=visitor)


def _is_named(widget: Widget | None, signed_by: str | None) -> bool:
    """Whether the widget key still names what signed for its visitor: the key, or the address of published ones."""
    address, _, fingerprint = (signed_by or "").rpartition(" ")
    if widget is None or not fingerprint:
        return not fingerprint
    return address == widget.jwks_url if address else fingerprint in {key.fingerprint for key in widget.keys}


def _over() -> Unauthorized:
    return Unauthorized(_("This stream token is not valid"))
