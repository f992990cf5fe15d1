"""Zones come from the pinned ``tzdata`` package alone."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest

from app.core.zones import IN_FORCE, NoZones, database_in, load_zone, time_zones
from tests.support.zones import make_zones

WINTER = datetime(2026, 1, 15, 12)  # noqa: DTZ001  what a zone's clocks show
OFFSETS = """
from datetime import datetime
from zoneinfo import ZoneInfo
from app.core.zones import load_zone
winter = datetime(2026, 1, 15, 12)
print(ZoneInfo("Europe/Warsaw").utcoffset(winter), load_zone("Europe/Warsaw").utcoffset(winter))
"""


def test_c14_another_database_of_the_operating_system_moves_nothing(tmp_path: Path) -> None:
    make_zones(tmp_path, {"Europe/Warsaw": "Asia/Tokyo"})
    environment = os.environ | {"PYTHONTZPATH": str(tmp_path)}
    printed = subprocess.check_output([sys.executable, "-c", OFFSETS], env=environment, text=True)
    assert printed.split() == ["9:00:00", "1:00:00"]


def test_every_zone_can_be_loaded() -> None:
    names = time_zones()
    assert {"UTC", "Europe/Warsaw", "Australia/Lord_Howe"} <= names
    assert not {"Factory", "localtime", "posixrules", "tzdata.zi"} & names
    assert {load_zone(name).key for name in names} == names
    assert load_zone("Asia/Kathmandu") is load_zone("Asia/Kathmandu")


def test_the_version_is_the_databases() -> None:
    first, *_ = (files("tzdata") / "zoneinfo" / "tzdata.zi").read_text().splitlines()
    assert first == f"# version {IN_FORCE.version}"


@pytest.mark.parametrize("inside", ["", "zoneinfo", "tzdata/zoneinfo"])
def test_a_folder_is_a_database_of_its_own(tmp_path: Path, inside: str) -> None:
    make_zones(tmp_path / inside, {"Europe/Warsaw": "Asia/Tokyo", "UTC": "UTC"})
    database = database_in(tmp_path)
    offset: Callable[[datetime], timedelta | None] = database.load("Europe/Warsaw").utcoffset
    assert offset(WINTER) == timedelta(hours=9)
    with pytest.raises(NoZones, match="no time zone Asia/Tokyo"):
        database.load("Asia/Tokyo")
    with pytest.raises(ValueError, match="IANA"):
        database.load("../secrets")
    assert database.version == str(tmp_path)
    (tmp_path / inside / "tzdata.zi").write_text("# version 2031a\n# rules\n")
    assert database_in(tmp_path).version == "2031a"


def test_a_folder_without_zones_is_none(tmp_path: Path) -> None:
    with pytest.raises(NoZones, match="no compiled time zones"):
        database_in(tmp_path)
