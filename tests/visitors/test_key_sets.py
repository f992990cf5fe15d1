"""The keys that a host product publishes: read seldom, and not taken for something else when that fails."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from app.core.outgoing.connector import make_http
from app.core.problems import Unavailable
from app.core.settings import Settings
from app.visitors import key_sets
from app.visitors.key_sets import KeySets
from tests.support.identities import jwk, pair
from tests.support.waiting import until

URL = "https://login.example/jwks.json"
PUBLIC = pair("ES256")[1]
SET = {"keys": [jwk(PUBLIC, "ES256", kid="one")]}


class Host:
    """Answers with what it publishes, and counts."""

    def __init__(self) -> None:
        self.answer: Callable[[], httpx.Response] = lambda: httpx.Response(200, json=SET)
        self.asked = 0

    def __call__(self, _: httpx.Request) -> httpx.Response:
        self.asked += 1
        return self.answer()


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def sets(host: Host) -> KeySets:
    return KeySets(httpx.AsyncClient(transport=httpx.MockTransport(host), follow_redirects=False))


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets so many seconds pass."""
    now = 1000.0

    def passes(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr(key_sets, "monotonic", lambda: now)
    return passes


async def test_who_asks_while_they_are_read_for_the_first_time_waits_for_them(sets: KeySets, host: Host) -> None:
    found = await asyncio.gather(*(sets.key(URL, "one") for _ in range(3)))
    assert ([each.kid for each in found if each], host.asked) == (["one"] * 3, 1)


async def test_keys_are_read_once_and_again_when_they_are_old(
    sets: KeySets, host: Host, time: Callable[[float], None]
) -> None:
    for _ in range(3):
        key = await sets.key(URL, "one")
        assert key
        assert (key.kid, key.alg) == ("one", "ES256")
    assert host.asked == 1
    time(key_sets.FRESH + 1)
    assert await sets.key(URL, "one")
    assert host.asked == 2


async def test_a_key_that_is_not_there_is_looked_for_now_and_then(
    sets: KeySets, host: Host, time: Callable[[float], None]
) -> None:
    for number in range(50):
        assert await sets.key(URL, f"made up {number}") is None
    assert host.asked == 1
    host.answer = lambda: httpx.Response(200, json={"keys": [*SET["keys"], jwk(PUBLIC, "ES256", kid="two")]})
    assert await sets.key(URL, "two") is None
    time(key_sets.PAUSE + 1)
    assert await sets.key(URL, "two")
    assert host.asked == 2


async def _trouble(sets: KeySets) -> Any:
    return await sets.trouble(None)  # type: ignore[arg-type]  # it looks at no database


@pytest.mark.parametrize(
    "answer",
    [
        lambda: httpx.Response(500),
        lambda: httpx.Response(302, headers={"Location": "https://elsewhere.example"}),
        lambda: httpx.Response(200, text="<html>"),
        lambda: httpx.Response(200, json={"error": "x"}),
        lambda: httpx.Response(200, content=b'{"keys": [' + b" " * 70_000 + b"]}"),
    ],
    ids=["500", "redirect", "html", "no set", "huge"],
)
async def test_what_cannot_be_read_is_said_and_what_was_read_is_good_for_a_day(
    sets: KeySets, host: Host, time: Callable[[float], None], answer: Callable[[], httpx.Response]
) -> None:
    good, host.answer = host.answer, answer
    for _ in range(3):
        with pytest.raises(Unavailable):
            await sets.key(URL, "one")
    assert host.asked == 1
    assert "jwks_url" in await _trouble(sets)
    host.answer = good
    time(key_sets.PAUSE + 1)
    assert await sets.key(URL, "one")
    assert await _trouble(sets) is None
    host.answer = answer
    time(key_sets.FRESH + 1)
    assert await sets.key(URL, "one")
    assert await _trouble(sets)
    time(key_sets.STALE)
    with pytest.raises(Unavailable):
        await sets.key(URL, "one")


async def test_what_a_withdrawn_key_has_signed_counts_until_the_set_is_read_again(
    sets: KeySets, host: Host, time: Callable[[float], None]
) -> None:
    key = await sets.key(URL, "one")
    assert key
    name, other = f"{URL} {key.fingerprint}", f"{URL} {key.fingerprint[::-1]}"
    assert sets.published({name, other}) == {name}
    host.answer = lambda: httpx.Response(200, json={"keys": []})
    assert sets.published({name}) == {name}
    time(key_sets.FRESH + 1)
    sets.published({name})
    await until(lambda: sets.published({name}) == set())
    assert host.asked == 2


async def test_what_was_signed_counts_while_its_keys_cannot_be_read_for_a_day(
    sets: KeySets, host: Host, time: Callable[[float], None]
) -> None:
    key = await sets.key(URL, "one")
    assert key
    name, host.answer = f"{URL} {key.fingerprint}", lambda: httpx.Response(500)
    time(key_sets.FRESH + 1)
    sets.published({name})
    await until(lambda: host.asked == 2)
    assert sets.published({name}) == {name}
    time(key_sets.STALE)
    assert sets.published({name}) == set()


async def test_addresses_of_the_inside_are_never_asked() -> None:
    async with make_http(Settings()) as http:
        for url in ("https://127.0.0.1:9/jwks", "https://localhost:9/jwks", "https://169.254.169.254/latest"):
            with pytest.raises(Unavailable):
                await KeySets(http).key(url, "one")
