"""Bulk writes of many rows leave room for everything else."""

from collections.abc import Sequence

import pytest

from app.core.db.engine import Sessions
from app.core.db.models import StoredAnswerRow
from app.core.db.session import transaction
from app.core.db.statements import bulk
from app.core.db.tables import Row
from tests.support.desk import fetch, now_of


async def test_many_rows_are_turned_into_text_a_part_at_a_time(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts: list[int] = []
    whole = bulk.to_json

    def noting(rows: Sequence[Row]) -> str:
        parts.append(len(rows))
        return whole(rows)

    monkeypatch.setattr(bulk, "to_json", noting)
    now = await now_of(sessions)
    same = {"account_id": "a", "body_hash": "", "status": 201, "answer": {}, "headers": {}, "created_at": now}
    async with transaction(sessions) as session:
        await bulk.insert_rows(session, StoredAnswerRow, [same | {"key_hash": f"{n:04}"} for n in range(2500)])
    assert parts == [1000, 1000, 500]
    [found] = await fetch(sessions, "SELECT count(DISTINCT key_hash) AS keys FROM stored_answers")
    assert found == {"keys": 2500}
