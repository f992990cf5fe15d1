"""Filling tables fast: by several connections at a time, with the indexes built at the end."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg

_HANDS: Final = 2
"""Connections that write at a time."""
_INDEXES: Final = """
SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition FROM pg_index AS i
WHERE i.indrelid::regclass::text = ANY ($1::text[]) AND NOT i.indisunique
"""


@asynccontextmanager
async def without_indexes(url: str, tables: Sequence[str]) -> AsyncIterator[None]:
    """While these tables have no index but the unique ones."""
    connection = await asyncpg.connect(url)
    indexes = await connection.fetch(_INDEXES, tables)
    for each in indexes:
        await connection.execute(f"DROP INDEX {each['name']}")
    await connection.close()
    yield
    print(f"{len(indexes)} indexes ...", flush=True)
    # An index of words takes the longest: it begins first.
    waiting = sorted((each["definition"] for each in indexes), key=lambda definition: "gin" not in definition)
    places = asyncio.Semaphore(_HANDS)

    async def build(definition: str) -> None:
        async with places:
            await run(url, definition)

    await asyncio.gather(*map(build, waiting))


async def in_parts(url: str, name: str, statement: str, many: int, *values: Any) -> None:
    """Run a statement for the numbers from ``$1`` to ``$2``, part by part."""
    print(f"{many:,} {name} ...", flush=True)
    upto = [many * part // _HANDS for part in range(_HANDS + 1)]
    parts = ((upto[part] + 1, upto[part + 1]) for part in range(_HANDS))
    await asyncio.gather(*(run(url, statement, *part, *values) for part in parts))


async def run(url: str, statement: str, *values: Any) -> None:
    """Run a statement on a connection of its own."""
    connection = await asyncpg.connect(url, command_timeout=1200)
    await connection.execute("SET synchronous_commit = off; SET maintenance_work_mem = '1GB'; SET jit = off")
    await connection.execute(statement, *values)
    await connection.close()
