import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.auth import Principal, hash_key, make_key
from app.core.keys import keyring as keyrings
from app.core.keys.keyring import Asker, Keyring
from app.core.problems import Unauthorized
from app.core.process.recent import Recent
from tests.support.clocks import HandClock

OWN = "hd_admin_of-our-own"


@dataclass
class Database:
    """What there is, and what was asked for."""

    valid: dict[bytes, Principal] = field(default_factory=dict)
    asked: list[Any] = field(default_factory=list)
    error: Exception | None = None

    async def authenticate(self, engine: AsyncEngine, key: str) -> Principal:
        del engine
        self.asked.append(key)
        principal = self.valid.get(hash_key(key))
        if principal is None:
            raise Unauthorized
        return principal

    async def find(self, engine: AsyncEngine, hashes: Collection[bytes]) -> Mapping[bytes, Principal]:
        del engine
        self.asked.append(set(hashes))
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        return {each: self.valid[each] for each in hashes if each in self.valid}

    def add(self, key: str | None = None) -> str:
        key = key or make_key("account")
        self.valid[hash_key(key)] = Principal("account", f"key_{len(self.valid)}", "acc_1")
        return key

    def keyring(self) -> Keyring:
        return Keyring(cast("AsyncEngine", None), self.authenticate, self.find, cast("Asker", None), OWN)


async def test_a_valid_key_is_looked_up_for_each_request_so_that_it_is_revoked_at_once() -> None:
    database = Database()
    keyring, key = database.keyring(), database.add()
    assert (await keyring.principal(key)).key_id == "key_0"
    assert keyring.known(key) == await keyring.principal(key)
    assert database.asked == [key, key]
    database.valid.clear()
    with pytest.raises(Unauthorized):
        await keyring.principal(key)
    assert keyring.known(key) is None


@pytest.mark.parametrize(
    "key",
    ["", "nonsense", make_key("account")[:-1] + "!", "hd_account_" + "0" * 38],
    ids=["empty", "nonsense", "mistyped", "zeros"],
)
async def test_a_key_with_a_wrong_checksum_costs_no_query(key: str) -> None:
    database = Database()
    with pytest.raises(Unauthorized):
        await database.keyring().principal(key)
    assert database.asked == []


async def test_a_refused_key_costs_one_query_and_then_none_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    database, later = Database(), HandClock(monkeypatch, keyrings)
    keyring, key = database.keyring(), make_key("account")
    for _ in range(3):
        with pytest.raises(Unauthorized):
            await keyring.principal(key)
    assert database.asked == [key]
    later(10)
    assert keyring.is_plausible(key)


async def test_the_operators_own_key_may_have_any_form_and_is_looked_up_like_the_others() -> None:
    database = Database()
    keyring, own, earlier = database.keyring(), database.add(OWN), database.add("of an earlier start".replace(" ", "-"))
    for key in (own, earlier):
        assert keyring.is_plausible(key)
        assert (await keyring.principal(key)).key_id
    database.valid.clear()
    with pytest.raises(Unauthorized):
        await keyring.principal(own)


async def test_keys_that_were_never_seen_are_looked_up_together() -> None:
    database = Database()
    keyring, valid = database.keyring(), [database.add() for _ in range(2)]
    guessed = [make_key("account") for _ in range(50)]
    found = await asyncio.gather(*(keyring.among_others(key) for key in [*guessed, *valid, *valid]))
    assert found == [None] * 50 + [*database.valid.values()] * 2
    assert database.asked == [{hash_key(key) for key in [*guessed, *valid]}]
    assert [keyring.is_plausible(key) for key in guessed] == [False] * 50
    assert keyring.known(valid[0]) == found[-2]


async def test_whoever_asks_while_the_database_is_away_is_told_and_can_ask_again() -> None:
    database = Database(error=ConnectionError())
    keyring, key = database.keyring(), database.add()
    for _ in range(2):
        with pytest.raises(ConnectionError):
            await keyring.among_others(key)
    database.error = None
    assert await keyring.among_others(key) == database.valid[hash_key(key)]


async def test_one_caller_that_hangs_up_takes_nothing_from_the_others() -> None:
    database = Database()
    keyring, key = database.keyring(), database.add()
    asking = [asyncio.create_task(keyring.among_others(key)) for _ in range(2)]
    await asyncio.sleep(0)
    asking[0].cancel()
    assert await asking[1] == database.valid[hash_key(key)]


def test_a_memory_is_bounded_and_keeps_what_is_used() -> None:
    memory: Recent[int] = Recent(most=2)
    memory.keep(b"a", 1)
    memory.keep(b"b", 2)
    assert memory.get(b"a") == 1
    memory.keep(b"c", 3)
    assert [memory.get(key) for key in (b"a", b"b", b"c")] == [1, None, 3]
    memory.drop(b"a")
    assert len(memory) == 1
