"""Time-zone databases for tests: folders of the pinned package's files under other names."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Final

_PINNED: Final = files("tzdata") / "zoneinfo"


def make_zones(folder: Path, zones: Mapping[str, str]) -> None:
    """A database in which each zone keeps the time of another one, and which knows nothing else."""
    for name, other in zones.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((_PINNED / other).read_bytes())
