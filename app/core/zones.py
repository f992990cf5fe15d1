"""The time-zone database in force: the pinned ``tzdata`` package, never the operating system's (C14).

An upgrade of the operating system moves no deadline, and all replicas of one release agree.
"""

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

import tzdata

LoadZone: TypeAlias = Callable[[str], ZoneInfo]
"""From an IANA name to its zone; ValueError with a sentence for the caller when there is none."""

VERSION: Final[str] = tzdata.IANA_VERSION
"""Of the database in force, such as ``2026a``."""

_PACKAGE: Final = files("tzdata")
_NOT_ZONES: Final = frozenset({"Factory"})


@cache
def time_zones() -> frozenset[str]:
    """The names of all zones of the database in force."""
    return frozenset(_PACKAGE.joinpath("zones").read_text(encoding="utf-8").split()) - _NOT_ZONES


def zones_in(folder: Traversable) -> LoadZone:
    """The zones of a folder of compiled files, such as ``/usr/share/zoneinfo``: each is read once."""

    @cache
    def load(name: str) -> ZoneInfo:
        if name not in time_zones():
            raise ValueError("This is not the name of an IANA time zone, such as Europe/Madrid")
        try:
            with folder.joinpath(*name.split("/")).open("rb") as file:
                return ZoneInfo.from_file(file, key=name)
        except OSError as error:
            raise ValueError(f"There is no zone {name} in {folder}") from error

    return load


load_zone: Final[LoadZone] = zones_in(_PACKAGE.joinpath("zoneinfo"))
"""The zone of this name, by the database in force."""
