"""The background pass that makes tickets of what hooks have received.

Accounts take turns: next is whoever has taken least time. An account opens so many tickets a minute; what exceeds that
waits as it came, and holds up no other account. Nor does a receipt that fails: it is tried again, later each time, and
is marked as failed with its reason in the end.

A hook's receipts are processed one at a time, in the order in which they came: whoever processes holds the hook's row,
and other replicas go on with other hooks. What a receipt does to tickets, what is remembered of its alerts and what is
told of the receipt are one transaction. A long payload takes several, and ``done`` says how far it has come.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, cast

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import monotonic
from app.core.db.causes import Cause, cause_of, within
from app.core.db.engine import Sessions
from app.core.db.session import driver, glance, run, transaction
from app.core.jobs.fair_turns import Turns
from app.core.limits.callers import TicketQuota
from app.core.outgoing.via import HEADER, read_via
from app.core.pieces import Pieces
from app.core.problems import Problem, Unavailable
from app.core.schemas.mailboxes import STORED
from app.core.text.language import choose_language
from app.core.text.messages import both, to_stored
from app.core.web.replies import dump
from app.events.log import came_via
from app.inbound import bodies
from app.inbound.background.resting import Resting
from app.inbound.decisions import Decision, Outcome
from app.inbound.formats.signal import Batch, Signal, Unreadable, bounded_texts
from app.inbound.maintenance.kept import Came, keep
from app.inbound.maintenance.silence import SILENCED
from app.inbound.readings import NotRead, Payload, RawMail, Readings
from app.inbound.schemas import HookFields
from app.inbound.setting import setting_of
from app.inbound.texts import FAILED, failure_of
from app.inbound.usecases.apply_decision import Acted, Hooked, apply_decision
from app.inbound.usecases.judge import judge
from app.inbound.usecases.mail_case import MailHook
from app.inbound.usecases.take_mail import take_mail

SLICE: Final = 50
"""Signals of one transaction: what it locks, it holds for a moment only."""
_HOOKS: Final = 200
_OF_AN_ACCOUNT: Final = 20
"""Hooks that a pass looks at, and those of one account among them."""
BUDGET: Final = 5.0
"""Seconds of a pass: each is a sign of life."""
WHOLE: Final = 10.0
"""Seconds that one transaction may take, of which the usual one takes hundredths."""
TRIES: Final = 3
"""Failures after which a receipt is not tried again by itself. Those after it wait meanwhile, as they are in order."""
_PATIENCE: Final = 1.0
"""Seconds that a hook waits for its turn at the roster of experts, while others wait for theirs at the pass."""
_SILENT: Final[frozenset[Outcome]] = frozenset({"repeated", "unknown", "outdated"})
_MAX_SHOWN: Final = 120
# What came in while its hook was removed has no hook: it waits for nobody, and upkeep drops it.
_HAS_TURN: Final = """
r.state = 'pending' AND r.account_id <> ALL ($1::text[]) AND r.hook_id <> ALL ($2::text[])
AND EXISTS (SELECT FROM hooks AS h WHERE h.account_id = r.account_id AND h.id = r.hook_id)
"""
_WAITING: Final = f"""
SELECT account_id, hook_id FROM (
    SELECT r.account_id, r.hook_id, min(r.received_at) AS first,
           row_number() OVER (PARTITION BY r.account_id ORDER BY min(r.received_at)) AS place
    FROM receipts AS r WHERE {_HAS_TURN} GROUP BY r.account_id, r.hook_id
) AS w WHERE place <= {_OF_AN_ACCOUNT} ORDER BY place, first LIMIT {_HOOKS}
"""  # noqa: S608  our own text
_FIRST: Final = f"SELECT r.received_at FROM receipts AS r WHERE {_HAS_TURN} ORDER BY r.received_at LIMIT 1"  # noqa: S608  our own text
_HOLD: Final = """
SELECT h.fields, a.locale, coalesce(a.sandbox_now, clock_timestamp()) AS now
FROM hooks AS h JOIN accounts AS a ON a.account_id = h.account_id
WHERE h.account_id = $1 AND h.id = $2 FOR UPDATE OF h SKIP LOCKED
"""
_NEXT: Final = f"""
SELECT id, format, headers, CASE WHEN id IS DISTINCT FROM $3 THEN {bodies.FIRST} END AS body, received_at, done
FROM receipts WHERE account_id = $1 AND hook_id = $2 AND state = 'pending' ORDER BY received_at, id LIMIT 1
"""  # noqa: S608  our own text
_ADVANCE: Final = """
UPDATE receipts
SET done = $3, left_out = $4, signals = signals || $5::jsonb, tickets = tickets || $6::text::jsonb,
    omissions = $8::jsonb, messages = coalesce(messages, '{}') || jsonb_build_object('omissions', $10::jsonb),
    maintenance_window_id = coalesce($9, maintenance_window_id),
    state = CASE WHEN $7::text <> 'pending' AND coalesce($9, maintenance_window_id) IS NOT NULL
                      AND jsonb_array_length(tickets) = 0 AND $6::text = '[]' THEN 'silenced' ELSE $7::text END,
    processed_at = CASE WHEN $7::text <> 'pending' THEN clock_timestamp() END
WHERE account_id = $1 AND id = $2
RETURNING state
"""
_FAIL: Final = """
UPDATE receipts SET state = 'failed', error = $3, processed_at = clock_timestamp(),
    messages = coalesce(messages, '{}') || jsonb_build_object('error', $4::jsonb)
WHERE account_id = $1 AND id = $2 AND state = 'pending'
"""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Turn:
    """A hook whose row is held, and its receipt whose turn it is."""

    account_id: str
    hook_id: str
    fields: dict[str, Any]
    locale: str
    now: datetime
    """the account's instant"""
    receipt_id: str
    format: str
    headers: dict[str, str]
    body: Pieces | None
    """None where it is an e-mail that is read already"""
    received_at: datetime
    done: int


@dataclass(frozen=True, slots=True)
class Processor:
    """Processes what waits; any number of replicas may."""

    sessions: Sessions
    quota: TicketQuota
    readings: Readings
    budget: float = BUDGET
    count: Callable[[str], None] = lambda _: None
    """called with the final state of each receipt"""
    _held: set[str] = field(default_factory=set)
    """accounts that have opened as many tickets as they may for now"""
    _turns: Turns = field(default_factory=Turns)
    """of accounts that have something waiting"""
    _resting: Resting = field(default_factory=Resting)
    _passing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run_pass(self) -> int:
        """Process what waits, for a while; the number of transactions."""
        async with self._passing:
            return await self._run_pass()

    async def _run_pass(self) -> int:
        self._held.intersection_update({account_id for account_id in self._held if not self.quota.left(account_id)})
        hooks = await self._waiting()
        ends, done = monotonic() + self.budget, 0
        while monotonic() < ends and (account_id := self._turns.next()) is not None:
            began = monotonic()
            try:
                done += await self._next_of(account_id, hooks[account_id])
            finally:
                self._turns.charge(account_id, monotonic() - began)
            if not hooks[account_id]:
                del hooks[account_id]
                self._turns.leave(account_id)
        return done

    async def _waiting(self) -> dict[str, deque[str]]:
        """The hooks that have something waiting, by account. Each account has turns, and what it took stays counted."""
        async with glance(self.sessions) as session:
            rows = await (await driver(session)).fetch(_WAITING, list(self._held), self._resting.hooks())
        hooks: dict[str, deque[str]] = {}
        for row in rows:
            hooks.setdefault(row["account_id"], deque()).append(row["hook_id"])
        for account_id in self._turns.names - hooks.keys():
            self._turns.leave(account_id)
        for account_id in hooks:
            self._turns.join(account_id)
        return hooks

    async def _next_of(self, account_id: str, hooks: deque[str]) -> int:
        """One transaction for the account's next hook, which has its next turn after the others of the account."""
        if not self.quota.left(account_id):
            self._held.add(account_id)
            hooks.clear()
            return 0
        hook_id = hooks.popleft()
        opened = await process_next(self.sessions, self.readings, account_id, hook_id, self._resting, self.count)
        if opened is None:
            return 0
        self.quota.take(account_id, opened)
        hooks.append(hook_id)
        return 1

    async def next_instant(self) -> datetime | None:
        """When the longest waiting receipt came that may be processed: it is due."""
        async with glance(self.sessions) as session:
            due: datetime | None = await (await driver(session)).fetchval(
                _FIRST, list(self._held), self._resting.hooks()
            )
        return due


async def process_next(
    sessions: Sessions,
    readings: Readings,
    account_id: str,
    hook_id: str,
    resting: Resting,
    count: Callable[[str], None] = lambda _: None,
) -> int | None:
    """Process the hook's oldest waiting receipt, or a slice of it.

    Returns the number of tickets that it opened, or opened again; None when none waits or the hook is held, while the
    receipt is being read, and also when others hold what it needs, such as the experts' roster: it waits, and other
    hooks go on. A receipt that cannot be processed is marked so, with the reason; one that failed for another reason
    rests first.
    """
    turn: Turn | None = None
    opened, state = 0, "pending"

    async def work(session: AsyncSession) -> None:
        nonlocal turn, opened, state
        async with within(WHOLE):
            turn = await _turn(session, readings, account_id, hook_id)
            if turn is not None:
                opened, state = await _process(session, readings, turn)

    if readings.is_begun(hook_id):
        return None
    try:
        await run(sessions, work, patience=_PATIENCE)
    except NotRead:
        return None
    except Exception as error:  # whatever is wrong with one receipt
        cause = cause_of(error)
        if cause is Cause.CONTENTION or isinstance(error, Unavailable):
            _log.warning("a hook's receipts wait", hook_id=hook_id, error=str(error))
            return None
        if turn is None or cause is Cause.OUTAGE:
            raise
        readings.over(hook_id)
        if not await _is_over(sessions, turn, error, resting):
            return None
        count("failed")
        return 0
    resting.over(hook_id)
    if state != "pending":
        count(state)
    return None if turn is None else opened


async def _is_over(sessions: Sessions, turn: Turn, error: Exception, resting: Resting) -> bool:
    """Mark a receipt as failed, unless it may well be processed later: then its hook rests, and this is False."""
    final = isinstance(error, Unreadable | Problem) or resting.fail(turn.hook_id, turn.receipt_id) >= TRIES
    reason = failure_of(error)
    if reason is FAILED:
        _log.error("the processing of a receipt failed", receipt_id=turn.receipt_id, exc_info=error)
    told = {"hook_id": turn.hook_id, "receipt_id": turn.receipt_id, "reason": reason, "error": repr(error)}
    _log.warning("a receipt could not be processed", again=not final, **told)
    if final:
        async with transaction(sessions) as session:
            await (await driver(session)).execute(_FAIL, turn.account_id, turn.receipt_id, *both(reason))
        resting.over(turn.hook_id)
    return final


async def _turn(session: AsyncSession, readings: Readings, account_id: str, hook_id: str) -> Turn | None:
    connection = await driver(session)
    held = await connection.fetchrow(_HOLD, account_id, hook_id)
    found = held and await connection.fetchrow(_NEXT, account_id, hook_id, readings.mail_of(hook_id))
    if not held or not found:
        return None
    receipt = dict(found)
    receipt_id, first = receipt.pop("id"), receipt.pop("body")
    body = None if first is None else await bodies.body_of(connection, account_id, receipt_id, first)
    return Turn(account_id, hook_id, **held, receipt_id=receipt_id, body=body, **receipt)


async def _process(session: AsyncSession, readings: Readings, turn: Turn) -> tuple[int, str]:
    """The number of tickets that were opened, or opened again, and the receipt's state."""
    fields = HookFields.model_validate(turn.fields, context=STORED)
    if turn.format == "email":
        return await _take_mail(session, readings, turn, fields)
    hook = Hooked(turn.account_id, turn.hook_id, fields, choose_language(turn.locale))
    payload = Payload(
        turn.format, cast("Pieces", turn.body).whole(), turn.headers, turn.receipt_id, fields.interpretation
    )
    batch = readings.of(turn.account_id, turn.hook_id, payload)
    signals = batch.signals[turn.done : turn.done + SLICE]
    came_via(session, read_via(turn.headers.get(HEADER)))
    came = Came(hook.account_id, hook.id, turn.received_at, turn.receipt_id, turn.headers.get(HEADER))
    setting = setting_of(fields, turn.now, turn.received_at, batch)
    judged = await judge(session, came, signals, setting)
    held, before = judged.held, judged.remembered.incidents
    await keep(session, came, held, now=turn.now)
    acted = await apply_decision(session, hook, judged.decision, before, now=turn.received_at)
    told = held.told(signals, _told(held.passed, judged.decision, acted), [_shown(signal) for signal in signals])
    window_id = judged.window_id if SILENCED in held.outcomes.values() else None
    touched = [{"ticket_id": ticket_id, "action": action} for one in acted for ticket_id, action in one.touched]
    silent = turn.done == 0 and {one["outcome"] for one in told} <= _SILENT
    state = await _advance(session, turn, batch, told, (touched, silent), window_id)
    if turn.done + len(signals) >= len(batch.signals):
        readings.over(turn.hook_id)
    return sum(one.opened for one in acted), state


async def _take_mail(session: AsyncSession, readings: Readings, turn: Turn, fields: HookFields) -> tuple[int, str]:
    mail = readings.of(turn.account_id, turn.hook_id, RawMail(turn.body, turn.receipt_id))
    came_via(session, read_via(turn.headers.get(HEADER)))
    taken = await take_mail(session, MailHook(turn.account_id, turn.hook_id, fields, turn.receipt_id), mail)
    touched = [{"ticket_id": ticket_id, "action": action} for ticket_id, action in taken.touched]
    batch = Batch((), taken.left_out, bounded_texts(taken.told))
    state = await _advance(session, turn, batch, [], (touched, not touched), None)
    readings.over(turn.hook_id)
    return taken.opened, state


def _told(signals: Sequence[Signal], decision: Decision, acted: Sequence[Acted]) -> list[dict[str, Any]]:
    """What each signal did, for whoever reads the receipt."""
    tickets = {one.key: one.incident.ticket_id for one in acted if one.incident}
    return [
        _shown(signal) | {"outcome": outcome, "ticket_id": tickets.get(key)}
        for signal, (outcome, key) in zip(signals, decision.outcomes, strict=True)
    ]


def _shown(signal: Signal) -> dict[str, Any]:
    return {"key": signal.key, "status": signal.status, "title": signal.title[:_MAX_SHOWN], "ticket_id": None}


async def _advance(
    session: AsyncSession,
    turn: Turn,
    batch: Batch,
    told: list[dict[str, Any]],
    did: tuple[list[dict[str, str]], bool],
    window_id: str | None,
) -> str:
    """Write how far a receipt has come. ``did``: what was done to which ticket, and whether nothing was."""
    done, (touched, nothing) = turn.done + len(told), did
    state = "pending" if done < len(batch.signals) else "ignored" if nothing else "processed"
    rows = (dump(told).decode(), dump(touched).decode())
    omissions = dump(list(batch.omissions)).decode(), dump([to_stored(each) for each in batch.omissions]).decode()
    place = (turn.account_id, turn.receipt_id)
    written = (*place, done, batch.left_out, *rows, state, omissions[0], window_id, omissions[1])
    became: str = await (await driver(session)).fetchval(_ADVANCE, *written)
    return became
