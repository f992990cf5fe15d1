"""Making and changing accounts."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import AccountRow
from app.accounts.schemas import Account, AccountFields, NewAccount, SandboxStart
from app.core.auth import Principal
from app.core.ids import new_id
from app.core.problems import Fault, Forbidden, Invalid, message_of
from app.core.schemas.mailboxes import STORED
from app.core.schemas.shared import pointer
from app.core.text.messages import Message, _
from app.core.zones import time_zones
from app.plans.document.parsing.expansion import years_around
from app.plans.holidays import expand_holidays
from app.plans.store import addons_on_offer

OWN: Final = frozenset({"region_lock", "call_link", "locale"})
"""What an account's owners change of it themselves: their standing wishes."""
_CONTACTS: Final = ("manager", "tam")
_ROSTER: Final = text("""
SELECT EXISTS (SELECT FROM regions WHERE key = :region AND account_id IS NOT DISTINCT FROM cast(:owner AS text)),
    ARRAY (SELECT id FROM engineers
           WHERE id = ANY (cast(:engineers AS text[])) AND account_id IS NOT DISTINCT FROM cast(:owner AS text))
""")
"""Of a roster, live or a sandbox account's own, which lies above this feature."""


async def create_account(session: AsyncSession, command: NewAccount, *, now: datetime) -> AccountRow:
    """A new account; 422 for a plan, an add-on, a country, a region or an engineer that is not known."""
    account_id, sandbox_now = new_id("acc"), _sandbox_start(command, now)
    await _check_terms(session, command)
    await _check_roster(session, command, account_id if sandbox_now else None)
    account = AccountRow(
        account_id=account_id,
        sandbox_now=sandbox_now,
        holiday_set=await _holiday_set(session, command.country, sandbox_now or now),
        version=1,
        created_at=now,
        updated_at=now,
        **_columns(command),
    )
    session.add(account)
    await session.flush()
    return account


async def update_account(session: AsyncSession, account: AccountRow, fields: AccountFields, *, now: datetime) -> None:
    """Write the account's new fields; open tickets keep what they pinned (C14)."""
    await _check_terms(session, fields)
    await _check_roster(session, fields, account.account_id if account.sandbox_now else None)
    if fields.country != account.country:
        account.holiday_set = await _holiday_set(session, fields.country, account.sandbox_now or now)
    for name, value in _columns(fields).items():
        setattr(account, name, value)
    account.version += 1
    account.updated_at = now
    await session.flush()


def check_own(changes: Collection[str]) -> None:
    """403 where owners would change more of their account than is theirs to decide."""
    if others := sorted(set(changes) - OWN):
        detail = _(
            "An account's owners can change {own}, and only admins can change {others}", own=sorted(OWN), others=others
        )
        raise Forbidden(detail)


def fields_of(account: AccountRow) -> dict[str, Any]:
    """What can be written about the account, as it is now: what a merge patch is applied to."""
    fields = AccountFields.model_validate(account, from_attributes=True, extra="ignore", context=STORED)
    return fields.model_dump(mode="json", exclude_none=True)


def account_document(account: AccountRow, principal: Principal) -> dict[str, Any]:
    """The account as the API shows it to this caller: to customers without the addresses of the vendor's people."""
    facts = {name: getattr(account, name) for name in AccountFields.model_fields}
    if not principal.is_support:
        facts |= {role: {"name": facts[role]["name"], "email": None} for role in _CONTACTS if facts[role]}
    own = {"id": account.account_id, "sandbox": account.sandbox_now is not None, "sandbox_now": account.sandbox_now}
    stamps = {"version": account.version, "created_at": account.created_at, "updated_at": account.updated_at}
    return Account.model_validate(own | facts | stamps, context=STORED).model_dump()


def _columns(fields: AccountFields) -> dict[str, Any]:
    return fields.model_dump(include=set(AccountFields.model_fields))


def _sandbox_start(command: NewAccount, now: datetime) -> datetime | None:
    if isinstance(command.sandbox, SandboxStart):
        return command.sandbox.starts_at
    return now if command.sandbox else None


async def _check_terms(session: AsyncSession, fields: AccountFields) -> None:
    """422 unless the plans exist and offer the add-ons."""
    offered = await addons_on_offer(session, {fields.plan, *fields.product_plans.values()})
    faults = [*_unknown_plans(fields, offered), *_unknown_addons(fields, offered.get(fields.plan, frozenset()))]
    if faults:
        raise Invalid(errors=faults)


def _unknown_plans(fields: AccountFields, offered: Collection[str]) -> Iterator[Fault]:
    places = {"/plan": fields.plan} | {pointer(["product_plans", p]): key for p, key in fields.product_plans.items()}
    for place, key in places.items():
        if key not in offered:
            yield Fault(pointer=place, detail=_("There is no plan with the key {key}", key=key))


def _unknown_addons(fields: AccountFields, offered: Collection[str]) -> Iterator[Fault]:
    for index, addon in enumerate(fields.addons):
        if addon not in offered:
            yield Fault(
                pointer=f"/addons/{index}",
                detail=_("The plan {plan} has no add-on {addon}", plan=fields.plan, addon=addon),
            )


async def _check_roster(session: AsyncSession, fields: AccountFields, owner: str | None) -> None:
    """422 unless the region and the engineers are there: among the live ones, or the sandbox's own."""
    wanted = fields.preferred_engineers
    if not (wanted or fields.region_lock):
        return
    known = {"region": fields.region_lock, "engineers": wanted, "owner": owner}
    there, engineers = (await session.execute(_ROSTER, known)).one()
    faults = [
        _missing(f"/preferred_engineers/{place}", _("There is no engineer {name}", name=name), owner)
        for place, name in enumerate(wanted)
        if name not in engineers
    ]
    if fields.region_lock and not there and fields.region_lock not in time_zones():
        faults.append(_missing("/region_lock", _("There is no region {key}", key=fields.region_lock), owner))
    if faults:
        raise Invalid(errors=faults)


def _missing(place: str, detail: Message, owner: str | None) -> Fault:
    fault = Fault(pointer=place, detail=detail)
    if owner:
        fault["hint"] = _("A sandbox has regions and engineers of its own: create them with its account_id first")
    return fault


async def _holiday_set(session: AsyncSession, country: str | None, now: datetime) -> str | None:
    """The country's holidays as dates, around ``now`` at the account (C01); 422 for a country whose are not known."""
    if country is None:
        return None
    try:
        return (await expand_holidays(session, country, None, years_around(now))).id
    except ValueError as error:
        raise Invalid(errors=[Fault(pointer="/country", detail=message_of(error))]) from error
