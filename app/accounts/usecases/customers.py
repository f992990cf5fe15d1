"""Making and changing accounts."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import AccountRow
from app.accounts.schemas import Account, AccountFields, NewAccount, SandboxStart
from app.accounts.warnings import warnings
from app.calendars.daytime import daytime_region
from app.calendars.hours import compile_calendar
from app.core.auth import Principal
from app.core.db.session import memory_of, stand_in_of
from app.core.ids import new_id
from app.core.problems import Fault, Forbidden, Invalid, message_of
from app.core.schemas.mailboxes import STORED
from app.core.schemas.shared import pointer
from app.core.text.messages import Message, _
from app.core.zones import load_zone, time_zones
from app.plans.document.model import PlanCalendar, PlanDocument
from app.plans.document.parsing.expansion import years_around
from app.plans.holidays import expand_holidays
from app.plans.store import addons_on_offer, current_documents

OWN: Final = frozenset({"region_lock", "call_link", "locale"})
"""What an account's owners change of it themselves: their standing wishes."""
_CONTACTS: Final = ("manager", "tam")
_ROSTER: Final = text("""
SELECT ARRAY (SELECT key FROM regions WHERE account_id IS NOT DISTINCT FROM cast(:owner AS text)),
    ARRAY (SELECT id FROM engineers
           WHERE id = ANY (cast(:engineers AS text[])) AND account_id IS NOT DISTINCT FROM cast(:owner AS text))
""")
"""Of a roster, live or a sandbox account's own, which lies above this feature."""
_CALENDARS: Final = text("""
SELECT key, calendar FROM regions WHERE account_id IS NOT DISTINCT FROM cast(:owner AS text) ORDER BY place, id
""")


async def create_account(session: AsyncSession, command: NewAccount, *, now: datetime) -> AccountRow:
    """A new account; 422 for a plan, an add-on, a country, a region or an engineer that is not known."""
    account_id, sandbox_now = new_id("acc"), _sandbox_start(command, now)
    await _check_terms(session, command)
    owner = account_id if sandbox_now else None
    await _check_roster(session, command, owner)
    await _check_daytime(session, command.region_lock, owner, sandbox_now or now)
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
    owner = account.account_id if account.sandbox_now else None
    await _check_roster(session, fields, owner)
    if fields.region_lock != account.region_lock:
        await _check_daytime(session, fields.region_lock, owner, account.sandbox_now or now)
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


async def account_documents(
    session: AsyncSession, accounts: Sequence[AccountRow], principal: Principal
) -> Callable[[AccountRow], dict[str, Any]]:
    """What shows one of these accounts to this caller."""
    keys = {key for account in accounts for key in (account.plan, *account.product_plans.values())}
    plans = await current_documents(session, memory_of(session), keys) if principal.is_support else {}
    return partial(_document, principal=principal, plans=plans, stand_in=stand_in_of(session) is not None)


async def account_document(session: AsyncSession, account: AccountRow, principal: Principal) -> dict[str, Any]:
    """The account as the API shows it to this caller."""
    return (await account_documents(session, [account], principal))(account)


def _document(
    account: AccountRow, *, principal: Principal, plans: Mapping[str, PlanDocument], stand_in: bool
) -> dict[str, Any]:
    """To customers without the addresses of the vendor's people, and without the warnings, which are support's."""
    facts = {name: getattr(account, name) for name in AccountFields.model_fields}
    if not principal.is_support:
        facts |= {role: {"name": facts[role]["name"], "email": None} for role in _CONTACTS if facts[role]}
    own = {"id": account.account_id, "sandbox": account.sandbox_now is not None, "sandbox_now": account.sandbox_now}
    stamps = {"version": account.version, "created_at": account.created_at, "updated_at": account.updated_at}
    document = Account.model_validate(own | facts | stamps, context=STORED).model_dump()
    return document | {"warnings": _warnings(account, plans, stand_in=stand_in)}


def _warnings(account: AccountRow, plans: Mapping[str, PlanDocument], *, stand_in: bool) -> list[dict[str, Any]]:
    roles = [role for role in _CONTACTS if getattr(account, role)]
    held = [plans[key] for key in {account.plan: None, **dict.fromkeys(account.product_plans.values())} if key in plans]
    return [{"code": code, **fault} for code, fault in warnings(roles, account.addons, held, stand_in=stand_in)]


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
    regions, engineers = (await session.execute(_ROSTER, {"engineers": wanted, "owner": owner})).one()
    faults = [
        _missing(f"/preferred_engineers/{place}", _("There is no engineer {name}", name=name), owner)
        for place, name in enumerate(wanted)
        if name not in engineers
    ]
    if fields.region_lock and fields.region_lock not in (*regions, *time_zones()):
        faults.append(_missing("/region_lock", _("There is no region {key}", key=fields.region_lock), owner))
    if faults:
        raise Invalid(errors=faults)


async def _check_daytime(session: AsyncSession, wish: str | None, owner: str | None, now: datetime) -> None:
    """422 for a time zone in whose daytime no region works: a ticket that asked for it would be refused too (G7)."""
    if wish is None or wish not in time_zones():
        return
    rows = (await session.execute(_CALENDARS, {"owner": owner})).all()
    if any(row.key == wish for row in rows):
        return
    regions = {row.key: compile_calendar(PlanCalendar.model_validate(row.calendar).spec()) for row in rows}
    if daytime_region(regions, load_zone(wish), now) is None:
        detail = _("No region works in the daytime of {zone}", zone=wish)
        raise Invalid(errors=[_missing("/region_lock", detail, owner)])


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
