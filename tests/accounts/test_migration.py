"""What becomes of earlier versions' keys, addresses and stored answers."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from alembic import command
from sqlalchemy import text

from app.core.db.engine import Sessions, make_engine
from app.core.db.migrate import configuration
from app.core.db.session import driver, make_sessions, transaction
from app.core.signals import WakeUps

_EARLIER = """
INSERT INTO api_keys (id, kind, label, hint, secret_hash, created_at) VALUES
    ('key_start', 'admin', 'bootstrap', 'hd_admin_123', '1', now()),
    ('key_own', 'admin', 'bootstrap', 'an-operator-', '2', now()),
    ('key_api', 'admin', 'bootstrap', 'hd_admin_1234', '3', now()),
    ('key_agent', 'agent', 'bootstrap', 'hd_agent_123', '4', now());
INSERT INTO accounts (account_id, name, plan, time_zone, sandbox_now, created_at, updated_at) VALUES
    ('acc_live', 'Live', 'p', 'UTC', NULL, now(), now()), ('acc_test', 'Test', 'p', 'UTC', now(), now(), now());
INSERT INTO stored_answers (account_id, key_hash, body_hash, status, answer, headers, created_at)
    SELECT place, 'k', 'b', 201, '{}', '{}', now() FROM unnest(ARRAY['-', 'acc_live', 'acc_test']) AS place;
INSERT INTO people (account_id, id, email, name, role, created_at, updated_at) VALUES
    ('acc_live', 'per_1', E'jose\\u0301@example.com', 'José', 'viewer', now(), now()),
    ('acc_live', 'per_2', 'ana@example.com', 'Ana', 'owner', now(), now()),
    ('acc_live', 'per_3', E'zoe\\u0308@example.com', 'Zoë', 'viewer', now(), now()),
    ('acc_live', 'per_4', E'zo\\u00eb@example.com', 'Zoë', 'editor', now(), now());
"""


@pytest.fixture
async def upgraded(own_database: str) -> AsyncIterator[Sessions]:
    """A database that an earlier version made and filled."""
    engine = make_engine(own_database, pool_size=2)
    sessions = make_sessions(engine, WakeUps())
    await asyncio.to_thread(command.downgrade, configuration(own_database), "0003")
    async with transaction(sessions) as session:
        await (await driver(session)).execute(_EARLIER)
    await asyncio.to_thread(command.upgrade, configuration(own_database), "head")
    yield sessions
    await engine.dispose()


async def test_earlier_rows_are_understood(upgraded: Sessions) -> None:
    async with upgraded() as session:
        keys = await session.scalars(text("SELECT id FROM api_keys WHERE bootstrap ORDER BY id"))
        assert list(keys) == ["key_own", "key_start"]
        kept = await session.scalars(text("SELECT account_id FROM stored_answers ORDER BY 1"))
        assert list(kept) == ["-", "acc_live"]
        emails = await session.scalars(text("SELECT email FROM people ORDER BY id"))
        composed = ["jos\u00e9@example.com", "ana@example.com", "zoe\u0308@example.com", "zo\u00eb@example.com"]
        assert list(emails) == composed
