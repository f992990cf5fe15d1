"""What becomes of an earlier version's known errors."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from alembic import command
from sqlalchemy import text

from app.core.db.engine import Sessions, make_engine
from app.core.db.migrate import configuration
from app.core.db.session import driver, make_sessions, transaction
from app.core.signals import WakeUps

# The columns that every problem has, and those that differ.
_EARLIER = """
INSERT INTO problems (id, number, title, description, product, state, source, words, owner_id, workaround, targets,
                      resolve_tickets, created_by, told_by, version, created_at, updated_at)
SELECT 'prb_' || n, 'PRB-' || n, title, 'Behind it', product, state, 'engineer', '[]', NULL, workaround, '{}', false,
       '{}', '{}', 1, now(), now()
FROM (VALUES
    (1, 'La exportación falla', 'Reports', 'known_error', 'Exporte un mes de cada vez, o la mitad.'),
    (2, 'Exports fail', NULL, 'known_error', 'Export one month at a time.'),
    (3, 'Exports fail', NULL, 'resolved', 'Export one month at a time.'),
    (4, 'Exports fail', NULL, 'investigating', NULL),
    (5, 'Eksport kończy się błędem', NULL, 'known_error', 'Eksportuj miesiąc po miesiącu.')
) AS p (n, title, product, state, workaround)
"""


@pytest.fixture
async def upgraded(own_database: str) -> AsyncIterator[Sessions]:
    """A database that a version without suggestions of known errors made and filled."""
    engine = make_engine(own_database, pool_size=2)
    sessions = make_sessions(engine, WakeUps())
    await asyncio.to_thread(command.downgrade, configuration(own_database), "0047")
    async with transaction(sessions) as session:
        await (await driver(session)).execute(_EARLIER)
    await asyncio.to_thread(command.upgrade, configuration(own_database), "head")
    yield sessions
    await engine.dispose()


async def test_earlier_known_errors_are_found_and_their_words_are_counted(upgraded: Sessions) -> None:
    async with upgraded() as session:
        texts = await session.execute(
            text("SELECT article_id, slug, language, reach, title, plain FROM article_texts ORDER BY article_id")
        )
        assert [(row.article_id, row.slug, row.language, row.title) for row in texts] == [
            ("prb_1", "PRB-1", "es", "La exportación falla"),
            ("prb_2", "PRB-2", "en", "Exports fail"),
            ("prb_5", "PRB-5", "und", "Eksport kończy się błędem"),
        ]
        counts = await session.execute(
            text("SELECT language, word, articles FROM article_words WHERE reach = 'known_error'")
        )
        counted = {(row.language, row.word): row.articles for row in counts}
        said = await session.execute(
            text("SELECT language, unnest(tsvector_to_array(words)) AS word FROM article_texts")
        )
        assert counted == {("", "en"): 1, ("", "es"): 1, ("", "und"): 1} | {(row.language, row.word): 1 for row in said}
        assert {("es", "export"), ("en", "export"), ("und", "eksport")} <= set(counted)
        translations = await session.scalars(text("SELECT DISTINCT translations FROM problems"))
        assert list(translations) == [{}]
