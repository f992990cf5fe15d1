"""What becomes due of one account all at once does not delay another account's misses."""

from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx
import pytest

from app.core.db.engine import Sessions
from tests.support.actors import make_account
from tests.support.desk import fetch, now_of, open_at, store_plan
from tests.support.service import serving
from tests.support.waiting import until

pytestmark = pytest.mark.faults

STORM: Final = 2_000
OTHERS: Final = 10
HOUR: Final = timedelta(hours=1)
BESIDE: Final = """
WITH misses AS (
    SELECT account_id, timestamp AS due, (data ->> 'noticed_at')::timestamptz AS noticed
    FROM events WHERE type = 'deadline.missed'
)
SELECT o.noticed - o.due AS late,
       (SELECT count(*) FROM misses AS s WHERE s.account_id = $1 AND s.noticed BETWEEN o.due AND o.noticed) AS before
FROM misses AS o WHERE o.account_id = $2 ORDER BY o.due
"""


async def test_a_storm_of_one_account_does_not_delay_anothers_misses(
    shared: Sessions, own_database: str, folder: Path, admin_key: str
) -> None:
    """Told by how much of the storm has passed while another account's ticket waits: a few batches, never the rest.

    Nobody sweeps before all is due, the other account's last.
    """
    plan = await store_plan(shared, "wati-business-plus", key="quick", targets={"P2": {"first_response": "PT1H"}})
    storm, other = [(await make_account(shared, plan)).account_id for _ in range(2)]
    opened = await now_of(shared) - HOUR - timedelta(seconds=1)
    await open_at(shared, storm, *[opened] * STORM, priority="P2")
    instants = [opened + timedelta(milliseconds=50 * number) for number in range(1, OTHERS + 1)]
    await open_at(shared, other, *instants, priority="P2")
    with serving(folder, own_database, admin_key) as service:
        await until(lambda: _all_missed(shared), within=120)
        async with httpx.AsyncClient(base_url=service.url, trust_env=False) as client:
            ready = (await client.get("/readyz")).json()
    assert (ready["checks"]["sweep"], ready["checks"]["isolate"]) == ("ok", "ok")
    waited = [(row["late"], row["before"]) for row in await fetch(shared, BESIDE, storm, other)]
    print(waited)  # noqa: T201  for whoever looks at figures (-s)
    assert len(waited) == OTHERS
    assert max(before for _, before in waited) < STORM / 3


async def _all_missed(sessions: Sessions) -> bool:
    [row] = await fetch(sessions, "SELECT count(*) AS missed FROM tickets WHERE missed")
    return bool(row["missed"] == STORM + OTHERS)
