"""The schema's migrations, as ``alembic`` runs them."""

from functools import lru_cache
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

_INI: Final = Path(__file__).resolve().parents[2] / "alembic.ini"


def configuration(url: str) -> Config:
    """Alembic's configuration for the database at ``url``."""
    return Config(_INI, attributes={"url": url})


def upgrade(url: str) -> None:
    """Bring the database to the newest schema. Safe to call from several processes at once: one waits for the other.

    Runs its own event loop, so call it where none runs.
    """
    command.upgrade(configuration(url), "head")


@lru_cache(maxsize=1)
def heads() -> frozenset[str]:
    """The revisions that a database with the newest schema is at."""
    return frozenset(ScriptDirectory.from_config(configuration("")).get_heads())
