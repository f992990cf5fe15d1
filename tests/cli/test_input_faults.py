"""What the start says about settings that are no use."""

import subprocess
import sys
from typing import Final

import pytest
from pydantic import ValidationError

from app.cli.input_faults import problem_faults, setting_faults
from app.core.problems import Fault, Invalid, NotFound
from app.core.settings import Settings
from app.core.text.messages import verbatim

WRONG = [
    ("POOL_SIZE", "1.5", "This has to be a whole number"),
    ("KEEP_ALIVE", "long", "This has to be a number"),
    ("BACKGROUND", "maybe", "This has to be true or false"),
    ("MEET_ACCESS_TYPE", "ALL", "This has to be one of: 'OPEN', 'TRUSTED', 'RESTRICTED'"),
    ("LOG_FORMAT", "xml", "This has to be one of: 'json', 'console'"),
    ("PUBLIC_URL", "here", "This is not a URL"),
    ("ALLOW_NETWORKS", "10.0.0.0/8,here,there", "here is not a network such as 10.0.0.0/8"),
    ("METRICS_KEY", "hunter2", "It needs at least 16 printable ASCII characters without blanks"),
]


def told() -> list[str]:
    with pytest.raises(ValidationError) as refused:
        Settings()
    return list(setting_faults(refused.value))


@pytest.mark.parametrize(("name", "value", "sentence"), WRONG, ids=[name for name, *_ in WRONG])
def test_a_setting_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(f"HELIODESK_{name}", value)
    assert told() == [f"HELIODESK_{name}: {sentence}"]


def test_every_wrong_setting_has_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value, _ in WRONG:
        monkeypatch.setenv(f"HELIODESK_{name}", value)
    assert sorted(told()) == sorted(f"HELIODESK_{name}: {sentence}" for name, _, sentence in WRONG)


def test_settings_that_need_each_other_are_told_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELIODESK_JITSI_APP_ID", "desk")
    assert told() == ["HELIODESK_JITSI_APP_ID and HELIODESK_JITSI_APP_SECRET need each other"]


def test_the_level_of_the_log_is_taken_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELIODESK_LOG_LEVEL", "debug")
    assert Settings().log_level == "DEBUG"


def test_what_a_command_is_refused_for_has_its_place_where_there_is_one() -> None:
    faults = [Fault(pointer="/plan", detail=verbatim("None")), Fault(pointer="", detail=verbatim("Not JSON"))]
    assert list(problem_faults(Invalid(errors=faults))) == ["/plan: None", "Not JSON"]
    assert list(problem_faults(NotFound(verbatim("No such file")))) == ["No such file"]


_INTERRUPTED: Final = """
import os, signal, sys

class Finder:
    def find_spec(self, name, *_):
        if name == "app.cli.main":
            signal.raise_signal(signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Finder())
import app.cli.start
"""


def test_a_ctrl_c_while_it_is_imported_ends_it_quietly() -> None:
    done = subprocess.run([sys.executable, "-c", _INTERRUPTED], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")
