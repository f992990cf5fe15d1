"""The time-zone database in force: the pinned ``tzdata`` package, never the operating system's (C14).

An upgrade of the operating system moves no deadline, and all replicas of one release agree.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

import tzdata

from app.core.text.messages import _

LoadZone: TypeAlias = Callable[[str], ZoneInfo]
"""From an IANA name to its zone; ValueError with a sentence for the caller when there is none."""

_PACKAGE: Final = files("tzdata")
_NOT_ZONES: Final = frozenset({"Factory"})
_VERSION_LINE: Final = "# version "


class NoZones(ValueError):
    """A folder holds no time-zone database, or one without a zone that is needed."""


@dataclass(frozen=True, slots=True)
class ZoneDatabase:
    """A time-zone database; ``version`` is such as ``2026a``."""

    version: str
    load: LoadZone


@cache
def time_zones() -> frozenset[str]:
    """The names of all zones of the database in force."""
    return frozenset(_PACKAGE.joinpath("zones").read_text(encoding="utf-8").split()) - _NOT_ZONES


def _zones_in(folder: Traversable) -> LoadZone:
    """The zones of a folder of compiled files: each is read once."""

    @cache
    def load(name: str) -> ZoneInfo:
        if name not in time_zones():
            raise ValueError(_("This is not the name of an IANA time zone, such as Europe/Madrid"))
        try:
            with folder.joinpath(*name.split("/")).open("rb") as file:
                return ZoneInfo.from_file(file, key=name)
        except OSError as error:
            raise NoZones(f"{folder} holds no time zone {name}") from error

    return load


IN_FORCE: Final = ZoneDatabase(tzdata.IANA_VERSION, _zones_in(_PACKAGE.joinpath("zoneinfo")))
load_zone: Final = IN_FORCE.load


def database_in(folder: Path) -> ZoneDatabase:
    """The database in a folder such as ``/usr/share/zoneinfo``, or in an unpacked ``tzdata`` package. ``NoZones``.

    Where the folder does not tell its version, its path stands for it.
    """
    for place in (folder, folder / "zoneinfo", folder / "tzdata" / "zoneinfo"):
        if (place / "UTC").is_file():
            return ZoneDatabase(_version_of(place) or str(folder), _zones_in(place))
    raise NoZones(f"{folder} holds no compiled time zones")


def _version_of(folder: Path) -> str | None:
    source = folder / "tzdata.zi"
    if not source.is_file():
        return None
    with source.open(encoding="utf-8") as lines:
        return lines.readline().removeprefix(_VERSION_LINE).strip()
