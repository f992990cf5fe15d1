"""Accounts, people, keys and engineers for tests, made by the use cases themselves."""

from datetime import timedelta
from typing import Any, Final

from app.accounts.key_schemas import NewKey
from app.accounts.models import AccountRow, PersonRow
from app.accounts.schemas import NewAccount, NewPerson
from app.accounts.usecases import customers, keys, people, ticket_keys
from app.calendars.hours import WEEKDAYS
from app.core.auth import KeyKind, TicketAccess
from app.core.clock import database_now
from app.core.db.engine import Sessions
from app.core.db.session import transaction
from app.core.db.statements.bulk import insert_rows
from app.core.ids import new_id
from app.plans.models import PlanVersionRow
from app.roster.models import EngineerRow, RegionRow
from app.roster.schemas import NewEngineer, NewRegion
from app.roster.usecases import engineers, regions

Headers = dict[str, str]


_LEAST: Final[dict[str, Any]] = {"priorities": ["P1"], "targets": {}}
"""What each plan says."""


async def make_plan(sessions: Sessions, key: str, **document: Any) -> str:
    """A stored plan that says as little as a plan can."""
    async with transaction(sessions) as session:
        row = {"key": key, "version": 1, "document": _LEAST | {"key": key} | document, "document_hash": new_id("sum")}
        await insert_rows(session, PlanVersionRow, [row | {"created_at": await database_now(session)}])
    return key


async def make_account(sessions: Sessions, plan: str, **fields: Any) -> AccountRow:
    """An account on a plan that is stored already."""
    given = {"name": "Solar Roofs", "plan": plan, "time_zone": "America/New_York"} | fields
    async with transaction(sessions) as session:
        return await customers.create_account(session, NewAccount(**given), now=await database_now(session))


async def make_key(sessions: Sessions, kind: KeyKind = "account", **fields: Any) -> Headers:
    """Request headers with a new key."""
    async with transaction(sessions) as session:
        command = NewKey(kind=kind, **fields)
        _, secret = await keys.create_key(session, command, now=await database_now(session))
    return {"Authorization": f"Bearer {secret}"}


async def make_ticket_key(sessions: Sessions, account_id: str, ticket_id: str, email: str | None = None) -> str:
    """The secret of a key that opens one ticket: for a person with this address, else for a follower."""
    access, secret = TicketAccess(account_id, ticket_id, email, "Ana Silva"), ticket_keys.new_secret()
    async with transaction(sessions) as session:
        now = await database_now(session)
        await ticket_keys.create_ticket_key(session, secret, access, now=now, expires_at=now + timedelta(days=1))
    return secret


async def make_person(sessions: Sessions, account_id: str, email: str, role: str) -> PersonRow:
    """One of the account's people."""
    async with transaction(sessions) as session:
        fields = NewPerson.model_validate({"email": email, "name": email.partition("@")[0], "role": role})
        return await people.add_person(session, account_id, fields, now=await database_now(session))


async def make_engineer(sessions: Sessions, **fields: Any) -> EngineerRow:
    """A support engineer."""
    given = {"name": "Noor Haddad", "email": "noor@example.com"} | fields
    async with transaction(sessions) as session:
        return await engineers.create_engineer(session, NewEngineer(**given), now=await database_now(session))


async def make_region(sessions: Sessions, **fields: Any) -> RegionRow:
    """A region, which works around the clock unless ``calendar`` says else."""
    always = {"time_zone": "UTC", "weekly": {day: [["00:00", "24:00"]] for day in WEEKDAYS}}
    given = {"key": "emea", "name": "Europe", "place": 1, "calendar": always} | fields
    async with transaction(sessions) as session:
        return await regions.create_region(session, NewRegion(**given), now=await database_now(session))
