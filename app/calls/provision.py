"""Making the links of requested calls: claimed under a lease, made without a transaction, recorded by the caller.

One claim is one attempt with one provider. Its outcome is written under the claim's id; where that never happens
(a crash, a database that is away), the next claim finds the id still there, and a room may have been left behind.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

import httpx
import orjson
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.calls.providers.jitsi import make_jitsi
from app.calls.providers.meet import make_meet
from app.calls.providers.provider import CallFailed, CallRequest, Link, Provider
from app.calls.schedule import retry_in
from app.core.clock import monotonic
from app.core.db.session import driver
from app.core.ids import new_id
from app.core.settings import Settings
from app.events.failures import FailureCode

Failure: TypeAlias = Mapping[str, Any] | str
"""A ``CallFailure``; what earlier versions have stored is a sentence."""
LEASE_SECONDS: Final = 60
_CLAIM: Final = f"""
WITH placed AS (
    SELECT c.account_id, c.id, c.next_attempt_at, coalesce(h.number, 0)
        + row_number() OVER (PARTITION BY c.account_id ORDER BY c.next_attempt_at, c.id) AS place
    FROM calls AS c LEFT JOIN unnest($3::text[], $4::int[]) AS h (account_id, number) ON h.account_id = c.account_id
    WHERE c.next_attempt_at <= statement_timestamp()
), chosen AS MATERIALIZED (
    SELECT account_id, id FROM placed WHERE place <= $5 ORDER BY place, next_attempt_at LIMIT $1
), due AS MATERIALIZED (
    SELECT c.account_id, c.id, c.claim_id FROM calls AS c JOIN chosen USING (account_id, id)
    WHERE c.next_attempt_at <= statement_timestamp() FOR UPDATE OF c SKIP LOCKED
)
UPDATE calls AS c
SET claim_id = $2, attempts = c.attempts + 1, asked_at = coalesce(c.asked_at, clock_timestamp()),
    next_attempt_at = clock_timestamp() + interval '{LEASE_SECONDS} seconds'
FROM due WHERE c.account_id = due.account_id AND c.id = due.id
RETURNING c.account_id, c.id, c.ticket_id, c.providers, c.failures, c.attempts,
          clock_timestamp() - c.asked_at AS asked_for, due.claim_id IS NOT NULL AS interrupted
"""  # noqa: S608  a constant of ours
_POSTPONE: Final = """
UPDATE calls
SET providers = $4::jsonb, failures = $5::jsonb, attempts = $6, asked_at = CASE WHEN $6 > 0 THEN asked_at END,
    next_attempt_at = clock_timestamp() + $7, claim_id = NULL
WHERE account_id = $1 AND id = $2 AND claim_id = $3 AND state = 'requested'
"""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ClaimedCall:
    """A call whose link is to be made, by whoever holds ``claim_id``.

    ``attempts`` counts those of the first of ``providers``, this one included; it was first asked ``asked_for`` ago.
    ``failures``: why the providers before it failed. ``interrupted``: what came of the attempt before is not known.
    """

    request: CallRequest
    providers: tuple[str, ...]
    claim_id: str
    failures: tuple[Failure, ...] = ()
    attempts: int = 1
    asked_for: timedelta = timedelta(0)
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Again:
    """No link yet: the first of ``providers`` is asked in a while, for the first time where ``attempts`` is 0."""

    providers: tuple[str, ...]
    failures: tuple[Failure, ...]
    attempts: int
    wait: timedelta


@dataclass(frozen=True, slots=True)
class Failed:
    """No provider is left."""

    failures: tuple[Failure, ...]


Outcome: TypeAlias = Link | Again | Failed


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of an attempt: its outcome, and where the ``provider`` failed, how."""

    outcome: Outcome
    provider: str = ""
    failure: CallFailed | None = None


def configured(settings: Settings, http: httpx.AsyncClient) -> dict[str, Provider]:
    """The providers that this installation can use, by name. Raises ``Unconfigurable``."""
    made = (make_meet(settings, http), make_jitsi(settings))
    return {provider.name: provider for provider in made if provider}


_NEXT: Final = """
SELECT next_attempt_at FROM calls WHERE next_attempt_at IS NOT NULL AND account_id <> ALL ($1::text[])
ORDER BY next_attempt_at LIMIT 1
"""


async def claim(session: AsyncSession, limit: int, held: Mapping[str, int], share: int) -> list[ClaimedCall]:
    """Claim calls that wait for a link; nobody else gets them before the lease ends.

    Accounts take turns, and none has more than its ``share`` with what is ``held`` of it already.
    """
    claim_id = new_id("clm")
    mine = (list(held), list(held.values()))
    rows = await (await driver(session)).fetch(_CLAIM, limit, claim_id, *mine, share)
    return [
        ClaimedCall(
            CallRequest(row["id"], row["account_id"], row["ticket_id"]),
            tuple(row["providers"]),
            claim_id,
            tuple(row["failures"]),
            row["attempts"],
            row["asked_for"],
            row["interrupted"],
        )
        for row in rows
    ]


def usable(providers: Mapping[str, Provider], call: ClaimedCall) -> ClaimedCall:
    """The call without the providers at its head that are not configured: that is why they failed."""
    first = next((place for place, name in enumerate(call.providers) if name in providers), len(call.providers))
    if first == 0:
        return call
    missing = tuple(_failure(name, "not_configured") for name in call.providers[:first])
    return replace(
        call, providers=call.providers[first:], failures=call.failures + missing, attempts=1, asked_for=timedelta(0)
    )


async def attempt(providers: Mapping[str, Provider], call: ClaimedCall) -> Attempt:
    """Ask the first provider that is configured for a link, once."""
    call = usable(providers, call)
    if not call.providers:
        return Attempt(Failed(call.failures))
    provider = providers[call.providers[0]]
    started = monotonic()
    try:
        return Attempt(await provider.create(call.request), provider.name)
    except CallFailed as failed:
        failure = failed
    except Exception:  # noqa: BLE001  a fault of one provider must not keep the call from the next one
        _log.exception("a provider of calls is faulty", provider=provider.name)
        failure = CallFailed("internal_error", lost=True)
    asked_for = call.asked_for + timedelta(seconds=monotonic() - started)
    return Attempt(_after(call, failure, asked_for), provider.name, failure)


def _after(call: ClaimedCall, failure: CallFailed, asked_for: timedelta) -> Outcome:
    wait = retry_in(call.attempts, asked_for, failure.retry_after)
    if wait is not None:
        return Again(call.providers, call.failures, call.attempts, wait)
    name, *rest = call.providers
    failures = (*call.failures, _failure(name, failure.code, failure.status))
    return Again(tuple(rest), failures, 0, timedelta(0)) if rest else Failed(failures)


def _failure(provider: str, code: FailureCode, status: int | None = None) -> Failure:
    return {"provider": provider, "code": code, "status": status}


async def postpone(session: AsyncSession, call: ClaimedCall, again: Again) -> None:
    """Write that the call is to be provided for again, unless the claim was lost or it is no longer wanted."""
    lists = (orjson.dumps(list(names)).decode() for names in (again.providers, again.failures))
    key = (call.request.account_id, call.request.call_id, call.claim_id)
    await (await driver(session)).execute(_POSTPONE, *key, *lists, again.attempts, again.wait)


async def next_instant(session: AsyncSession, full: Collection[str] = ()) -> datetime | None:
    """When the next call waits for a link, by the database's clock; ``full``: not of these accounts."""
    waiting: datetime | None = await (await driver(session)).fetchval(_NEXT, list(full))
    return waiting
