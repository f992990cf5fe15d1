"""Whose bytes are given up first where too many wait: those of the network that has most, then of the address. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from heapq import heapify, heapreplace

from app.core.limits.addresses import counted_address, counted_network
from app.core.web.edge.watched import Lag, Use, Watched


class Weights:
    """How many bytes wait for networks, and for addresses in them."""

    def __init__(self) -> None:
        self._of: Counter[str] = Counter()

    def add(self, host: str, size: int) -> None:
        """Count bytes, which may be negative."""
        for name in (counted_network(host), counted_address(host)):
            self._of[name] += size
            if not self._of[name]:
                del self._of[name]

    def of(self, host: str) -> tuple[int, int]:
        """How heavy its network is, and how heavy its address."""
        return self._of[counted_network(host)], self._of[counted_address(host)]


def heaviest_body(bodies: Mapping[Watched, int], weights: Weights) -> Watched | None:
    """Whose body is refused first of those that are being received.

    The largest of the address that has most, in the network that has most.
    """
    coming = [connection for connection in bodies if connection.use is Use.SENDING]
    return max(coming, key=lambda each: (weights.of(each.host), bodies[each]), default=None)


class _Unread:
    """Slow readers, of whom the next to be dropped is found at once, however many there are."""

    def __init__(self, slow: Iterable[tuple[Watched, Lag]]) -> None:
        self._waiting: dict[str, list[tuple[Watched, Lag]]] = {}
        weights: dict[str, Counter[str]] = {}
        for connection, lag in sorted(slow, key=lambda each: -each[1].since):
            network, address = counted_network(connection.host), counted_address(connection.host)
            self._waiting.setdefault(address, []).append((connection, lag))
            weights.setdefault(network, Counter())[address] -= lag.size
        self._addresses = {name: [(size, each) for each, size in of.items()] for name, of in weights.items()}
        self._networks = [(of.total(), name) for name, of in weights.items()]
        for heap in (self._networks, *self._addresses.values()):
            heapify(heap)

    def pop(self) -> tuple[Watched, int]:
        """The slowest reader of the heaviest address of the heaviest network, and how many bytes wait for it."""
        of_network, network = self._networks[0]
        addresses = self._addresses[network]
        of_address, address = addresses[0]
        connection, lag = self._waiting[address].pop()
        heapreplace(addresses, (of_address + lag.size, address))
        heapreplace(self._networks, (of_network + lag.size, network))
        return connection, lag.size


def over_budget(connections: Iterable[Watched], budget: int, now: float) -> list[Watched]:
    """Which slow readers are dropped so that no more than ``budget`` bytes wait for all of them.

    Those of the network for which most waits, and in it of the address; whoever has been slow for longest first.
    """
    slow = [(connection, lag) for connection in connections if (lag := connection.lag(now)) and lag.size]
    total, dropped = sum(lag.size for _, lag in slow), list[Watched]()
    unread = _Unread(slow) if total > budget else None
    while unread and total > budget:
        connection, size = unread.pop()
        total -= size
        dropped.append(connection)
    return dropped
