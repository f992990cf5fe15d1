"""Zones come from the pinned ``tzdata`` package alone."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.resources import as_file, files
from pathlib import Path

import pytest

from app.core.zones import VERSION, load_zone, time_zones, zones_in

WINTER = datetime(2026, 1, 15, 12, tzinfo=UTC)
OFFSETS = """
from datetime import datetime
from zoneinfo import ZoneInfo
from app.core.zones import load_zone
winter = datetime(2026, 1, 15, 12)
print(ZoneInfo("Europe/Warsaw").utcoffset(winter), load_zone("Europe/Warsaw").utcoffset(winter))
"""


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A time-zone database in which Warsaw keeps the time of Tokyo, and which knows nothing else."""
    (tmp_path / "Europe").mkdir()
    with as_file(files("tzdata") / "zoneinfo" / "Asia" / "Tokyo") as tokyo:
        shutil.copy(tokyo, tmp_path / "Europe" / "Warsaw")
    return tmp_path


def test_c14_another_database_of_the_operating_system_moves_nothing(elsewhere: Path) -> None:
    environment = os.environ | {"PYTHONTZPATH": str(elsewhere)}
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
    assert first == f"# version {VERSION}"


def test_a_folder_is_a_database_of_its_own(elsewhere: Path) -> None:
    load = zones_in(elsewhere)
    offset: Callable[[datetime], timedelta | None] = load("Europe/Warsaw").utcoffset
    assert offset(WINTER.replace(tzinfo=None)) == timedelta(hours=9)
    with pytest.raises(ValueError, match="no zone Asia/Tokyo in"):
        load("Asia/Tokyo")
    with pytest.raises(ValueError, match="IANA"):
        load("../secrets")
