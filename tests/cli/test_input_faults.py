"""What the start says about settings that are no use."""

import pytest
from pydantic import ValidationError

from app.cli.input_faults import setting_faults
from app.core.settings import Settings

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
