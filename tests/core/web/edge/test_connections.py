from dataclasses import dataclass, field, replace
from ipaddress import ip_network

import pytest

from app.core.problems import TooManyRequests, Unavailable
from app.core.settings import Settings
from app.core.web.edge.connections import ConnectionLimits, Guard
from app.core.web.edge.watched import Lag, Use
from app.core.web.edge.weights import over_budget

LIMITS = replace(ConnectionLimits.of(Settings(trusted_proxies=[ip_network("10.0.0.0/8")])), connections=5, of_address=2)


@dataclass(eq=False)
class One:
    """A connection, as the guard sees it."""

    host: str
    owed: Lag | None = None
    use: Use = Use.ANSWER
    dropped: list[str] = field(default_factory=list)

    def lag(self, now: float) -> Lag | None:
        return self.owed if self.owed and self.owed.since < now else None

    def check(self, now: float) -> None:
        pass

    def drop(self, reason: str) -> None:
        self.dropped.append(reason)

    def shed(self) -> None:
        self.dropped.append("shed")


async def test_an_address_has_only_so_many_connections_and_gets_them_back() -> None:
    guard = Guard(LIMITS)
    first, second, third = (One("203.0.113.7") for _ in range(3))
    assert [guard.admit(first), guard.admit(second)] == [None, None]
    refusal = guard.admit(third)
    assert isinstance(refusal, TooManyRequests)
    assert refusal.members == {"quota": "connections_per_address", "value": 2, "used": 2}
    guard.release(third)  # which was never counted
    assert isinstance(guard.admit(third), TooManyRequests)
    guard.release(first)
    assert guard.admit(third) is None


async def test_all_addresses_together_have_only_so_many() -> None:
    guard = Guard(LIMITS)
    assert [guard.admit(One(f"203.0.113.{number}")) for number in range(5)] == [None] * 5
    assert isinstance(guard.admit(One("203.0.113.9")), Unavailable)


async def test_where_all_are_taken_the_address_that_has_most_gives_one_to_who_has_fewer() -> None:
    guard = Guard(replace(LIMITS, of_address=4))
    answered, sending, idle = (One("203.0.113.7", use=use) for use in (Use.ANSWER, Use.SENDING, Use.NOTHING))
    others = [One("203.0.113.8"), One("203.0.113.8")]
    assert [guard.admit(each) for each in (answered, sending, idle, *others)] == [None] * 5
    assert isinstance(guard.admit(One("203.0.113.8")), Unavailable), "it would have as many"
    assert guard.admit(One("203.0.113.9")) is None
    assert [len(each.dropped) for each in (answered, sending, idle, *others)] == [0, 0, 1, 0, 0]
    guard.release(idle)
    assert len(guard) == 5
    assert guard.admit(One("203.0.113.10")) is None
    assert (len(sending.dropped), len(guard)) == (1, 5)
    assert isinstance(guard.admit(One("203.0.113.11")), Unavailable), "what is being answered goes on"


NETWORKS = {
    "a /48": [f"2001:db8:0:{number}::1" for number in range(4)],
    "a /24": [f"203.0.113.{number}" for number in range(4)],
}


@pytest.mark.parametrize("crowd", NETWORKS.values(), ids=NETWORKS)
async def test_a_network_of_many_addresses_gives_one_to_who_has_fewer(crowd: list[str]) -> None:
    guard = Guard(LIMITS)
    many = [One(host, use=Use.NOTHING) for host in crowd]
    other = One("192.0.2.8", use=Use.NOTHING)
    assert [guard.admit(each) for each in (*many, other)] == [None] * 5
    assert isinstance(guard.admit(One(crowd[0])), Unavailable), "its network has most"
    assert guard.admit(One("2001:db8:1::1")) is None
    assert guard.admit(One("198.51.100.1")) is None
    assert guard.admit(One("2001:db8:2::1")) is None
    assert (sum(len(each.dropped) for each in many), other.dropped) == (3, [])
    assert isinstance(guard.admit(One("198.51.100.3")), Unavailable), "no network has more than its own"


async def test_who_is_a_stranger_gives_way_while_it_is_answered() -> None:
    guard = Guard(replace(LIMITS, of_address=4))
    known, stranger = One("203.0.113.7"), One("203.0.113.7", use=Use.STRANGER)
    others = [One("203.0.113.7") for _ in range(2)]
    assert [guard.admit(each) for each in (known, stranger, *others, One("192.0.2.1"))] == [None] * 5
    assert guard.admit(One("192.0.2.9")) is None
    assert [len(each.dropped) for each in (known, stranger, *others)] == [0, 1, 0, 0]


async def test_what_is_answered_goes_on_and_a_proxy_gives_up_nothing() -> None:
    for host, use in (("203.0.113.7", Use.ANSWER), ("10.1.2.3", Use.NOTHING)):
        guard = Guard(replace(LIMITS, of_address=0))
        assert [guard.admit(One(host, use=use)) for _ in range(5)] == [None] * 5
        assert isinstance(guard.admit(One("203.0.113.9")), Unavailable)


def test_too_many_bodies_are_refused_where_most_are_held_and_the_largest_first() -> None:
    guard = Guard(replace(LIMITS, body_bytes=1000))
    small, large, done = (One("203.0.113.1", use=use) for use in (Use.SENDING, Use.SENDING, Use.ANSWER))
    other = One("203.0.113.2", use=Use.SENDING)
    for connection, size in ((small, 200), (large, 300), (done, 100), (other, 400)):
        guard.hold(connection, size)
    assert not any(each.dropped for each in (small, large, done, other))
    guard.hold(other, 10)
    assert [len(each.dropped) for each in (small, large, done, other)] == [0, 1, 0, 0]
    guard.let_go(done)
    guard.hold(other, 390)
    assert not other.dropped
    guard.hold(done, 100)
    assert [len(each.dropped) for each in (small, large, done, other)] == [0, 1, 0, 1]


async def test_who_is_refused_very_often_is_told_now_and_then() -> None:
    guard = Guard(LIMITS)
    told = [guard.answers_refusal("203.0.113.7") for _ in range(5_000)]
    assert told[:50] == [True] * 50
    assert not all(told)
    assert guard.answers_refusal("203.0.113.8")
    told = [guard.answers_refusal(f"2001:db8:1:{number:x}::1") for number in range(20_000)]
    assert told[:500] == [True] * 500
    assert not all(told)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", "10.1.2.3"])
async def test_a_proxy_is_not_one_client(address: str) -> None:
    guard = Guard(LIMITS)
    assert [guard.admit(One(address)) for _ in range(5)] == [None] * 5


async def test_a_network_of_ipv6_is_one_client() -> None:
    guard = Guard(LIMITS)
    assert [guard.admit(One(f"2001:db8::{number}")) for number in range(2)] == [None, None]
    assert isinstance(guard.admit(One("2001:db8::2")), TooManyRequests)


def test_what_is_not_read_is_dropped_where_most_waits_and_the_slowest_first() -> None:
    heavy = [One("203.0.113.1", Lag(since, 400)) for since in (3, 1, 2)]
    light, quick = One("203.0.113.2", Lag(0, 300)), One("203.0.113.1", Lag(10, 10_000))
    connections = [*heavy, light, quick]
    assert over_budget(connections, 1500, now=9) == []
    assert over_budget(connections, 1400, now=9) == [heavy[1]]
    assert over_budget(connections, 700, now=9) == [heavy[1], heavy[2]]
    assert over_budget(connections, 0, now=9) == [heavy[1], heavy[2], heavy[0], light]


def test_a_network_of_many_slow_readers_is_dropped_before_a_slower_one_elsewhere() -> None:
    crowd = [One(f"2001:db8:0:{number}::1", Lag(5, 100)) for number in range(5)]
    other = One("203.0.113.2", Lag(1, 300))
    connections = [other, *crowd]
    assert set(over_budget(connections, 600, now=9)) < set(crowd)
    assert over_budget(connections, 499, now=9)[-1] is other


def test_a_network_of_many_bodies_is_refused_before_a_larger_one_elsewhere() -> None:
    guard = Guard(replace(LIMITS, body_bytes=1000))
    crowd = [One(f"2001:db8:0:{number}::1", use=Use.SENDING) for number in range(5)]
    other = One("203.0.113.2", use=Use.SENDING)
    for connection in crowd:
        guard.hold(connection, 120)
    guard.hold(other, 450)
    assert (sum(len(each.dropped) for each in crowd), other.dropped) == (1, [])
