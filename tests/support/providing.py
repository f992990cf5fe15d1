"""Links of calls in tests: passes of the provisioner, with the waits between them cut short."""

from collections.abc import Mapping

from app.calls.providers.provider import Provider
from app.core.db.engine import Sessions
from app.core.state import State
from app.tickets.background.attendance import Watcher
from app.tickets.background.call_links import Provisioner
from tests.support.desk import fetch

_HURRY = """
UPDATE calls SET next_attempt_at = clock_timestamp() WHERE state = 'requested' AND claim_id IS NULL RETURNING id
"""


async def provide(state: State, providers: Mapping[str, Provider]) -> int:
    """One attempt for every call that waits now; their number."""
    provisioner = Provisioner(state, providers)
    begun = await provisioner.run_pass()
    await provisioner.drain()
    return begun


async def provide_until_done(state: State, providers: Mapping[str, Provider]) -> int:
    """All attempts, with no wait between them; their number."""
    attempts = 0
    while await fetch(state.sessions, _HURRY):
        attempts += await provide(state, providers)
    return attempts


async def poll(sessions: Sessions, providers: Mapping[str, Provider]) -> int:
    """Poll all rooms that are watched, now."""
    await fetch(sessions, "UPDATE calls SET next_look_at = clock_timestamp() WHERE next_look_at IS NOT NULL")
    return await Watcher(sessions, providers).run_pass()
