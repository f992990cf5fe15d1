"""The sender: claims deliveries (a transaction), sends them (none), records their outcomes (a transaction).

At least once: a message whose sender dies between the receiver's answer and the record of it is sent again, with the
same ``webhook-id`` (the event's id: the same on every retry and every redelivery, and for every endpoint that hears the
event). The first attempts at a ticket's events are made one after the other, in the order of their ``sequence``; a
failed one holds nothing back, so what is sent again may come after later events.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import aiohttp
import structlog
from asyncpg import PostgresError
from sqlalchemy.exc import SQLAlchemyError

from app.core.clock import monotonic
from app.core.db.errors import DATABASE_ERRORS
from app.core.db.session import glance, transaction
from app.core.outgoing.connector import TOTAL_TIMEOUT, TimedOut, Unreachable, make_session, post
from app.core.outgoing.via import HEADER, write_via
from app.core.state import State
from app.core.text.messages import Message, _, verbatim
from app.webhooks.background.recording import Recorder
from app.webhooks.formats.bodies import Form, NotWanted, Unsendable, make_body
from app.webhooks.outbox.attempts import DeliveryOutcome, Exchange, conclude, storable, unsent
from app.webhooks.outbox.claims import Claimed, Poll, poll, renew
from app.webhooks.outbox.lanes import next_due, queue_due
from app.webhooks.rules.pausing import Loads
from app.webhooks.rules.retry import Outcome
from app.webhooks.rules.sharing import START, Probation, Share
from app.webhooks.rules.signing import in_force, sign
from app.webhooks.schemas import CONCURRENCY

_DATABASE_ERRORS: Final = (OSError, PostgresError, SQLAlchemyError, *DATABASE_ERRORS)
_POLLS: Final = 50
"""Polls of one pass: while there is always something to claim, passes follow each other."""
_QUEUE_EVERY: Final = 0.02
"""Seconds between two polls that first queue what has become due: what a retry may lose of the 50 ms that it has."""
_GATHER: Final = 0.01
"""Seconds for which a poll waits at most where all slots are taken, until half of them are free.

A poll for each that is freed would cost more than the sending.
"""
_LEFT_ALONE: Final = 0.2
"""Seconds for which an endpoint whose row somebody holds gets no places: what has its place is sent."""
_ROUNDS: Final = 2
"""Times that all lanes are seen in vain before a pass ends: it may have begun in the midst of them."""
_random: Final = random.SystemRandom()
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one sender allows itself; times in seconds.

    ``slots`` deliveries are in flight at most. An endpoint with ``per_endpoint`` of them (or with as many as its own
    ``concurrency``) gets no more for now, nor does an owner with its part of the slots (``sharing.py``). ``timeout``
    bounds one exchange and is shorter than the ``lease``. A tenth of the slots is kept for retries. Of what has been
    sent and what has not, ``held`` deliveries wait for their outcomes to be recorded at most, beside those that
    somebody else's locks keep apart.
    """

    slots: int = 200
    held: int = 600
    per_endpoint: int = CONCURRENCY
    timeout: float = TOTAL_TIMEOUT
    lease: float = 30.0


class Sender:
    """Sends this process's share of the outbox. Any number of processes may: the database arbitrates."""

    def __init__(self, state: State, limits: Limits | None = None) -> None:
        self.loads = Loads()
        self._state = state
        self._limits = limits or Limits()
        self._lease = timedelta(seconds=self._limits.lease)
        self._http: aiohttp.ClientSession | None = None
        self._held: set[Claimed] = set()
        self._in_flight: set[Claimed] = set()
        self._recorder = Recorder(state, self._limits.lease, self._recorded, lambda: len(self._in_flight))
        self._probation = Probation()
        self._left_alone: dict[str, float] = {}
        self._after, self._ahead = START, False
        self._queue_at = 0.0
        self._enough, self._room = 0, asyncio.Event()
        self._bodies: dict[tuple[str, Form], bytes] = {}
        self._held_back = False
        self._stopping = False
        self._sends: set[asyncio.Task[None]] = set()
        self._renewing: asyncio.Task[None] | None = None

    async def run_pass(self, now: datetime | None = None) -> int:
        """Claim what is due, as far as there are slots, and begin to send it; the number of deliveries begun.

        Sending and recording go on behind; ``drain`` waits for them. ``now`` stands in for the database's clock.
        """
        begun, rounds_in_vain, more_due, idle = 0, 0, True, True
        owners: set[str] = set()
        for _poll in range(_POLLS):
            share = await self._share_with_room(owners) if begun else self._share()
            self._held_back = share.is_short
            if self._stopping or share.limit <= 0 or rounds_in_vain >= _ROUNDS:
                return begun
            before = self._after
            queueing = more_due or idle or monotonic() >= self._queue_at
            seen, more_due = await self._poll(share, now, queueing=queueing)
            self._after, self._ahead = seen.after, seen.put_off
            self._left_alone |= dict.fromkeys(seen.held, monotonic() + _LEFT_ALONE)
            self._bodies = {}
            for delivery in seen.claimed:
                self._begin(delivery)
            self._weigh(seen.claimed)
            begun += len(seen.claimed)
            owners = {one.owner_id for one in seen.claimed}
            idle = not (seen.claimed or seen.put_off or seen.held)
            if not idle or more_due:
                rounds_in_vain = 0
            elif seen.after == START:
                rounds_in_vain += _ROUNDS if before == START else 1
        self._state.wake_ups.deliveries.ring()
        return begun

    def _weigh(self, claimed: Sequence[Claimed]) -> None:
        """Have the endpoints of an owner left behind whose events make too many deliveries."""
        now = monotonic()
        firsts = Counter(one.owner_id for one in claimed if not one.attempts)
        busy = [owner for owner, number in firsts.items() if self.loads.add(owner, number, now)]
        if busy:
            self._state.wake_ups.behind.ring()

    async def next_instant(self) -> datetime | None:
        """When ``run_pass`` has something to do again, by the database's clock; None: nothing waits for an instant.

        What waits for a slot is not counted: the wake-up ``deliveries`` rings when there is one.
        """
        if self._share().limit <= 0:
            return None
        async with glance(self._state.sessions) as session:
            return await next_due(session)

    async def drain(self) -> None:
        """Wait until everything in flight is sent and recorded: one timeout, and a little more."""
        while running := [*self._sends, *self._recorder.running]:
            await asyncio.wait(running)
        if self._renewing:
            self._renewing.cancel()
            await asyncio.wait([self._renewing])

    async def stop(self) -> None:
        """Claim nothing any more, drain, and close the connections: what a process does before it ends."""
        self._stopping = True
        await self.drain()
        if self._http:
            await self._http.close()

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = make_session(self._state.settings)
        return self._http

    def _share(self) -> Share:
        in_flight = Counter(delivery.endpoint_id for delivery in self._in_flight)
        probation, apart = self._probation.allowed, self._recorder.apart
        held = len(self._held) - sum(apart.values())
        allowed = {delivery.endpoint_id: delivery.allowed for delivery in self._in_flight} | probation
        self._left_alone = {endpoint: until for endpoint, until in self._left_alone.items() if monotonic() < until}
        return Share(
            limit=min(self._limits.slots - len(self._in_flight), self._limits.held - held),
            per_endpoint=self._limits.per_endpoint,
            slots=self._limits.slots,
            reserved=self._limits.slots // 10,
            in_flight=in_flight,
            by_owner=Counter(delivery.owner_id for delivery in self._in_flight) + Counter(apart),
            on_probation=Counter(one.owner_id for one in self._in_flight if one.endpoint_id in probation),
            probation=probation,
            busy=[name for name, number in in_flight.items() if number >= allowed[name]],
            held=self._left_alone,
        )

    async def _share_with_room(self, owners: Collection[str]) -> Share:
        """What the next poll may take, a moment later where it is next to nothing: when more is free.

        So too where the one before claimed for these ``owners`` alone, and all of them hold as much as they may.
        """
        share = self._share()
        if not share.firsts or (owners and set(share.full).issuperset(owners)):
            self._enough = len(self._in_flight) // 2
            self._room.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_GATHER):
                    await self._room.wait()
            share = self._share()
        return share

    async def _poll(self, share: Share, now: datetime | None, *, queueing: bool) -> tuple[Poll, bool]:
        """One poll, behind the lane where the last one ended; and whether more is due at its instant than it queued."""
        async with transaction(self._state.sessions) as session:
            if queueing:
                self._queue_at = monotonic() + _QUEUE_EVERY
            more_due = queueing and await queue_due(session, now=now)
            after, ahead = self._after, self._ahead
            return await poll(session, share, lease=self._lease, now=now, after=after, ahead=ahead), more_due

    def _begin(self, delivery: Claimed) -> None:
        self._held.add(delivery)
        self._in_flight.add(delivery)
        task = asyncio.create_task(self._deliver(delivery))
        self._sends.add(task)
        task.add_done_callback(partial(self._ended, delivery))
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._keep_leases())

    def _ended(self, delivery: Claimed, task: asyncio.Task[None]) -> None:
        """Forget a delivery that was abandoned by an error of ours: its lease ends, and it is tried again."""
        self._sends.discard(task)
        self._in_flight.discard(delivery)
        if len(self._in_flight) <= self._enough:
            self._room.set()
        if task.cancelled() or task.exception():
            self._held.discard(delivery)
            error = "cancelled" if task.cancelled() else repr(task.exception())
            _log.error("a delivery was abandoned", delivery=delivery.id, error=error)
        self._ring_if_held_back()

    async def _deliver(self, delivery: Claimed) -> None:
        self._recorder.add(await self._attempt(delivery))

    def _recorded(self, deliveries: Sequence[Claimed]) -> None:
        self._held.difference_update(deliveries)
        self._ring_if_held_back()

    def _ring_if_held_back(self) -> None:
        if self._held_back:
            self._state.wake_ups.deliveries.ring()

    async def _attempt(self, delivery: Claimed) -> DeliveryOutcome:
        if not delivery.enabled:
            self._probation.forget(delivery.endpoint_id)
            return unsent(delivery, "failed", _("The endpoint is disabled or gone"))
        try:
            body = self._body(delivery)
        except NotWanted as unwanted:
            return unsent(delivery, "skipped", unwanted.reason)
        except Unsendable as error:  # it would fail again
            return unsent(delivery, "failed", error.reason)
        exchange = await self._send(delivery, body, delivery.present())
        self._remember(delivery, exchange.outcome)
        jitter = 0.0 if exchange.outcome.success else _random.uniform(-1, 1)
        return conclude(delivery, exchange, delivery.present(), jitter)

    def _body(self, delivery: Claimed) -> bytes:
        """The body: made once for all endpoints that one poll found to hear the event in the same form."""
        key = delivery.event["id"], delivery.form
        body = self._bodies.get(key)
        if body is None:
            body = self._bodies[key] = make_body(delivery.form, delivery.event, delivery.names)
        return body

    async def _send(self, delivery: Claimed, body: bytes, at: datetime) -> Exchange:
        started = monotonic()
        secrets = in_force(delivery.secrets, delivery.secrets_until, at)
        headers = sign(secrets, delivery.event["id"], at, body)
        headers |= {"content-type": "application/json", HEADER: write_via(delivery.via)}
        try:
            answer = await post(self._session(), delivery.url, body, headers, seconds=self._limits.timeout)
        except Unreachable as error:
            outcome = Outcome(None, _storable(error.reason), timed_out=isinstance(error, TimedOut))
            return Exchange(at, monotonic() - started, outcome, headers)
        outcome = Outcome(answer.status, retry_after=answer.headers.get("retry-after"))
        return Exchange(at, monotonic() - started, outcome, answer.sent, answer.headers, answer.body)

    def _remember(self, delivery: Claimed, outcome: Outcome) -> None:
        """An endpoint that does not answer in time, or asks for less, falls to one delivery at a time."""
        if outcome.burdens:
            self._probation.fail(delivery.endpoint_id)
        elif outcome.success:
            self._probation.succeed(delivery.endpoint_id, delivery.allowed)

    async def _keep_leases(self) -> None:
        """While deliveries are held, renew the leases of which a third has passed."""
        third = self._limits.lease / 3
        while self._held:
            await asyncio.sleep(third)
            old = [delivery for delivery in self._held if monotonic() - delivery.read_at >= third]
            try:
                async with transaction(self._state.sessions) as session:
                    await renew(session, old, self._lease)
            except _DATABASE_ERRORS as error:
                _log.warning("leases could not be renewed", deliveries=len(old), error=str(error))


def _storable(reason: Message) -> Message:
    kept = storable(reason.encode(errors="replace"))
    return reason if kept == reason else verbatim(kept)
