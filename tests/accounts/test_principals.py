"""Who acts: the lesser of the key's role and the named person's (G10)."""

from collections.abc import Awaitable, Callable
from typing import Any, get_args

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import AccountRow
from app.accounts.principals import acting, editor, manager
from app.core.auth import ROLES, Principal, Role, lesser
from app.core.db.engine import Sessions
from app.core.problems import Forbidden
from app.core.schemas.shared import ActorRef
from tests.support.actors import make_person

Check = Callable[[AsyncSession, Principal, ActorRef], Awaitable[object]]
KEY_ROLES: tuple[Role | None, ...] = (None, *ROLES)


def test_the_roles_are_in_their_order() -> None:
    assert ROLES == ("viewer", "editor", "owner")
    assert set(ROLES) == set(get_args(Role))


@pytest.mark.parametrize("role", ROLES)
def test_no_role_limits_nothing(role: Role) -> None:
    assert lesser(None, role) == lesser(role, None) == role
    assert lesser(None, None) is None


@pytest.mark.parametrize("of_person", ROLES)
@pytest.mark.parametrize("of_key", KEY_ROLES)
async def test_g10_what_acts_is_the_lesser_of_both(
    sessions: Sessions, account: AccountRow, of_key: Role | None, of_person: Role
) -> None:
    person = await make_person(sessions, account.account_id, "ana@example.com", of_person)
    principal = Principal("account", "key_1", account.account_id, role=of_key)
    async with sessions() as session:
        who = await acting(session, principal, ActorRef(email=person.email))
    places = [ROLES.index(role) for role in (of_key, of_person) if role]
    assert (who.actor.id, who.role) == (person.id, ROLES[min(places)])


@pytest.mark.parametrize("of_key", KEY_ROLES)
async def test_g10_a_key_that_names_nobody_is_what_its_role_says_and_a_viewer_without_one(
    sessions: Sessions, account: AccountRow, of_key: Role | None
) -> None:
    async with sessions() as session:
        who = await acting(session, Principal("account", "key_1", account.account_id, role=of_key), None)
    assert who.role == (of_key or "viewer")


async def test_nobody_finds_out_by_a_refusal_who_is_of_an_account(sessions: Sessions, account: AccountRow) -> None:
    await make_person(sessions, account.account_id, "vera@example.com", "viewer")
    principal = Principal("account", "key_1", account.account_id, role="owner")

    async def refused(check: Check, email: str) -> dict[str, Any]:
        async with sessions() as session:
            with pytest.raises(Forbidden) as raised:
                await check(session, principal, ActorRef(email=email))
        return raised.value.document()

    async def managing(session: AsyncSession, key: Principal, actor: ActorRef) -> object:
        return await manager(session, key, account.account_id, actor)

    checks: tuple[Check, ...] = (editor, managing)
    for check in checks:
        assert await refused(check, "vera@example.com") == await refused(check, "nobody@example.com")
