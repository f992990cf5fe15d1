from datetime import timedelta

from app.accounts.models import AccountRow
from app.core.db.engine import Sessions
from tests.support.desk import fetch, now_of, open_at
from tests.support.sweeping import run_pass


async def test_what_the_service_does_updates_a_ticket_but_not_its_version(
    sessions: Sessions, account: AccountRow
) -> None:
    """So that a poll by ``updated_since`` sees an automatic raise, and no If-Match fails because of one."""
    opened = await now_of(sessions) - timedelta(hours=8, seconds=1)
    (only,) = await open_at(sessions, account.account_id, opened, priority="P2")
    before = await now_of(sessions)
    assert await run_pass(sessions) == 1
    (row,) = await fetch(sessions, "SELECT updated_at, version FROM tickets WHERE id = $1", only)
    assert row["updated_at"] >= before
    assert row["version"] == 1
