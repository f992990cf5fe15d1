"""What a client's connection may cost: how many there are, and how long each may take for what it has to do."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from app.core.clock import monotonic
from app.core.limits.addresses import counted_address, counted_network
from app.core.limits.inflight import Pace
from app.core.problems import Problem, TooManyRequests, Unavailable
from app.core.settings import Settings
from app.core.text.messages import _
from app.core.web.edge.fair_queue import FairQueue
from app.core.web.edge.watched import Use, Watched
from app.core.web.edge.weights import Weights, heaviest_body, over_budget

_SOON: Final = {"Retry-After": "10"}
_TOLD_TO_NETWORK: Final = 500
"""Refusals a second that are put into words for one network: ten times those of an address."""
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
        """Seconds between two checks of all connections."""
        return min(_TICK, *(each / 4 for each in (self.header_timeout, self.body_timeout, self.write_timeout)))


class _Network:
    """The connections that one network has, by address."""

    __slots__ = ("addresses", "size")

    def __init__(self) -> None:
        self.addresses: dict[str, dict[Watched, None]] = {}
        self.size = 0

    @property
    def largest(self) -> Collection[Watched]:
        """Those of the address that has most, the oldest first."""
        return max(self.addresses.values(), key=len, default={})


class Guard:
    """Counts the connections of one process, and looks at all of them now and then for as long as there are any."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._all: set[Watched] = set()
        self._networks: dict[str, _Network] = {}
        """without those that stand for many clients"""
        self._bodies: dict[Watched, int] = {}
        self._weights = Weights()
        self._held = 0
        self._refusals, self._of_network = Pace(), Pace(_TOLD_TO_NETWORK)
        self.strangers = FairQueue()
        self._ticking = False

    def __len__(self) -> int:
        return len(self._all)

    def admit(self, connection: Watched) -> Problem | None:
        """Count one more connection. What it is refused with where there are too many; then it is not counted."""
        limits, host = self.limits, connection.host
        own = len(self._network(host).addresses.get(counted_address(host), ()))
        if len(self._all) >= limits.connections and not self._make_room(host, own):
            return Unavailable(_("Too many connections are open"), headers=_SOON)
        if limits.of_address and own >= limits.of_address:
            return TooManyRequests(
                _("An address has at most {most} connections open", most=limits.of_address),
                headers=_SOON,
                quota="connections_per_address",
                value=limits.of_address,
                used=own,
            )
        self._all.add(connection)
        if _is_counted(host, limits.uncounted):
            network = self._networks.setdefault(counted_network(host), _Network())
            network.addresses.setdefault(counted_address(host), {})[connection] = None
            network.size += 1
        if not self._ticking:
            self._ticking = True
            self._tick_later()
        return None

    def _network(self, host: str) -> _Network:
        return self._networks.get(counted_network(host)) or _Network()

    def _make_room(self, host: str, own: int) -> bool:
        """Drop a connection of the network that has most, if the newcomer's has fewer.

        Otherwise one of the address that has most in the newcomer's network, if that has more than its ``own``.
        """
        its = self._network(host)
        network = max(self._networks.values(), key=lambda each: each.size, default=its)
        if network.size <= its.size + 1:
            if len(its.largest) <= own + 1:
                return False
            network = its
        spare = _least_used(network.largest)
        if spare.use is Use.ANSWER:
            return False
        spare.drop("its network has most of all connections, and others want one")
        self.release(spare)
        return True

    def release(self, connection: Watched) -> None:
        """The connection is over; nothing happens where it was not counted."""
        if connection in self._all:
            self._all.remove(connection)
            if _is_counted(connection.host, self.limits.uncounted):
                self._uncount(connection)
        self.let_go(connection)

    def _uncount(self, connection: Watched) -> None:
        name, address = counted_network(connection.host), counted_address(connection.host)
        network = self._networks[name]
        network.size -= 1
        del network.addresses[address][connection]
        if not network.addresses[address]:
            del network.addresses[address]
        if not network.size:
            del self._networks[name]

    def answers_refusal(self, host: str) -> bool:
        """Whether one more refusal for this address is put into words; not where it or its network has very many."""
        now = monotonic()
        if self._refusals.hold(counted_address(host), now):
            return False
        return self._of_network.hold(counted_network(host), now) == 0

    def hold(self, connection: Watched, number: int) -> None:
        """Count bytes of a body until its request is answered, and refuse others where all are too many."""
        self._bodies[connection] = self._bodies.get(connection, 0) + number
        self._held += number
        self._weights.add(connection.host, number)
        while self._held > self.limits.body_bytes and (heavy := heaviest_body(self._bodies, self._weights)):
            self.let_go(heavy)
            heavy.shed()

    def let_go(self, connection: Watched) -> None:
        """The bodies of this connection are not kept any more."""
        number = self._bodies.pop(connection, 0)
        if number:
            self._held -= number
            self._weights.add(connection.host, -number)

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


def _least_used(connections: Iterable[Watched]) -> Watched:
    """The one whose end costs least; the first of those that are open for nothing."""
    least: Watched | None = None
    for connection in connections:
        if least is None or connection.use < least.use:
            least = connection
        if least.use is Use.NOTHING:
            break
    if least is None:
        raise ValueError("there is no connection")
    return least
