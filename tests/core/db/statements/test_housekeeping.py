from datetime import timedelta

import pytest
from sqlalchemy import text

from app.core.db.engine import Sessions
from app.core.db.models import StoredAnswerRow
from app.core.db.session import transaction
from app.core.db.statements import housekeeping
from app.core.db.statements.bulk import insert_rows
from tests.support.desk import fetch, now_of

OLD = "t.created_at < now() - $1::interval"
DAY = timedelta(days=1)


async def _keep(sessions: Sessions, ages: list[timedelta]) -> None:
    now = await now_of(sessions)
    rows = [
        {"account_id": "acc_1", "key_hash": f"{number:03}", "body_hash": "", "status": 200, "answer": {}, "headers": {}}
        | {"created_at": now - age}
        for number, age in enumerate(ages)
    ]
    async with transaction(sessions) as session:
        await insert_rows(session, StoredAnswerRow, rows)


@pytest.mark.parametrize("old", [0, 1, 3, 9, 10])
async def test_old_rows_are_dropped_some_at_a_time(
    sessions: Sessions,
    old: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(housekeeping, "BATCH", 3)
    await _keep(sessions, [*[2 * DAY] * old, *[DAY / 2] * 5])
    assert await housekeeping.forget(sessions, StoredAnswerRow, OLD, DAY) == old
    assert len(await fetch(sessions, "SELECT FROM stored_answers")) == 5


async def test_rows_that_others_hold_are_left_for_the_next_time(sessions: Sessions) -> None:
    await _keep(sessions, [2 * DAY] * 5)
    async with transaction(sessions) as session:
        await session.execute(text("SELECT FROM stored_answers WHERE key_hash = '002' FOR UPDATE"))
        assert await housekeeping.forget(sessions, StoredAnswerRow, OLD, DAY) == 4
    assert await housekeeping.forget(sessions, StoredAnswerRow, OLD, DAY) == 1
