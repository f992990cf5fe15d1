"""Which principal a key stands for, and for which person of the account it acts."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeAlias, TypeVar, cast

from asyncpg import Connection
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.accounts.models import PersonRow
from app.accounts.queries import account_by_id
from app.core.auth import AUDIENCE, Actor, Principal, Role, TicketAccess, TrustedKey, Visitor, Widget, hash_key, lesser
from app.core.db.engine import lookup
from app.core.db.session import driver
from app.core.db.tables import Row
from app.core.problems import Fault, Forbidden, Invalid, Unauthorized
from app.core.schemas.mailboxes import one_spelling
from app.core.schemas.shared import ActorRef
from app.core.text.messages import _
from app.core.web.kit.deps import require_admin

W = TypeVar("W")

_PRINCIPAL: Final = """
SELECT k.id, k.kind, coalesce(k.account_id, e.account_id, k.ticket ->> 'account_id') AS account_id, k.engineer_id,
       k.role, k.scopes, k.expires_at,
       coalesce(e.active, true) AS active, coalesce(e.name, nullif(k.label, '')) AS name,
       e.display_name, a.locale,
       CASE WHEN k.kind = 'widget' THEN jsonb_build_object(
           'origins', k.allowed_origins, 'keys', k.jwt_keys, 'jwks_url', k.jwks_url, 'audience', k.jwt_audience,
           'issuer', k.jwt_issuer
       ) END AS widget, k.ticket
FROM api_keys AS k
LEFT JOIN engineers AS e ON e.id = k.engineer_id
LEFT JOIN accounts AS a ON a.account_id = k.account_id
WHERE k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp())
  AND (k.engineer_id IS NULL OR e.id IS NOT NULL)
"""
BY_HASH: Final = f"{_PRINCIPAL} AND k.secret_hash = $1"
"""The principal of the key with this hash; no row where it is not valid."""
BY_HASHES: Final = f"""
SELECT k.secret_hash, p.* FROM ({_PRINCIPAL}) AS p JOIN api_keys AS k ON k.id = p.id WHERE k.secret_hash = ANY ($1)
"""  # noqa: S608  a query of ours
_BY_ID: Final = f"{_PRINCIPAL} AND k.id = $1 FOR SHARE OF k"
_VALID: Final = f"""
SELECT p.id FROM ({_PRINCIPAL} AND k.id = ANY ($1::text[])) AS p
UNION ALL SELECT id FROM people WHERE id = ANY ($1::text[])
UNION ALL SELECT s.id FROM api_keys AS k, jsonb_array_elements(k.jwt_keys) AS j, LATERAL (
    SELECT k.id || ' ' || encode(sha256(convert_to((j ->> 'kid') || E'\\n' || (j ->> 'key'), 'UTF8')), 'hex') AS id
) AS s WHERE k.id = ANY ($1::text[]) AND s.id = ANY ($1::text[])
UNION ALL SELECT id || ' ' || jwks_url FROM api_keys WHERE id = ANY ($1::text[]) AND jwks_url IS NOT NULL
"""  # noqa: S608  a query of ours


async def authenticate(engine: AsyncEngine, key: str) -> Principal:
    """The principal of a key, in one statement and never cached, so that a key is revoked at once.

    Raises ``Unauthorized`` without saying why: unknown, expired and revoked look the same. A key need not have
    the form of those that we make: an operator's own (``HELIODESK_ADMIN_KEY``) may be any text.
    """
    async with lookup(engine) as connection:
        return _principal(await connection.fetchrow(BY_HASH, hash_key(key)))


async def ask_as(connection: "Connection[Any]", key: str, sql: str, *values: Any) -> tuple[Principal | None, Row]:
    """The principal of a key, None where it is not valid, and the one row of ``sql`` beside it: one statement for both.

    Where ``sql`` finds nothing, its columns are null; for a key that is not valid it is not run.
    """
    row: Row | None = await connection.fetchrow(_asking(sql, len(values) + 1), *values, hash_key(key))
    return (None, {}) if row is None else (_principal_in(row), row)


@lru_cache(maxsize=512)
def _asking(sql: str, place: int) -> str:
    caller = BY_HASH.replace("$1", f"${place}")
    return f"SELECT * FROM ({caller}) AS caller LEFT JOIN LATERAL ({sql}) AS found ON true"  # noqa: S608  both ours


async def principals_of(engine: AsyncEngine, hashes: Collection[bytes]) -> Mapping[bytes, Principal]:
    """The principals of many keys by their hashes, in one statement; those that are not valid are left out."""
    async with lookup(engine) as connection:
        return {row["secret_hash"]: _principal_in(row) for row in await connection.fetch(BY_HASHES, hashes)}


async def principal_of_key(session: AsyncSession, key_id: str | None) -> Principal:
    """The principal of the key with this id, for what was made with it; ``Unauthorized`` as above.

    The key is not revoked before the transaction ends.
    """
    return _principal(await (await driver(session)).fetchrow(_BY_ID, key_id))


async def still_valid(engine: AsyncEngine, ids: Collection[str]) -> set[str]:
    """Which of these, as ``Principal.depends_on`` names them, are still there.

    Keys that are neither revoked nor expired, people who are still of their account, and keys of host products, or
    addresses of theirs, that their widget keys still name.
    """
    async with lookup(engine) as connection:
        return {row["id"] for row in await connection.fetch(_VALID, ids)}


def _principal(found: Row | None) -> Principal:
    if found is None:
        raise Unauthorized(_("This API key is not valid"))
    return _principal_in(found)


def _principal_in(found: Row) -> Principal:
    """The principal in a row that holds the columns of ``_PRINCIPAL``, whatever else it holds."""
    return Principal(
        kind=found["kind"],
        key_id=found["id"],
        account_id=found["account_id"],
        engineer_id=found["engineer_id"],
        name=found["name"],
        display_name=found["display_name"],
        role=found["role"],
        scopes=tuple(found["scopes"]),
        expires_at=found["expires_at"],
        active=found["active"],
        locale=found["locale"],
        widget=_widget(found["widget"]) if found["widget"] else None,
        ticket=TicketAccess(**found["ticket"]) if found["ticket"] else None,
    )


def _widget(stored: Mapping[str, Any]) -> Widget:
    return Widget(
        origins=tuple(stored["origins"]),
        keys=tuple(TrustedKey(each["kid"], each["alg"], each["key"]) for each in stored["keys"]),
        jwks_url=stored["jwks_url"],
        audience=stored["audience"] or AUDIENCE,
        issuer=stored["issuer"],
    )


_NOBODY: Final = _("Nobody in the account with this address is allowed to do that")
"""The same answer for an unknown person as for one without the right, so that nobody finds out who exists."""


Asking: TypeAlias = Callable[[AsyncSession], Awaitable[W]]
"""Finds out in a transaction who acts; raises the problem of a caller who may not."""


@dataclass(frozen=True, slots=True)
class Acting:
    """Who does it, and the role that they are held to; support is held to none."""

    actor: Actor
    role: Role | None
    visitor: Visitor | None = None
    """whom they are to a widget key"""
    attaches: str | None = ""
    """whose files they attach, as ``Principal.attaches`` says it"""


async def acting(session: AsyncSession, principal: Principal, actor: ActorRef | None) -> Acting:
    """Who acts: the person of the account whom an account's key names, else the key itself.

    What acts is the lesser of the key's role and the named person's. A key without a role is held to the person's, and
    is a viewer where it names nobody. 403 for somebody who is not of the account; 422 when a support key names a
    customer's person.
    """
    if principal.is_support or principal.visitor:
        if actor is not None:
            raise Invalid(errors=[Fault(pointer="/actor", detail=_("Only an account's key can act for a person"))])
        role = await _role_of_visitor(session, principal) if principal.visitor else None
        return Acting(principal.actor, role, principal.visitor, principal.attaches)
    if actor is None:
        return Acting(principal.actor, principal.role or "viewer", attaches=principal.attaches)
    # People stored before addresses had one spelling are found by the one that they were stored with.
    query = (
        select(PersonRow.id, PersonRow.name, PersonRow.role)
        .where(
            PersonRow.account_id == principal.account_id, PersonRow.email.in_({actor.email, one_spelling(actor.email)})
        )
        .order_by((PersonRow.email == actor.email).desc())
    )
    person = (await session.execute(query.limit(1))).first()
    if person is None:
        raise Forbidden(_NOBODY)
    role = lesser(principal.role, cast("Role", person.role))
    return Acting(Actor("customer", person.id, person.name), role, attaches=principal.attaches)


async def _role_of_visitor(session: AsyncSession, principal: Principal) -> Role | None:
    """What a visitor is held to: what the account says of its person at this moment, who may have been waiting."""
    person_id = principal.visitor.person_id if principal.visitor else None
    if person_id is None:
        return principal.role
    query = select(PersonRow.role).where(PersonRow.account_id == principal.account_id, PersonRow.id == person_id)
    role = await session.scalar(query)
    if role is None:
        raise Forbidden(_NOBODY)
    return cast("Role", role)


async def editor(session: AsyncSession, principal: Principal, actor: ActorRef | None) -> Acting:
    """Who writes to an account's tickets: support, or its editors and owners; 403 for viewers."""
    who = await acting(session, principal, actor)
    if who.role not in (None, "editor", "owner"):
        raise Forbidden(_NOBODY if actor else _("Viewers can only read"))
    return who


async def writer(session: AsyncSession, principal: Principal, actor: ActorRef | None) -> Actor:
    """Who changes what is set up for an account: an admin, or its editors and owners; 403 for the others."""
    if principal.is_support:
        require_admin(principal)
    return (await editor(session, principal, actor)).actor


async def manager(
    session: AsyncSession, principal: Principal, account_id: str | None, actor: ActorRef | None
) -> Acting:
    """Who manages an account's people and keys: an admin, or its owners; 403 for the others.

    The account's row is then held, as whenever a role is changed: whoever is an owner here still is one at the end.
    """
    if principal.is_support:
        require_admin(principal)
    who = await _owner(session, principal, actor)
    if account_id is None:
        return who
    await account_by_id(session, account_id, lock=True)
    return await _owner(session, principal, actor) if actor else who


def as_editor(principal: Principal, actor: ActorRef | None) -> Asking[Acting]:
    """``editor``, to be asked in a transaction."""
    return lambda session: editor(session, principal, actor)


def as_writer(principal: Principal, actor: ActorRef | None) -> Asking[Actor]:
    """``writer``, to be asked in a transaction."""
    return lambda session: writer(session, principal, actor)


def as_manager(principal: Principal, account_id: str | None, actor: ActorRef | None) -> Asking[Acting]:
    """``manager``, to be asked in a transaction."""
    return lambda session: manager(session, principal, account_id, actor)


async def _owner(session: AsyncSession, principal: Principal, actor: ActorRef | None) -> Acting:
    who = await acting(session, principal, actor)
    if who.role not in (None, "owner"):
        raise Forbidden(_NOBODY if actor else _("Only the account's owners can do that"))
    return who
