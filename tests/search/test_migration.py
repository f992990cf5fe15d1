"""The indexes of words are built beside the writing, and a build that was interrupted is begun anew."""

import asyncio

from alembic import command
from sqlalchemy import text

from app.core.db.engine import make_engine
from app.core.db.migrate import configuration

_INTERRUPTED = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_search_texts_own_words'::regclass"
_LEFT = "CREATE INDEX ix_search_texts_own_words ON search_texts (at)"
_INDEXES = """
SELECT c.relname FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_am AS m ON m.oid = c.relam
WHERE i.indrelid = 'search_texts'::regclass AND i.indisvalid AND m.amname = 'gin' ORDER BY 1
"""


async def test_an_interrupted_build_is_begun_anew(own_database: str) -> None:
    engine = make_engine(own_database, pool_size=1)
    await asyncio.to_thread(command.downgrade, configuration(own_database), "0058")
    async with engine.begin() as connection:
        assert [*await connection.scalars(text(_INDEXES))] == ["ix_search_texts_words"]
        await connection.execute(text(_LEFT))
        await connection.execute(text(_INTERRUPTED))
    await asyncio.to_thread(command.upgrade, configuration(own_database), "head")
    async with engine.begin() as connection:
        assert [*await connection.scalars(text(_INDEXES))] == [
            "ix_search_texts_every_word",
            "ix_search_texts_own_words",
        ]
    await engine.dispose()
