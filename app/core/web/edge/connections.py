"""What a client's connection may cost: how many there are, and how long each may take for what it has to do."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, Protocol

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
            connections=settings.connections,
            of_address=settings.connections_per_address,
            uncounted=(*settings.uncounted_networks, *settings.trusted_proxies),
        )

    @property
    def tick(self) -> float:
        """Seconds between two looks at all connections."""
        return min(_TICK, *(each / 4 for each in (self.header_timeout, self.body_timeout, self.write_timeout)))


class Watched(Protocol):
    """A connection, as the guard sees it."""

    @property
    def host(self) -> str:
        """The address at its other end."""

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
        self._of_address: Counter[str] = Counter()
        self._all: set[Watched] = set()
        self._ticking = False

    def __len__(self) -> int:
        return len(self._all)

    def admit(self, connection: Watched) -> Problem | None:
        """Count one more connection. What it is refused with where there are too many; then it is not counted."""
        limits, address = self.limits, counted_address(connection.host)
        if len(self._all) >= limits.connections:
            return Unavailable(_("Too many connections are open"), headers=_SOON)
        used = self._of_address[address] if _is_counted(connection.host, limits.uncounted) else 0
        if limits.of_address and used >= limits.of_address:
            return TooManyRequests(
                _("An address has at most {most} connections open", most=limits.of_address),
                headers=_SOON,
                quota="connections_per_address",
                value=limits.of_address,
                used=used,
            )
        self._all.add(connection)
        self._of_address[address] += 1
        if not self._ticking:
            self._ticking = True
            self._tick_later()
        return None

    def release(self, connection: Watched) -> None:
        """The connection is over; nothing happens where it was not counted."""
        if connection in self._all:
            address = counted_address(connection.host)
            self._all.remove(connection)
            self._of_address[address] -= 1
            if not self._of_address[address]:
                del self._of_address[address]

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
