import logging
from collections.abc import Iterator

import orjson
import pytest
import structlog

from app.core.auth import make_key
from app.core.logging import configure_logging
from app.core.settings import Settings


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, configured = list(root.handlers), root.level, structlog.get_config()
    yield
    structlog.configure(**configured)
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_is_json_with_the_requests_id_and_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log_format="json"))
    secret = make_key("admin")
    with structlog.contextvars.bound_contextvars(request_id="req_1"):
        structlog.get_logger("t").info("made a key", header=f"Bearer {secret}", secret="x", count=2)
        logging.getLogger("elsewhere").warning("url with %s", secret)
    ours, theirs = map(orjson.loads, capsys.readouterr().err.splitlines())
    assert (ours["event"], ours["request_id"], ours["count"], ours["level"]) == ("made a key", "req_1", 2, "info")
    assert (ours["header"], ours["secret"]) == ("Bearer hd_admin_[hidden]", "[hidden]")
    assert theirs["event"] == "url with hd_admin_[hidden]"


def test_a_crash_is_logged_with_its_trace_and_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log_format="json"))
    try:
        int(make_key("agent"))
    except ValueError:
        structlog.get_logger("t").exception("unhandled error")
    line = orjson.loads(capsys.readouterr().err)
    assert "'hd_agent_[hidden]'" in line["exception"]


def test_what_is_below_the_level_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log_level="WARNING"))
    structlog.get_logger("t").info("too much")
    assert capsys.readouterr().err == ""
