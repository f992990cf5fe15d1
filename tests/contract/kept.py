"""What a world was at an instant: its rows, its files and the names for them, to be put back."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.core.clock import monotonic
from app.core.db.engine import Sessions
from app.core.db.session import driver, transaction
from tests.support import database

_PAST: Final = "CREATE TABLE IF NOT EXISTS past_events AS TABLE events WITH NO DATA"
_NOTE: Final = """
INSERT INTO past_events SELECT * FROM events AS e WHERE NOT EXISTS (SELECT FROM kept.events AS k WHERE k.id = e.id)
"""
_NEW: Final = 60.0
"""Seconds for which things are as new: nothing of theirs is due so soon."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What was kept, and when."""

    at: float
    names: list[dict[str, Any]]
    files: dict[Path, bytes]

    @property
    def is_new(self) -> bool:
        """Whether all is as it would be if it were made now."""
        return monotonic() - self.at < _NEW

    async def put_back(self, sessions: Sessions, names: Sequence[dict[str, Any]]) -> None:
        """Have all as it was. Events that happened since are in the table ``past_events`` from now on."""
        async with transaction(sessions) as session:
            await (await driver(session)).execute(_NOTE)
        await database.put_back(sessions)
        forget(sessions)
        for now, then in zip(names, self.names, strict=True):
            now.clear()
            now.update(then)
        for path, content in self.files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


async def keep(sessions: Sessions, names: Sequence[dict[str, Any]], folder: Path) -> Kept:
    """Keep all rows, what ``names`` say, and the files in a folder."""
    await database.keep(sessions)
    async with transaction(sessions) as session:
        await (await driver(session)).execute(_PAST)
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return Kept(monotonic(), [dict(each) for each in names], files)


def forget(sessions: Sessions) -> None:
    """Have a process forget what it knows of rows that never change: others may get their ids."""
    sessions.kw["info"]["memory"]._kept.clear()
