"""Who shows a widget's or a ticket's key: what they show is checked, and found among the account's people."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.auth import Principal, Role, TrustedKey, Visitor, Widget, lesser
from app.core.db.engine import lookup
from app.core.db.tables import Row
from app.core.keys.keyring import Keyring
from app.core.problems import Forbidden, IdentityRefused, NotFound, Unauthorized
from app.core.schemas.mailboxes import one_spelling
from app.core.text.messages import _
from app.visitors import tokens
from app.visitors.key_sets import KeySets

TICKET_KEY: Final = "hd_ticket_"
# People stored before addresses had one spelling are found by the one that they were stored with.
_WHO: Final = """
SELECT clock_timestamp() AS now, a.account_id, a.external_ref, a.locale, p.id AS person_id, p.name,
       coalesce(p.role, (
           SELECT 'viewer' FROM former_addresses AS f
           WHERE f.account_id = a.account_id AND f.email = ANY ($2::text[]) LIMIT 1
       )) AS role,
       {has_ticket} AS has_ticket
FROM accounts AS a LEFT JOIN LATERAL (
    SELECT id, name, role FROM people
    WHERE account_id = a.account_id AND email = ANY ($2::text[]) ORDER BY email = $3 DESC LIMIT 1
) AS p ON true
WHERE {account} LIMIT 2
"""
_HAS_TICKET: Final = """
($4::text IS NULL AND $5::text IS NULL) OR EXISTS (
    SELECT FROM tickets AS t
    WHERE t.account_id = a.account_id AND t.id = coalesce(
        $4, (SELECT e.ticket_id FROM escalations AS e WHERE e.account_id = a.account_id AND e.id = $5)
    ) AND (t.id = $6 OR t.visitor_marks ?| $7::text[])
)
"""
_BY_ID: Final = _WHO.format(has_ticket=_HAS_TICKET, account="a.account_id = $1")
_BY_REFERENCE: Final = _WHO.format(has_ticket=_HAS_TICKET, account="a.external_ref = $1")


class Visiting:
    """Finds out who visits. Nothing of it is remembered: what a person may is asked each time."""

    def __init__(self, engine: AsyncEngine, keyring: Keyring, key_sets: KeySets) -> None:
        self._engine, self._keyring, self._key_sets = engine, keyring, key_sets

    async def identify(
        self, principal: Principal, shown: str | None, address: str, place: Mapping[str, str]
    ) -> Principal:
        """The caller with its visitor. 401 for what shows nothing, 404 for the ticket of somebody else."""
        if principal.ticket:
            return await self._with_ticket(principal, principal, address, place)
        if shown is None:
            return _guest(principal, address)
        if shown.startswith(TICKET_KEY):
            return await self._with_ticket(principal, await self._ticket_key(principal, shown), address, place)
        return await self._with_token(principal, shown, place)

    async def _with_token(self, principal: Principal, shown: str, place: Mapping[str, str]) -> Principal:
        widget = principal.widget or Widget(())
        sealed = tokens.read(shown)
        key = await self._key(widget, sealed)
        claims = tokens.opened(sealed, key, widget)
        marks = tokens.marks_of(claims, widget.issuer or principal.key_id)
        email = claims.email if claims.email_verified else None
        found = await self._account(principal, claims, email, marks, place)
        visitor = Visitor(
            "person",
            principal,
            email=claims.email,
            name=found["name"] or claims.name,
            person_id=found["person_id"],
            marks=marks,
            locale=claims.locale,
            time_zone=claims.time_zone,
            until=tokens.check_times(claims, found["now"]),
            is_verified=claims.email_verified,
            signed_by=f"{widget.jwks_url} {key.fingerprint}" if widget.jwks_url else key.fingerprint,
        )
        return _seen(principal, visitor, found)

    async def _key(self, widget: Widget, sealed: tokens.Sealed) -> TrustedKey:
        if widget.jwks_url:
            key = await self._key_sets.key(widget.jwks_url, sealed.kid)
        else:
            key = next((each for each in widget.keys if each.kid == sealed.kid), None)
        if key is None:
            raise IdentityRefused("unknown_key", _("The widget key names no key {kid}", kid=sealed.kid[:100]))
        return key

    async def _account(
        self,
        principal: Principal,
        claims: tokens.Claims,
        email: str | None,
        marks: tuple[str, ...],
        place: Mapping[str, str],
    ) -> Row:
        """The account that the key belongs to, or else that the token names, and its person with this address."""
        own, named = principal.account_id, claims.external_ref
        if own is None and named is None:
            raise IdentityRefused("account", _("With this key, an identity token names the account by external_ref"))
        rows = await self._find(_BY_ID if own else _BY_REFERENCE, own or named, email, place, (None, marks))
        if len(rows) != 1 or (named is not None and rows[0]["external_ref"] != named):
            raise IdentityRefused("account", _("No account that this key is for has this external_ref"))
        return rows[0]

    async def _ticket_key(self, principal: Principal, shown: str) -> Principal:
        """What a ticket's key stands for that is shown beside a widget's. Whoever has it has opened the ticket."""
        try:
            known = await self._keyring.principal(shown)
        except Unauthorized:
            raise _no_ticket_key() from None
        if known.ticket is None or principal.account_id not in (None, known.account_id):
            raise _no_ticket_key()
        return known

    async def _with_ticket(
        self, principal: Principal, key: Principal, address: str, place: Mapping[str, str]
    ) -> Principal:
        access = key.ticket
        if access is None:
            raise _no_ticket_key()
        rows = await self._find(_BY_ID, key.account_id, access.email, place, (access.ticket_id, ()))
        if not rows:
            raise _no_ticket_key()
        visitor = Visitor(
            "link" if access.email else "follower",
            principal,
            email=access.email,
            name=rows[0]["name"] or access.name,
            person_id=rows[0]["person_id"],
            ticket_id=access.ticket_id,
            ticket_key_id=key.key_id,
            until=key.expires_at,
            address=address,
        )
        return _seen(_limited(principal, key), visitor, rows[0], most=key.role)

    async def _find(
        self,
        statement: str,
        account: str | None,
        email: str | None,
        place: Mapping[str, str],
        own: tuple[str | None, tuple[str, ...]],
    ) -> list[Row]:
        ticket_id, marks = own
        emails = [email, one_spelling(email)] if email else []
        wanted = (place.get("ticket_id"), place.get("escalation_id"))
        async with lookup(self._engine) as connection:
            rows = await connection.fetch(statement, account, emails, email, *wanted, ticket_id, list(marks))
        return [dict(row) for row in rows]


def _guest(principal: Principal, address: str) -> Principal:
    if principal.account_id is None:
        raise IdentityRefused("account", _("With this key, visitors identify themselves by an identity token"))
    return replace(
        principal, role="editor", name=None, visitor=Visitor("guest", principal, is_verified=False, address=address)
    )


def _limited(principal: Principal, key: Principal) -> Principal:
    """The caller with the scopes that both keys have: a link hands on no more than its maker had."""
    if principal is key or not key.scopes:
        return principal
    shared = tuple(each for each in key.scopes if not principal.scopes or each in principal.scopes)
    if not shared:
        raise Forbidden(_("The widget key and the ticket's key have no scope in common"))
    return replace(principal, scopes=shared)


def _seen(principal: Principal, visitor: Visitor, found: Row, most: Role | None = None) -> Principal:
    """The caller as this visitor, in a role that is ``most`` at the most.

    Nobody of the account is an editor of what they have opened themselves.
    """
    seen = replace(
        principal,
        account_id=found["account_id"],
        name=visitor.name,
        role=lesser(found["role"] or "editor", most),
        locale=visitor.locale or found["locale"],
        visitor=visitor,
    )
    if seen.is_confined and not found["has_ticket"]:
        raise NotFound
    return seen


def _no_ticket_key() -> IdentityRefused:
    return IdentityRefused("ticket_token", _("This ticket's key is not valid"))
