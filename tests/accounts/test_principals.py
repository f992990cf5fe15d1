"""Who acts: the lesser of the key's role and the named person's (G10)."""

from typing import get_args

import pytest

from app.accounts.models import Account
from app.accounts.principals import acting
from app.core.auth import ROLES, Principal, Role, lesser
from app.core.db import Sessions
from app.core.schemas import ActorRef
from tests.support.actors import make_person

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
    sessions: Sessions, account: Account, of_key: Role | None, of_person: Role
) -> None:
    person = await make_person(sessions, account.account_id, "ana@example.com", of_person)
    principal = Principal("account", "key_1", account.account_id, role=of_key)
    async with sessions() as session:
        who = await acting(session, principal, ActorRef(email=person.email))
    places = [ROLES.index(role) for role in (of_key, of_person) if role]
    assert (who.actor.id, who.role) == (person.id, ROLES[min(places)])


@pytest.mark.parametrize("of_key", KEY_ROLES)
async def test_g10_a_key_that_names_nobody_is_what_its_role_says_and_a_viewer_without_one(
    sessions: Sessions, account: Account, of_key: Role | None
) -> None:
    async with sessions() as session:
        who = await acting(session, Principal("account", "key_1", account.account_id, role=of_key), None)
    assert who.role == (of_key or "viewer")
