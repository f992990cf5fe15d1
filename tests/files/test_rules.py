from datetime import UTC, datetime, timedelta

import pytest

from app.core.settings import Settings
from app.files.rules import clean_name, disposition, file_of, is_taken, media_type, token

NOW = datetime(2026, 11, 26, tzinfo=UTC)
FILE = "fil_01k9z3v5q8e9rbn3wz4m6t7y2h"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a.log", "a.log"),
        ("C:\\Users\\ana\\a.log", "a.log"),
        ("../../etc/passwd", "passwd"),
        ("a\u202egpj.exe", "a_gpj.exe"),
        ("a\r\nb: c.txt", "a_b_ c.txt"),
        (" . ", "file"),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
        ("界" * 100 + ".pdf", "界" * 78 + ".pdf"),
        ("Con.tar.gz", "_Con.tar.gz"),
        ("console", "console"),
        ("a\u200b\u061cb.txt", "ab.txt"),
    ],
)
def test_a_name_is_one_that_any_system_can_keep(given: str, kept: str) -> None:
    assert clean_name(given) == kept


@pytest.mark.parametrize(
    ("stated", "kind"),
    [
        ("Text/Plain; charset=utf-8", "text/plain"),
        ("", "application/octet-stream"),
        ("text/plain\r\nX: y", "application/octet-stream"),
        ("nonsense", "application/octet-stream"),
    ],
)
def test_a_media_type_is_one(stated: str, kind: str) -> None:
    assert media_type(stated) == kind


def test_files_of_the_listed_types_are_taken() -> None:
    listed = Settings(database_url="").file_types
    assert is_taken("image/png", listed)
    assert is_taken("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", listed)
    assert not is_taken("application/x-msdownload", listed)


def test_a_name_is_said_to_old_and_new_browsers() -> None:
    assert disposition("Año.log") == "attachment; filename=\"A_o.log\"; filename*=UTF-8''A%C3%B1o.log"


def test_a_token_is_for_its_file_and_purpose_until_its_end() -> None:
    made = token("secret", "download", FILE, NOW + timedelta(minutes=5))
    assert file_of("secret", "download", made, NOW) == FILE
    assert file_of("secret", "download", made, NOW + timedelta(minutes=5)) is None
    assert file_of("secret", "upload", made, NOW) is None
    assert file_of("other", "download", made, NOW) is None


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:3310", "unix:/run/clamav/clamd.ctl", ""])
def test_a_scanner_has_an_address(address: str) -> None:
    assert Settings(database_url="", scanner_url=address).scanner_url == address


@pytest.mark.parametrize(
    "wrong",
    [
        {"scanner_url": "http://clamav:3310"},
        {"s3_url": "https://s3.example"},
        {"s3_bucket": "files"},
    ],
)
def test_settings_that_are_no_use_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"(?i)scanner_url|S3_BUCKET"):
        Settings(database_url="", **wrong)  # type: ignore[arg-type]
