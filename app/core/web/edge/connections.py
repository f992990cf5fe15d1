"""What a client's connection may cost: how many there are, and how long each may take for what it has to do."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, auto
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, Protocol

from app.core.clock import monotonic
from app.core.limits.inflight import Pace
from app.core.problems import Problem, TooManyRequests, Unavailable
from app.core.settings import Settings
from app.core.text.messages import _
from app.core.web.edge.addresses import counted_address

_SOON: Final = {"Retry-After": "10"}
_TICK: Final = 0.5


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The limits of one process. Times are seconds; 0 ``of_address`` is no limit.

    ``uncounted``: networks whose addresses stand for many clients, as those of proxies do.
    """

    header_bytes: int
    header_fields: int
    header_timeout: float
    body_timeout: float
    write_timeout: float
    keep_alive: float
    unread_bytes: int
    body_bytes: int
    connections: int
    of_address: int
    uncounted: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def of(cls, settings: Settings) -> "ConnectionLimits":
        """As an operator has set them."""
        return cls(
            header_bytes=settings.header_bytes,
            header_fields=settings.header_fields,
            header_timeout=settings.header_timeout,
            body_timeout=settings.body_timeout,
            write_timeout=settings.write_timeout,
            keep_alive=settings.keep_alive,
            unread_bytes=settings.unread_bytes,
            body_bytes=settings.body_bytes,
            connections=settings.connections,
            of_address=settings.connections_per_address,
            uncounted=(*settings.uncounted_networks, *settings.trusted_proxies),
        )

    @property
    def tick(self) -> float:
        """Seconds between two looks at all connections."""
        return min(_TICK, *(each / 4 for each in (self.header_timeout, self.body_timeout, self.write_timeout)))


class Use(IntEnum):
    """What a connection is open for; what comes first is what others are served for at its cost."""

    NOTHING = auto()
    SENDING = auto()
    """a request that is not complete"""
    ANSWER = auto()


class Watched(Protocol):
    """A connection, as the guard sees it."""

    @property
    def host(self) -> str:
        """The address at its other end."""

    @property
    def use(self) -> Use:
        """What it is open for."""

    def shed(self) -> None:
        """Refuse the request whose body is being received."""

    def lag(self, now: float) -> "Lag | None":
        """What its client has not taken yet, if it has been slow to for a while."""

    def check(self, now: float) -> None:
        """End it, or what it waits for, when that has taken too long."""

    def drop(self, reason: str) -> None:
        """End it at once, with all that was not sent."""


@dataclass(frozen=True, slots=True)
class Lag:
    """Since when a client has had so many bytes waiting for it."""

    since: float
    size: int


class Guard:
    """Counts the connections of one process, and looks at all of them now and then for as long as there are any."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._all: set[Watched] = set()
        self._of_address: dict[str, dict[Watched, None]] = {}
        self._bodies: dict[Watched, int] = {}
        self._held = 0
        self._refusals = Pace()
        self._ticking = False

    def __len__(self) -> int:
        return len(self._all)

    def admit(self, connection: Watched) -> Problem | None:
        """Count one more connection. What it is refused with where there are too many; then it is not counted."""
        limits, address = self.limits, counted_address(connection.host)
        own = len(self._of_address.get(address, ()))
        if len(self._all) >= limits.connections and not self._make_room(own):
            return Unavailable(_("Too many connections are open"), headers=_SOON)
        if limits.of_address and own >= limits.of_address and _is_counted(connection.host, limits.uncounted):
            return TooManyRequests(
                _("An address has at most {most} connections open", most=limits.of_address),
                headers=_SOON,
                quota="connections_per_address",
                value=limits.of_address,
                used=own,
            )
        self._all.add(connection)
        self._of_address.setdefault(address, {})[connection] = None
        if not self._ticking:
            self._ticking = True
            self._tick_later()
        return None

    def _make_room(self, own: int) -> bool:
        """Drop a connection of the address that has most, if the newcomer with its ``own`` still has fewer."""
        counted = (
            each for each in self._of_address.values() if _is_counted(next(iter(each)).host, self.limits.uncounted)
        )
        most = max(counted, key=len, default={})
        if len(most) <= own + 1:
            return False
        spare = min(most, key=lambda connection: connection.use)
        if spare.use is Use.ANSWER:
            return False
        spare.drop("its address has most of all connections, and others want one")
        self.release(spare)
        return True

    def release(self, connection: Watched) -> None:
        """The connection is over; nothing happens where it was not counted."""
        if connection in self._all:
            address = counted_address(connection.host)
            self._all.remove(connection)
            del self._of_address[address][connection]
            if not self._of_address[address]:
                del self._of_address[address]
        self.let_go(connection)

    def answers_refusal(self, host: str) -> bool:
        """Whether one more refusal for this address is put into words; not where there are very many."""
        return self._refusals.hold(counted_address(host), monotonic()) == 0

    def hold(self, connection: Watched, number: int) -> None:
        """Count bytes of a body until its request is answered, and refuse others where all are too many."""
        self._bodies[connection] = self._bodies.get(connection, 0) + number
        self._held += number
        while self._held > self.limits.body_bytes and (heavy := heaviest_body(self._bodies)):
            self.let_go(heavy)
            heavy.shed()

    def let_go(self, connection: Watched) -> None:
        """The bodies of this connection are not kept any more."""
        self._held -= self._bodies.pop(connection, 0)

    def _tick_later(self) -> None:
        asyncio.get_running_loop().call_later(self.limits.tick, self._tick)

    def _tick(self) -> None:
        self._ticking = bool(self._all)
        if self._ticking:
            self._tick_later()
        now = asyncio.get_running_loop().time()
        for connection in list(self._all):
            connection.check(now)
        for connection in over_budget(self._all, self.limits.unread_bytes, now):
            connection.drop("too much was sent that clients have not read")


@lru_cache(maxsize=4096)
def _is_counted(host: str, uncounted: Sequence[IPv4Network | IPv6Network]) -> bool:
    try:
        address = ip_address(host)
    except ValueError:  # a Unix socket, behind which there is a proxy
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return not any(address in network for network in uncounted)


def heaviest_body(bodies: Mapping[Watched, int]) -> Watched | None:
    """Whose body is refused first of those that are being received: the largest of the address that has most."""
    of_address: Counter[str] = Counter()
    for connection, size in bodies.items():
        of_address[counted_address(connection.host)] += size
    coming = [connection for connection in bodies if connection.use is Use.SENDING]
    return max(coming, key=lambda each: (of_address[counted_address(each.host)], bodies[each]), default=None)


def over_budget(connections: Iterable[Watched], budget: int, now: float) -> list[Watched]:
    """Which slow readers are dropped so that no more than ``budget`` bytes wait for all of them.

    Those of the address for which most waits, whoever has been slow for longest first.
    """
    slow = [(connection, lag) for connection in connections if (lag := connection.lag(now))]
    waiting: Counter[str] = Counter()
    for connection, lag in slow:
        waiting[counted_address(connection.host)] += lag.size
    total, dropped = waiting.total(), []
    slow.sort(key=lambda each: each[1].since)
    while total > budget:
        [(address, _)] = waiting.most_common(1)
        at = next(place for place, (connection, _) in enumerate(slow) if counted_address(connection.host) == address)
        connection, lag = slow.pop(at)
        total -= lag.size
        waiting[address] -= lag.size
        dropped.append(connection)
    return dropped
