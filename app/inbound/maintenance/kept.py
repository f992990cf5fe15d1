"""What is stored of alerts that are held back, and whether a window is open for a hook."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.session import driver
from app.core.db.statements.bulk import Write, write
from app.core.problems import Conflict
from app.core.text.messages import _
from app.inbound.decisions import Alert, Known, Setting
from app.inbound.formats.signal import Signal
from app.inbound.maintenance.silence import SILENCED, Held, hold_back, stored_form

MAX_HELD: Final = 10_000
"""Alerts of one hook that are held back at once."""
COVERS: Final = """
w.account_id = h.account_id AND w.due_at IS NOT NULL AND w.cancelled_at IS NULL
AND (w.hook_id IS NULL OR w.hook_id = h.id) AND (w.product IS NULL OR w.product = h.fields->>'product')
"""
"""That a window ``w`` that is not over is for a hook ``h``."""
# What came before a window began, and is processed later, is not silenced. A sandbox's clock says nothing of that.
_STANDS: Final = f"""
SELECT (
    SELECT w.id FROM maintenance_windows AS w WHERE {COVERS}
    AND w.starts_at <= coalesce(a.sandbox_now, least($3, clock_timestamp()))
    AND w.ends_at > coalesce(a.sandbox_now, clock_timestamp())
    ORDER BY w.ends_at DESC, w.id LIMIT 1
) AS window_id, coalesce(a.sandbox_now, clock_timestamp()) AS now
FROM hooks AS h JOIN accounts AS a ON a.account_id = h.account_id WHERE h.account_id = $1 AND h.id = $2
"""  # noqa: S608  our own text
_KEPT: Final = """
SELECT key, status, starts_at, digest, heard_at, repeats FROM silenced_alerts
WHERE account_id = $1 AND hook_id = $2 AND key = ANY ($3::text[])
"""
_COUNT: Final = "SELECT count(*) FROM silenced_alerts WHERE account_id = $1 AND hook_id = $2"
_KEEP: Final = """
INSERT INTO silenced_alerts AS s
SELECT r.* FROM jsonb_populate_recordset(NULL::silenced_alerts, $1::jsonb) AS r
ON CONFLICT (account_id, hook_id, key) DO UPDATE SET
    status = excluded.status, starts_at = excluded.starts_at, digest = excluded.digest, repeats = excluded.repeats,
    heard_at = excluded.heard_at, signal = excluded.signal, receipt_id = excluded.receipt_id, via = excluded.via,
    since = CASE WHEN s.status = 'firing' THEN s.since ELSE excluded.since END
"""
_DROP: Final = "DELETE FROM silenced_alerts WHERE account_id = $1 AND hook_id = $2 AND key = ANY ($3::text[])"


@dataclass(frozen=True, slots=True)
class Came:
    """Where some signals have come from."""

    account_id: str
    hook_id: str
    received_at: datetime
    """real time"""
    receipt_id: str = ""
    via: str | None = None


async def held_back(
    session: AsyncSession, came: Came, signals: Sequence[Signal], known: Known, setting: Setting
) -> tuple[str | None, Held]:
    """The window that is open for the hook, if any, and what it holds back of the signals. Stores nothing."""
    connection = await driver(session)
    place = (came.account_id, came.hook_id)
    stands = await connection.fetchrow(_STANDS, *place, came.received_at)
    rows = await connection.fetch(_KEPT, *place, list({signal.key for signal in signals}))
    before = {row["key"]: Alert(incident_key=SILENCED, **dict(row)) for row in rows}
    held = hold_back(signals, known, before, setting, silenced=stands["window_id"] is not None)
    return stands["window_id"], held


async def keep(session: AsyncSession, came: Came, held: Held, *, now: datetime) -> None:
    """Store what is held back; ``now`` is the account's instant. 409 where it is more than is kept of one hook."""
    connection = await driver(session)
    place = (came.account_id, came.hook_id)
    if held.kept:
        if await connection.fetchval(_COUNT, *place) + len(held.kept) > MAX_HELD:
            raise Conflict(_("Maintenance windows hold back at most {most} alerts of one hook", most=MAX_HELD))
        rows = [_row(came, alert, signal, now) for alert, signal in held.kept.values()]
        await write(session, Write(_KEEP, rows))
    if held.dropped:
        await connection.execute(_DROP, *place, list(held.dropped))


def _row(came: Came, alert: Alert, signal: Signal, now: datetime) -> Mapping[str, Any]:
    return {
        "account_id": came.account_id,
        "hook_id": came.hook_id,
        **{name: getattr(alert, name) for name in ("key", "status", "starts_at", "digest", "repeats", "heard_at")},
        "since": now,
        "signal": stored_form(signal),
        "receipt_id": came.receipt_id,
        "via": came.via,
    }


async def drop(session: AsyncSession, account_id: str, hook_id: str, keys: Sequence[str]) -> None:
    """Forget alerts that are held back no more."""
    await (await driver(session)).execute(_DROP, account_id, hook_id, list(keys))
