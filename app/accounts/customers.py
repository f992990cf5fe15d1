"""Making and changing accounts."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import Account
from app.accounts.schemas import AccountCreate, AccountDocument, AccountFields, SandboxStart
from app.core.ids import new_id
from app.core.problems import Fault, Invalid
from app.core.schemas import pointer
from app.plans.holidays import expand_holidays, years_around
from app.plans.store import addons_on_offer


async def create_account(session: AsyncSession, command: AccountCreate, *, now: datetime) -> Account:
    """A new account; 422 for a plan, an add-on or a country that is not known."""
    await _check_terms(session, command)
    sandbox_now = _sandbox_start(command, now)
    account = Account(
        account_id=new_id("acc"),
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


async def change_account(session: AsyncSession, account: Account, fields: AccountFields, *, now: datetime) -> None:
    """Write what the account shall be from now on; open tickets keep what they pinned (C14)."""
    await _check_terms(session, fields)
    if fields.country != account.country:
        account.holiday_set = await _holiday_set(session, fields.country, account.sandbox_now or now)
    for name, value in _columns(fields).items():
        setattr(account, name, value)
    account.version += 1
    account.updated_at = now
    await session.flush()


def fields_of(account: Account) -> dict[str, Any]:
    """What can be written about the account, as it is now: what a merge patch is applied to."""
    return AccountFields.model_validate(account, from_attributes=True, extra="ignore").model_dump(
        mode="json", exclude_none=True
    )


def account_document(account: Account) -> dict[str, Any]:
    """The account as it is answered."""
    facts = {name: getattr(account, name) for name in AccountFields.model_fields}
    own = {"id": account.account_id, "sandbox": account.sandbox_now is not None, "sandbox_now": account.sandbox_now}
    stamps = {"version": account.version, "created_at": account.created_at, "updated_at": account.updated_at}
    return AccountDocument.model_validate(own | facts | stamps).model_dump()


def _columns(fields: AccountFields) -> dict[str, Any]:
    return fields.model_dump(include=set(AccountFields.model_fields))


def _sandbox_start(command: AccountCreate, now: datetime) -> datetime | None:
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
            yield Fault(pointer=place, detail=f"There is no plan with the key {key}")


def _unknown_addons(fields: AccountFields, offered: Collection[str]) -> Iterator[Fault]:
    for index, addon in enumerate(fields.addons):
        if addon not in offered:
            yield Fault(pointer=f"/addons/{index}", detail=f"The plan {fields.plan} has no add-on {addon}")


async def _holiday_set(session: AsyncSession, country: str | None, now: datetime) -> str | None:
    """The country's holidays as dates, around ``now`` at the account (C01); 422 for a country whose are not known."""
    if country is None:
        return None
    try:
        return (await expand_holidays(session, country, None, years_around(now))).id
    except ValueError as error:
        raise Invalid(errors=[Fault(pointer="/country", detail=str(error))]) from error
