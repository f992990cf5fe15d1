"""Which limits hold for whom: the settings as lanes and rates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

from app.core.auth import Principal
from app.core.clock import monotonic
from app.core.limits.addresses import counted_network
from app.core.limits.buckets import Bucket, Rate
from app.core.limits.inflight import Full, InFlight, Pace, Place, Size, TooLong
from app.core.limits.rates import Rates, tightest, used_of
from app.core.problems import Problem, TooManyRequests, Unavailable
from app.core.process.recent import Recent
from app.core.settings import Settings
from app.core.text.messages import Message, _

_RATES: Final[Mapping[str, Message]] = {
    "rate_per_key": _("A key may make {amount} requests in {seconds} seconds"),
    "rate_per_support_key": _("A key may make {amount} requests in {seconds} seconds"),
    "rate_per_account": _("All keys and links of an account together may make {amount} requests in {seconds} seconds"),
    "bytes_per_account": _("All keys of an account together may send {amount} bytes in {seconds} seconds"),
    "rate_per_visiting_address": _("With widget keys, an address may make {amount} requests in {seconds} seconds"),
    "rate_per_address": _("Without a valid key, an address may make {amount} requests in {seconds} seconds"),
    "rate_per_network": _("Without a secret key, a network may make {amount} requests in {seconds} seconds"),
}
"""What a caller is told when a rate is used up."""

ORIGIN: Final = "heliodesk.origin"
"""In the scope of what is sent to a hook without a key that is known: its ``Origin``."""
ADDRESS: Final = "heliodesk.address"
"""In the scope of a visitor's request: the network address that it is counted by."""
KNOWN: Final = "heliodesk.known"
"""In a request's scope: whether its caller is no stranger."""
_FREE_OF_NETWORK: Final = 500
"""Answers a second that are never refused, of one network: ten times those of an address."""
_SOON: Final = {"Retry-After": "1"}
_HOUR: Final = 3600


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose requests are counted together, and what holds for them."""

    lane: str
    sends_in: str
    """the lane of a request whose body is still coming: of one key, or of one address, because the key is not checked
    before the body is there, and whoever shows a revoked one takes no place from the account that it belonged to"""
    held_with: str
    """whose refusals go out at one pace: a caller's, or those of all strangers of one network"""
    size: Size
    buckets: tuple[Bucket, ...]
    is_stranger: bool = False
    sent: Bucket | None = None
    """of the bytes of bodies"""

    def fields(self) -> dict[str, str]:
        """The RateLimit fields of what holds for the caller."""
        return rate_fields(self.buckets, monotonic()) if self.buckets else {}


@dataclass(frozen=True, slots=True)
class Origin:
    """An address that sends to a hook: counted as the hook's account once the hook has taken something from it."""

    _senders: Recent[str]
    _name: bytes

    @property
    def account_id(self) -> str | None:
        """The account, where it is known."""
        return self._senders.get(self._name)

    def taken(self, account_id: str) -> None:
        """The hook of this account knows the sender."""
        self._senders.keep(self._name, account_id)

    def refused(self) -> None:
        """The hook does not know the sender."""
        self._senders.drop(self._name)


class VisitorQuota:
    """How many tickets an hour one visitor opens, or opens again, for whom a token or a link vouches.

    A host product vouches for whoever signs up, and one of those alone would use up what their account may open.
    """

    def __init__(self, an_hour: int, rates: Rates) -> None:
        self._rate, self._rates = _hourly("tickets_per_visitor", an_hour), rates

    def require(self, principal: Principal) -> None:
        """429 for a visitor who has opened too many."""
        if self._rate and principal.visitor:
            bucket = self._rates.bucket(self._rate, principal.stream_owner)
            _require(bucket, _("A visitor opens at most {amount} tickets in {seconds} seconds"))

    def take(self, principal: Principal) -> None:
        """Count what was opened, where a visitor has opened it."""
        if self._rate and principal.visitor:
            self._rates.take(self._rates.bucket(self._rate, principal.stream_owner))


class TicketQuota:
    """How many tickets a minute an account's keys and hooks open, or open again; support's keys are not counted."""

    def __init__(self, a_minute: int, rates: Rates) -> None:
        self._rate, self._rates = _rate("tickets_per_minute", a_minute), rates

    def left(self, account_id: str) -> bool:
        """Whether the account may open a ticket."""
        return self._rate is None or self._rates.bucket(self._rate, account_id).left(monotonic()) > 0

    def used(self, account_id: str) -> int:
        """How many of the minute's tickets the account has opened."""
        return self._rates.used(self._rate, account_id)

    def take(self, account_id: str, number: int = 1) -> None:
        """Count what was opened, which may be more than was left: it is waited for."""
        if self._rate and number:
            self._rates.take(self._rates.bucket(self._rate, account_id), number)

    def require(self, account_id: str) -> None:
        """429 unless the account may open a ticket."""
        if self._rate:
            bucket = self._rates.bucket(self._rate, account_id)
            _require(bucket, _("An account opens at most {amount} tickets in {seconds} seconds"))


class GuestQuota:
    """What those may do in an hour for whom nobody vouches: open tickets, and change them afterwards.

    It is of an address, of its network, and of an e-mail address, but never of a page or an account: or a stranger
    would lock out all of its customers.
    """

    def __init__(self, settings: Settings, rates: Rates) -> None:
        self._of_address = _hourly("guest_tickets_per_address", settings.guest_tickets_per_address)
        self._of_network = _hourly("guest_tickets_per_network", settings.guest_tickets_per_network)
        self._of_email = _hourly("guest_tickets_per_email", settings.guest_tickets_per_email)
        self._changes = _hourly("guest_changes_per_address", settings.guest_changes_per_address)
        self._rates = rates

    def require(self, address: str, email: str) -> None:
        """429 unless a guest from this address may open a ticket for this e-mail address."""
        for bucket in self._buckets(address, email):
            _require(bucket, _("Guests open at most {amount} tickets in {seconds} seconds"))

    def take_change(self, address: str) -> None:
        """Count a message, or another change of a ticket. 429 where there were too many."""
        if self._changes:
            bucket = self._rates.bucket(self._changes, address)
            _require(bucket, _("Guests make at most {amount} changes in {seconds} seconds"))
            self._rates.take(bucket)

    def take(self, address: str, email: str) -> None:
        """Count a ticket that was opened."""
        for bucket in self._buckets(address, email):
            self._rates.take(bucket)

    def _buckets(self, address: str, email: str) -> list[Bucket]:
        network = counted_network(address.partition("/")[0])
        limited = ((self._of_address, address), (self._of_network, network), (self._of_email, email))
        return [self._rates.bucket(rate, whom) for rate, whom in limited if rate]


def _hourly(name: str, an_hour: int) -> Rate | None:
    return Rate(name, an_hour, _HOUR) if an_hour else None


def _require(bucket: Bucket, said: Message) -> None:
    """429 where the bucket is empty; ``said`` tells its ``amount`` and ``seconds``."""
    now = monotonic()
    if not bucket.left(now):
        raise TooManyRequests(
            said.given(amount=bucket.rate.amount, seconds=bucket.rate.seconds),
            headers={"Retry-After": str(max(1, ceil(bucket.wait(now))))} | rate_fields([bucket], now),
            **_reached(bucket, now),
        )


class CallerLimits:
    """What one process lets callers do at once and in a minute."""

    def __init__(self, settings: Settings, rates: Rates) -> None:
        self.rates, self.in_flight, self._pace = rates, InFlight(settings.in_flight), Pace()
        self._free, self._free_of_network = Pace(), Pace(_FREE_OF_NETWORK)
        self._account = Size(settings.in_flight_per_account, settings.in_flight_waiting)
        self._support = Size(settings.in_flight_per_support_key, 2 * settings.in_flight_waiting)
        self._few = Size(max(1, settings.in_flight_per_account // 2), settings.in_flight_waiting)
        self.tickets = TicketQuota(settings.tickets_per_minute, rates)
        self.visitors = VisitorQuota(settings.tickets_per_visitor, rates)
        self.guests = GuestQuota(settings, rates)
        self.senders: Recent[str] = Recent()
        """the accounts whose hooks have taken what was sent from an address without a key"""
        self._of_key = _rate("rate_per_key", settings.rate_per_key)
        self._of_account = _rate("rate_per_account", settings.rate_per_account)
        self._bytes = _rate("bytes_per_account", settings.bytes_per_account)
        self._of_support = _rate("rate_per_support_key", settings.rate_per_support_key)
        self._of_address = _rate("rate_per_address", settings.rate_per_address)
        self._of_network = _rate("rate_per_network", settings.rate_per_network)
        self._of_visitors = _rate("rate_per_visiting_address", settings.rate_per_visiting_address)

    def caller(self, principal: Principal) -> Caller:
        """Who has a key: the keys of an account share a lane and a bucket, support's keys have their own."""
        account_id, key_id = principal.account_id, principal.key_id
        if account_id is None:
            return Caller(key_id, key_id, key_id, self._support, self._buckets((self._of_support, key_id)))
        buckets = self._buckets((self._of_key, key_id), (self._of_account, account_id))
        sent = self.rates.bucket(self._bytes, account_id) if self._bytes else None
        return Caller(account_id, f"key:{key_id}", account_id, self._account, buckets, sent=sent)

    def sender(self, account_id: str, name: str) -> Caller:
        """Who sends to an account's hooks: apart from its other requests, so that neither holds up the other.

        ``name``: of the key that it shows, or of its origin.
        """
        lane = f"ingest:{account_id}"
        return Caller(lane, f"sender:{name}", lane, self._few, ())

    def requests_of(self, account_id: str) -> int:
        """How many of the minute's requests the account's keys have made."""
        return self.rates.used(self._of_account, account_id)

    def bytes_of(self, account_id: str) -> int:
        """How many of the minute's bytes the account's keys have sent."""
        return self.rates.used(self._bytes, account_id)

    def stranger(self, address: str, network: str) -> Caller:
        """Who has no valid key, or a stream token.

        One party may hold a network and use another of its addresses each time. So all of the network's have a rate
        together, and while that is used up the process takes note of none of them.
        """
        buckets = self._of_unknown((self._of_address, address), (self._of_network, network))
        return self._unknown(f"address:{address}", network, buckets)

    def visitor(self, address: str, network: str) -> Caller:
        """Who has a key that is no secret: until they have shown who they are, they are their address.

        So nobody who has copied a widget key out of a page uses up what its account may have.
        """
        buckets = self._of_unknown((self._of_visitors, address), (self._of_network, f"visitors of {network}"))
        return self._unknown(f"visitors:{address}", network, buckets)

    def count_visitor(self, principal: Principal) -> None:
        """Count a request of a visitor who has shown who they are for their account too. 429 as ``count`` does.

        The key's rate holds for each account apart: a host product's key may serve many.
        """
        account_id = principal.account_id or ""
        self._count_too(account_id, (self._of_key, f"{principal.key_id} {account_id}"))

    def count_link(self, account_id: str) -> None:
        """Count a request that came by a signed link for the account that the link is of. 429 as ``count`` does."""
        self._count_too(account_id)

    def _count_too(self, account_id: str, *others: tuple[Rate | None, str]) -> None:
        buckets = self._buckets(*others, (self._of_account, account_id))
        self.count(Caller(account_id, account_id, account_id, self._account, buckets))

    def unknown_sender(self, address: str, network: str) -> Caller:
        """Whoever sends to a hook, known or not: it is let through, because the hook decides whose word it takes."""
        return self._unknown(f"address:{address}", network, ())

    def _unknown(self, lane: str, network: str, buckets: tuple[Bucket, ...]) -> Caller:
        return Caller(lane, lane, f"network:{network}", self._few, buckets, is_stranger=True)

    def _of_unknown(self, own: tuple[Rate | None, str], shared: tuple[Rate | None, str]) -> tuple[Bucket, ...]:
        """The bucket of a network, and of one of its addresses while there is something left in it."""
        now, wide = monotonic(), self._buckets(shared)
        return self._buckets(own) + wide if all(bucket.left(now) for bucket in wide) else wide

    def _buckets(self, *rates: tuple[Rate | None, str]) -> tuple[Bucket, ...]:
        return tuple([self.rates.bucket(rate, whom) for rate, whom in rates if rate])

    def count(self, caller: Caller) -> None:
        """Count a request against every bucket that holds for its caller. 429 when one is empty: then it costs none."""
        now = monotonic()
        for bucket in caller.buckets:
            if not bucket.left(now):
                raise _too_often(caller, bucket, now)
        for bucket in caller.buckets:
            self.rates.take(bucket, 1, now)

    def count_bytes(self, caller: Caller, number: int) -> None:
        """Count a body, which may be more than was left: that is waited for. 429 while nothing is left."""
        if not caller.sent or not number:
            return
        if not caller.sent.left(now := monotonic()):
            raise _too_often(caller, caller.sent, now)
        self.rates.take(caller.sent, number)

    def enter(self, caller: Caller, *, sends: bool = False) -> Place:
        """A place for a request among those in progress; beside them while its body is still coming (``sends``).

        429 when the caller has too many in either.
        """
        try:
            if sends:
                self.in_flight.require_room(caller.lane, caller.size)
                return self.in_flight.enter(caller.sends_in, caller.size)
            return self.in_flight.enter(caller.lane, caller.size)
        except Full:
            raise _too_many(caller) from None

    def received(self, caller: Caller, place: Place) -> None:
        """Move a request whose body has come among those in progress. 429 when the caller has too many there."""
        try:
            place.move(caller.lane, caller.size)
        except Full:
            raise _too_many(caller) from None

    async def turn(self, caller: Caller, place: Place) -> None:
        """Return when the request may be worked on. 429 or 503 when that takes too long."""
        try:
            await place.turn()
        except TooLong as late:
            if late.alone:
                raise _too_many(caller) from None
            raise Unavailable(_("The service is overloaded"), headers=_SOON) from None

    def hold(self, caller: Caller) -> float:
        """Seconds to wait before the caller is refused."""
        return self._pace.hold(caller.held_with, monotonic())

    def hold_free(self, address: str, network: str) -> float:
        """Seconds to wait before an answer that is never refused; 0 for an address that asks now and then."""
        now = monotonic()
        return self._free.hold(address, now) or self._free_of_network.hold(network, now)


def rate_fields(buckets: Sequence[Bucket], now: float) -> dict[str, str]:
    """The RateLimit fields (draft-ietf-httpapi-ratelimit-headers): all policies, and the state of the tightest."""
    bucket, used = tightest(buckets, now)
    rate = bucket.rate
    left, back = max(0, int(rate.amount - used)), ceil(used * rate.seconds / rate.amount)
    policies = [each.rate.policy for each in buckets]
    return {
        "ratelimit-policy": ", ".join(policies) if len(policies) > 1 else policies[0],
        "ratelimit": f'"{rate.name}";r={left};t={back}',
    }


def _reached(bucket: Bucket, now: float) -> dict[str, Any]:
    return {"quota": bucket.rate.name, "value": bucket.rate.amount, "used": used_of(bucket, now)}


def _rate(name: str, a_minute: int) -> Rate | None:
    return Rate(name, a_minute) if a_minute else None


def _too_often(caller: Caller, bucket: Bucket, now: float) -> Problem:
    rate = bucket.rate
    return TooManyRequests(
        _RATES[rate.name].given(amount=rate.amount, seconds=rate.seconds),
        headers={"Retry-After": str(max(1, ceil(bucket.wait(now))))} | caller.fields(),
        **_reached(bucket, now),
    )


def _too_many(caller: Caller) -> Problem:
    size = caller.size
    return TooManyRequests(
        _(
            "At most {running} requests run at once, and {waiting} more wait for their turn",
            running=size.running,
            waiting=size.waiting,
        ),
        headers=_SOON | caller.fields(),
        quota="in_flight",
        value=size.places,
        used=size.places,
    )
